package pebble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answering is a transport that gives one answer to everything.
type answering struct{ contentType, body string }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return &http.Response{
		StatusCode: 200,
		Header:     http.Header{"Content-Type": {a.contentType}},
		Body:       io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

const formType = "multipart/form-data; boundary=01234567890123456789012345678901"

// readAnswer is the answer to a read: pairs of a disposition and content.
func readAnswer(parts ...string) string {
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, "--01234567890123456789012345678901\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n", parts[i], parts[i+1])
	}
	return b.String() + "--01234567890123456789012345678901--\r\n"
}

const (
	fileX   = `name="files"; filename="/x"`
	verdict = `name="response"`
	good    = `{"type":"sync","result":[{"path":"/x"}]}`
	bad     = `{"type":"sync","result":[{"path":"/x","error":{"kind":"generic-file-error","message":"read error"}}]}`
)

func pullAll(client *pebble.Client) (string, error) {
	file, err := client.Pull(context.Background(), "/x")
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

func TestPull(t *testing.T) {
	for name, test := range map[string]struct {
		contentType, body string
		content           string
		kind              pebble.Kind
		message           string
	}{
		"good":               {formType, readAnswer(fileX, "a\r\nb\x00", verdict, good), "a\r\nb\x00", "", ""},
		"empty":              {formType, readAnswer(fileX, "", verdict, good), "", "", ""},
		"preamble":           {formType, "junk\r\n" + readAnswer(fileX, "a", verdict, good) + "junk", "a", "", ""},
		"boundary in it":     {formType, readAnswer(fileX, "--0123456789012345678901234567890", verdict, good), "--0123456789012345678901234567890", "", ""},
		"fails midway":       {formType, readAnswer(fileX, "half", verdict, bad), "half", pebble.PathError, "generic-file-error - read error"},
		"fails":              {formType, readAnswer(verdict, bad), "", pebble.PathError, "generic-file-error - read error"},
		"no content":         {formType, readAnswer(verdict, good), "", pebble.ProtocolError, "Pebble sent no content of /x and no reason why"},
		"no verdict":         {formType, readAnswer(fileX, "a"), "a", pebble.ProtocolError, "Pebble's answer to GET /v1/files ends without its result"},
		"nothing":            {formType, readAnswer(), "", pebble.ProtocolError, "Pebble's answer to GET /v1/files ends without its result"},
		"another file":       {formType, readAnswer(`name="files"; filename="/y"`, "a", verdict, good), "", pebble.ProtocolError, `Pebble sent the content of "/y", want "/x"`},
		"two files":          {formType, readAnswer(fileX, "a", fileX, "b", verdict, good), "a", pebble.ProtocolError, `Pebble sent the content of a second file, "/x"`},
		"another part":       {formType, readAnswer(`name="other"`, "a"), "", pebble.ProtocolError, `Pebble's answer to GET /v1/files has a part "other"`},
		"verdict of another": {formType, readAnswer(fileX, "a", verdict, `{"type":"sync","result":[{"path":"/y"}]}`), "a", pebble.ProtocolError, `Pebble answered for path "/y", want "/x"`},
		"two verdicts":       {formType, readAnswer(fileX, "a", verdict, `{"type":"sync","result":[]}`), "a", pebble.ProtocolError, "Pebble answered for 0 paths, want 1"},
		"no boundary":        {"multipart/form-data", "", "", pebble.ProtocolError, "Pebble's answer to GET /v1/files has no boundary between its parts"},
		"JSON":               {"application/json", good, "", pebble.ProtocolError, `Pebble's answer to GET /v1/files is of type "application/json", want "multipart/form-data"`},
		"cut off":            {formType, readAnswer(fileX, "a")[:120], "", pebble.ConnectionError, ""},
		"endless preamble":   {formType, strings.Repeat("x\n", 9<<20), "", pebble.ProtocolError, "Pebble's answer goes on for more than 16 MiB where it should end"},
		"refused":            {"application/json", `{"type":"error","status-code":400,"result":{"message":"no"}}`, "", pebble.APIError, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := pullAll(pebble.New(pebble.Config{Transport: answering{test.contentType, test.body}}))
			if test.kind == "" {
				require.NoError(t, err)
				assert.Equal(t, test.content, content)
				return
			}
			require.Error(t, err)
			require.NotNil(t, asError(err), "%v", err)
			assert.Equal(t, test.kind, asError(err).Kind, "%v", err)
			if test.message != "" {
				assert.EqualError(t, err, test.message)
			}
		})
	}
}

// inPieces is a transport whose answer comes a few bytes at a time.
type inPieces struct {
	answering
	size int
}

func (p inPieces) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.answering.RoundTrip(r)
	if err == nil {
		resp.Body = io.NopCloser(pieces{resp.Body, p.size})
	}
	return resp, err
}

