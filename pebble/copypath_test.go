package pebble_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// target is a pull's target in memory; directories end in a slash.
type target map[string]string

func (t target) Mkdir(name string, perm fs.FileMode) error {
	t[name+"/"] = fmt.Sprintf("%03o", perm)
	return nil
}

func (t target) WriteFile(name string, content io.Reader, perm fs.FileMode) error {
	if strings.Contains(name, "unwritable") {
		return fs.ErrPermission
	}
	data, err := io.ReadAll(content)
	if err == nil {
		t[name] = fmt.Sprintf("%03o %d %.20s", perm, len(data), data)
	}
	return err
}

// copied records a copy of trees.
func (w *world) copied(what string, skipped []string, err error) {
	w.note("%s: skipped %s", what, skipped)
	var e *pebble.Error
	if !errors.As(err, &e) || e.Kind != pebble.MultiPushPullError {
		w.result(what, nil, err)
		return
	}
	for _, f := range e.Failures {
		w.note("  %s: %v", f.Path, f.Err)
	}
}

func (w *world) pulled(sources ...string) {
	for i := range sources {
		sources[i] = w.expand(sources[i])
	}
	to := target{}
	skipped, err := w.client.PullPath(context.Background(), sources, to)
	w.copied("pull "+strings.Join(sources, " "), skipped, err)
	for _, name := range slices.Sorted(maps.Keys(to)) {
		w.note("  %s %s", name, to[name])
	}
}

func sourceTree() fstest.MapFS {
	return fstest.MapFS{
		"site/index.html":           {Data: []byte("hello"), Mode: 0o640},
		"site/css":                  {Mode: fs.ModeDir | 0o750},
		"site/css/a.css":            {Data: []byte("a"), Mode: 0o600},
		"site/empty":                {Mode: fs.ModeDir | 0o700},
		"site/large":                {Data: bytes.Repeat([]byte("x"), 200<<10), Mode: 0o644},
		"site/links/file":           {Data: []byte("../index.html"), Mode: fs.ModeSymlink | 0o777},
		"site/links/dir":            {Data: []byte("../css"), Mode: fs.ModeSymlink | 0o777},
		"site/links/dangling":       {Data: []byte("nothing"), Mode: fs.ModeSymlink | 0o777},
		"site/pipe":                 {Mode: fs.ModeNamedPipe | 0o644},
		"site/new\nline":            {Data: []byte("n")},
		"site/sp ace é \\ \" %41;.": {Data: []byte("odd"), Mode: 0o644},
		"site/-leading":             {Data: []byte("dash"), Mode: 0o644},
		"site/star*":                {Data: []byte("star"), Mode: 0o644},
	}
}

func copyCases() []conformanceCase {
	ctx := context.Background()
	push := func(w *world, what, to string, sources ...pebble.PushSource) {
		skipped, err := w.client.PushPath(ctx, sources, w.expand(to), pebble.Owner{})
		w.copied("push "+what, skipped, err)
	}
	source := func(name, as string) pebble.PushSource {
		return pebble.PushSource{FS: sourceTree(), Name: name, As: as, Path: "/src/" + name}
	}
	return []conformanceCase{
		{name: "copy/tree", run: func(w *world) {
			push(w, "site", "$DIR/www", source("site", "site"))
			w.pulled("$DIR/www")
			w.pulled("$DIR/www/site/*", "$DIR/www/site/css")
			w.pulled("$DIR/www/site/index.html", "$DIR/nothing", "$DIR/www/site/index.html/*")
		}},
		{name: "copy/contents", run: func(w *world) {
			push(w, "contents", "$DIR", source("site/css", ""), source("site/index.html", "other"), source("site/index.html", ""), source("nope", "nope"))
			push(w, "the same name twice", "$DIR", source("site/css/a.css", "x"), source("site/index.html", "x"))
			w.pulled("$DIR/*")
		}},
		{name: "copy/in-the-way", run: func(w *world) {
			w.result("push", nil, w.client.Push(ctx, w.dir+"/www/site/css", strings.NewReader("x"), pebble.PushOptions{MakeDirs: true}))
			w.result("mkdir", nil, w.client.MakeDir(ctx, w.dir+"/www/site/index.html", pebble.MakeDirOptions{}))
			push(w, "site", "$DIR/www", source("site", "site"))
			push(w, "into a file", "$DIR/www/site/css", source("site/css", "css"))
			push(w, "into nothing", "relative", source("site/css", "css"))
			w.pulled("$DIR")
		}},
		{name: "copy/several-files", run: func(w *world) {
			mode := 0o600
			failures, err := w.client.PushFiles(ctx, []pebble.PushFile{
				{Path: w.dir + "/a", Content: strings.NewReader("a"), PushOptions: pebble.PushOptions{Permissions: &mode}},
				{Path: w.dir + "/missing/b", Content: strings.NewReader("b")},
				{Path: w.dir + "/c\nd", Content: strings.NewReader("c")},
				{Path: w.dir + "/made/e", Content: strings.NewReader(""), PushOptions: pebble.PushOptions{MakeDirs: true}},
			})
			w.note("%v %v", failures, err)
			failures, err = w.client.PullFiles(ctx, []string{w.dir + "/made/e", w.dir + "/nothing", w.dir, "x", w.dir + "/a"}, func(path string, content io.Reader) error {
				data, err := io.ReadAll(content)
				w.note("%s %q %v", path, data, err)
				return nil
			})
			w.note("%v %v", failures, err)
			_, err = w.client.PullFiles(ctx, []string{w.dir + "/a", w.dir + "/a"}, func(path string, content io.Reader) error {
				return fs.ErrClosed
			})
			w.note("%v", err)
			w.raw("GET", "/v1/files?action=read&path=$DIR/a&path=$DIR/nope&path=$DIR/a", "", "Accept", "multipart/form-data")
		}},
	}
}

// hostile is a Pebble that lists and sends what it likes.
type hostile struct {
	list    func(dir string) []map[string]any
	content func(path string) io.Reader
}

func (h hostile) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(contentType string, body io.Reader) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(body), Request: r}, nil
	}
	envelope := func(result any) []byte {
		data, _ := json.Marshal(map[string]any{"type": "sync", "status-code": 200, "result": result})
		return data
	}
	query := r.URL.Query()
	if query.Get("action") == "list" {
		if query.Get("itself") == "true" {
			return answer("application/json", bytes.NewReader(envelope([]any{file(query.Get("path"), "directory")})))
		}
		return answer("application/json", bytes.NewReader(envelope(h.list(query.Get("path")))))
	}
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		var results []map[string]string
		for _, path := range query["path"] {
			part, _ := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="files"; filename=%q`, path)}})
			if _, err := io.Copy(part, h.content(path)); err != nil {
				return
			}
			results = append(results, map[string]string{"path": path})
		}
		part, _ := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="response"`}})
		part.Write(envelope(results))
		form.Close()
		w.Close()
	}()
	return answer(form.FormDataContentType(), body)
}

func file(name, kind string) map[string]any {
	return map[string]any{"path": name, "name": filepath.Base(name), "type": kind, "permissions": "644", "size": 3}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestPullPathFromAHostileContainer: whatever a container lists or sends,
// nothing is written but below the target, and there is an end to it.
func TestPullPathFromAHostileContainer(t *testing.T) {
	pull := func(h hostile) (target, *pebble.Error) {
		to := target{}
		_, err := pebble.New(pebble.Config{Transport: h}).PullPath(t.Context(), []string{"/data"}, to)
		var e *pebble.Error
		require.ErrorAs(t, err, &e)
		return to, e
	}
	short := func(string) io.Reader { return strings.NewReader("abc") }

	t.Run("names", func(t *testing.T) {
		to, err := pull(hostile{content: short, list: func(string) []map[string]any {
			var all []map[string]any
			for _, name := range []string{"..", ".", "", "/", "../x", "/etc/passwd", "a/b", "a\x00", "good", "good", "dir"} {
				kind := "file"
				if name == "dir" || name == ".." {
					kind = "device"
				}
				f := file("x", kind)
				f["name"], f["path"] = name, "/etc/"+name
				all = append(all, f)
			}
			return all
		}})
		assert.Equal(t, []string{"data/", "data/good"}, slices.Sorted(maps.Keys(to)))
		assert.Len(t, err.Failures, 9)
	})
	t.Run("permissions and types", func(t *testing.T) {
		to, err := pull(hostile{content: short, list: func(dir string) []map[string]any {
			bad, odd := file("bad", "file"), file("odd", "wormhole")
			bad["permissions"] = "-rwx"
			return []map[string]any{bad, odd, file("unwritable", "file")}
		}})
		assert.Equal(t, []string{"data/"}, slices.Sorted(maps.Keys(to)))
		assert.Len(t, err.Failures, 2)
	})
	t.Run("depth", func(t *testing.T) {
		to, err := pull(hostile{content: short, list: func(string) []map[string]any { return []map[string]any{file("d", "directory")} }})
		assert.Len(t, to, 101)
		assert.Contains(t, err.Error(), "it is nested deeper than 100 directories")
	})
	t.Run("breadth", func(t *testing.T) {
		_, err := pull(hostile{content: short, list: func(dir string) []map[string]any {
			all := []map[string]any{}
			for i := range 400 {
				if strings.Count(dir, "/") > 3 {
					break
				}
				all = append(all, file(fmt.Sprint(i), "directory"))
			}
			return all
		}})
		assert.Contains(t, err.Error(), "there are more than 100000 files and directories")
		assert.Contains(t, err.Error(), "the copy ended there")
	})
	t.Run("failures", func(t *testing.T) {
		_, err := pull(hostile{content: short, list: func(dir string) []map[string]any {
			all := []map[string]any{}
			for range 5000 {
				all = append(all, file("unwritable", "file"))
			}
			return all
		}})
		assert.Len(t, err.Failures, 1000)
		assert.Less(t, len(err.Error()), 1000)
	})
	t.Run("endless", func(t *testing.T) {
		to, err := pull(hostile{content: func(string) io.Reader { return endless{} }, list: func(string) []map[string]any {
			return []map[string]any{file("small", "file")}
		}})
		assert.Equal(t, []string{"data/"}, slices.Sorted(maps.Keys(to)))
		assert.Contains(t, err.Error(), "it grows while it is read")
	})
}

// TestCopyEndsWithPebble: when Pebble goes away there is no sense in trying
// every file.
func TestCopyEndsWithPebble(t *testing.T) {
	server := pebbletest.New(pebbletest.Config{})
	client := pebble.New(pebble.Config{Transport: server.Transport()})
	require.NoError(t, client.Push(t.Context(), "/data/a", strings.NewReader("a"), pebble.PushOptions{MakeDirs: true}))
	server.SetConnectable(false)
	_, err := client.PullPath(t.Context(), []string{"/data", "/data"}, target{})
	assert.True(t, pebble.IsKind(err, pebble.ConnectionError), "%v", err)
	_, err = client.PushPath(t.Context(), []pebble.PushSource{{FS: os.DirFS("."), Name: ".", Path: "."}}, "/data", pebble.Owner{})
	assert.True(t, pebble.IsKind(err, pebble.ConnectionError), "%v", err)
}

// FuzzPullFiles: whatever a daemon answers, each path gets a verdict or all get
// an error, and content goes to paths that were asked for.
func FuzzPullFiles(f *testing.F) {
	for _, body := range []string{
		"--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"/a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"response\"\r\n\r\n{\"type\":\"sync\",\"result\":[{\"path\":\"/a\"},{\"path\":\"/b\"}]}\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"response\"\r\n\r\n{\"type\":\"sync\",\"result\":[]}\r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"/c\"\r\n\r\n", "--b--", "",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		client := pebble.New(pebble.Config{Transport: answering{"multipart/form-data; boundary=b", string(body)}})
		paths := []string{"/a", "/b"}
		verdicts, err := client.PullFiles(context.Background(), paths, func(path string, content io.Reader) error {
			assert.Contains(t, paths, path)
			_, err := io.Copy(io.Discard, content)
			return err
		})
		if err == nil {
			assert.Len(t, verdicts, 2)
		} else {
			assert.True(t, pebble.IsKind(err, pebble.RootError), "%v", err)
		}
	})
}