type pieces struct {
	io.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }

// TestPullInPieces cuts an answer at every place that a read may end.
func TestPullInPieces(t *testing.T) {
	content := "\r\n--0123456789\r\n" + strings.Repeat("line\r\n\x00\xff", 20) + "\r"
	body := "junk\r\n" + strings.Replace(readAnswer(fileX, content, verdict, good), "901\r\n", "901 \t\r\n", 1) + "junk"
	for size := range len(body) {
		got, err := pullAll(pebble.New(pebble.Config{Transport: inPieces{answering{formType, body}, size + 1}}))
		require.NoError(t, err, size)
		require.Equal(t, content, got, size)
	}
}

func TestPullStalls(t *testing.T) {
	client := serve(t, pebble.Config{IdleTimeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", formType)
		io.WriteString(w, strings.TrimSuffix(readAnswer(fileX, strings.Repeat("x", 10000)), "\r\n"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	_, err := pullAll(client)
	assert.True(t, pebble.IsKind(err, pebble.TimeoutError) || pebble.IsKind(err, pebble.ProtocolError), "%v", err)

	client = serve(t, pebble.Config{IdleTimeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", formType)
		io.WriteString(w, readAnswer(fileX, strings.Repeat("x", 10000))[:5000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	_, err = pullAll(client)
	assert.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
	assert.ErrorContains(t, err, "no progress for 100ms")
}

func TestPullClosedEarly(t *testing.T) {
	client := pebble.New(pebble.Config{Transport: answering{formType, readAnswer(fileX, "a", verdict, good)}})
	file, err := client.Pull(context.Background(), "/x")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	_, err = file.Read(make([]byte, 1))
	assert.EqualError(t, err, "the file is closed")
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPush(t *testing.T) {
	ctx := context.Background()
	boom := errors.New("boom")

	t.Run("the source's failure is returned as it is", func(t *testing.T) {
		client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			assert.Error(t, err)
			answerJSON(w, 200, good)
		})
		err := client.Push(ctx, "/x", io.MultiReader(strings.NewReader("half"), failing{boom}), pebble.PushOptions{})
		assert.Equal(t, boom, err)
	})
	t.Run("an answer before the end of the content", func(t *testing.T) {
		client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
			answerJSON(w, 400, `{"type":"error","result":{"message":"no thanks"}}`)
		})
		err := client.Push(ctx, "/x", bytes.NewReader(make([]byte, 32<<20)), pebble.PushOptions{})
		require.Error(t, err)
		assert.True(t, pebble.IsKind(err, pebble.RootError), "%v", err)
	})
	t.Run("a daemon that does not read", func(t *testing.T) {
		client := serve(t, pebble.Config{IdleTimeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})
		err := client.Push(ctx, "/x", bytes.NewReader(make([]byte, 32<<20)), pebble.PushOptions{})
		assert.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
	})
	t.Run("a path that no header can hold", func(t *testing.T) {
		for _, path := range []string{"/a\nb", "/a\rb", "/a\x00b"} {
			err := pebble.New(pebble.Config{}).Push(ctx, path, strings.NewReader(""), pebble.PushOptions{})
			assert.True(t, pebble.IsKind(err, pebble.PathError), "%v", err)
		}
	})
}

func TestListFilesOfNothing(t *testing.T) {
	_, err := pebble.New(pebble.Config{Transport: answering{"application/json", `{"type":"sync","result":[null]}`}}).
		ListFiles(context.Background(), "/", pebble.ListFilesOptions{})
	assert.True(t, pebble.IsKind(err, pebble.ProtocolError))
}

func TestFileInfoMode(t *testing.T) {
	mode, err := (&pebble.FileInfo{Permissions: "644"}).Mode()
	require.NoError(t, err)
	assert.Equal(t, 0o644, mode)
	for _, text := range []string{"", "rw-", "-1", "99999", "8"} {
		_, err = (&pebble.FileInfo{Permissions: text}).Mode()
		assert.Error(t, err, text)
	}
}

func FuzzPull(f *testing.F) {
	f.Add(readAnswer(fileX, "content", verdict, good))
	f.Add(readAnswer(fileX, "content", verdict, bad))
	f.Add(readAnswer(verdict, bad))
	f.Add(readAnswer(fileX, "a", fileX, "b"))
	f.Add("--01234567890123456789012345678901\r\n\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		content, err := pullAll(pebble.New(pebble.Config{Transport: answering{formType, answer}}))
		if err != nil && !pebble.IsKind(err, pebble.RootError) {
			t.Fatalf("not a pebble.Error: %v", err)
		}
		if err == nil && !strings.Contains(answer, content) {
			t.Fatalf("%q is not from %q", content, answer)
		}
	})
}