// FuzzAnswers: no JSON that a daemon answers is more than a failure with a kind.
func FuzzAnswers(f *testing.F) {
	for _, result := range []string{
		`[]`, `[null]`, `{}`, `null`, `[{"id":"1","user-id":3,"last-data":{"a":"b"},"first-occurred":"2026-01-02T03:04:05Z"}]`,
		`{"info":{"name":"a","startup":"enabled"},"error":"x"}`, `{"bob":{"access":"read","local":{"user-id":1}},"x":null}`,
		`[{"path":"/a","name":"a","type":"directory","permissions":"999"}]`, `[{"name":"web","current":"active"},null]`, `"services: {a: null}"`,
	} {
		f.Add([]byte(`{"type":"sync","status-code":200,"result":` + result + `}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ctx := context.Background()
		client := pebble.New(pebble.Config{Transport: answering{"application/json", string(body)}})
		var errs []error
		note := func(err error) { errs = append(errs, err) }
		_, err := client.Notices(ctx, pebble.NoticesOptions{})
		note(err)
		_, err = client.Notice(ctx, "1")
		note(err)
		_, err = client.Identities(ctx)
		note(err)
		_, _, err = client.RefreshCheck(ctx, "a")
		note(err)
		_, err = client.Checks(ctx, pebble.ChecksOptions{})
		note(err)
		_, err = client.Services(ctx)
		note(err)
		_, err = client.Stat(ctx, "/a")
		note(err)
		_, err = client.Changes(ctx, pebble.ChangesOptions{})
		note(err)
		_, err = client.Plan(ctx)
		note(err)
		_, err = client.Metrics(ctx)
		note(err)
		_, err = client.PullPath(ctx, []string{"/a"}, target{})
		note(err)
		for _, err := range errs {
			assert.True(t, err == nil || pebble.IsKind(err, pebble.RootError), "%v", err)
		}
	})
}
