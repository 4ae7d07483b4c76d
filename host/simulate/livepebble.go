package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// livePebble is a simulated Pebble above a real one, of which nothing is changed:
// the plan, services, checks and notices are simulated from a snapshot, files
// that were not written are those of the real one.
type livePebble struct {
	*pebbletest.Server
	name   string
	client *pebble.Client
	real   http.RoundTripper
	allow  func(args []string) bool
	began  *pebbletest.State
	// learnt are files that the real Pebble had, before they were changed; and
	// changed are paths that were changed, with what is below them.
	learnt  map[string]*pebbletest.File
	changed map[string]bool
	last    *pebbletest.Request
	// earnest are the paths about commands that are run in earnest begin with.
	earnest []string
}

// maxRealChanges is past any change of a real Pebble.
const maxRealChanges = 1 << 40

// pebble makes the Pebble of a container.
func (l *Live) pebble(w *World) func(context.Context, *pebbletest.State) (Pebble, error) {
	return func(_ context.Context, c *pebbletest.State) (Pebble, error) {
		socket := "/charm/containers/" + c.Name + "/pebble.socket"
		p := &livePebble{
			Server: pebbletest.New(pebbletest.Config{State: c, Now: w.simulated.Now, Changes: maxRealChanges}),
			name:   c.Name, allow: l.Allow, learnt: map[string]*pebbletest.File{}, changed: map[string]bool{},
		}
		p.client = l.Pebble(socket, func(next http.RoundTripper) http.RoundTripper {
			p.real = next
			return next
		})
		p.began = p.Server.State()
		l.pebbles = append(l.pebbles, p)
		return p, nil
	}
}

// was is the container before the hook, with the files that were changed.
func (p *livePebble) was() *pebbletest.State {
	s := *p.began
	s.Files = p.onlyChanged(pebbletest.New(pebbletest.Config{State: &pebbletest.State{Files: p.learnt}}).State().Files)
	return explicit(&s)
}

// onlyChanged are files without those that were learnt for other reasons.
func (p *livePebble) onlyChanged(files map[string]*pebbletest.File) map[string]*pebbletest.File {
	maps.DeleteFunc(files, func(name string, _ *pebbletest.File) bool { return !p.isChanged(name) })
	return files
}

// State is the container as it is now, with the files that were changed.
func (p *livePebble) State(context.Context) (*pebbletest.State, error) {
	s := p.Server.State()
	s.Files = p.onlyChanged(s.Files)
	return s, nil
}

func (p *livePebble) End(ctx context.Context) (*pebbletest.State, error) { return p.State(ctx) }

func (p *livePebble) Close() error {
	p.client.Close()
	return nil
}

func (p *livePebble) LastRequest() (pebbletest.Request, bool) {
	if p.last != nil {
		return *p.last, true
	}
	return p.Server.LastRequest()
}

func (p *livePebble) Transport() http.RoundTripper { return liveTransport{p} }

type liveTransport struct{ p *livePebble }

// maxRequest is how large a request may be, in bytes.
const maxRequest = 1 << 30

func (t liveTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	p := t.p
	p.last = nil
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxRequest+1)); err != nil {
			return nil, err
		}
		if len(body) > maxRequest {
			return nil, fmt.Errorf("the request is larger than %d bytes", maxRequest)
		}
	}
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if r.Body == nil {
		again.Body = nil
	}
	switch at := r.URL.Path; {
	case at == "/v1/files" && r.Method == http.MethodGet:
		return p.readFiles(again)
	case at == "/v1/files":
		if err := p.before(r, body); err != nil {
			return nil, err
		}
	case at == "/v1/exec":
		return p.exec(again, body)
	case r.Method == http.MethodGet && slices.Contains([]string{"/v1/logs", "/v1/system-info", "/v1/metrics"}, at),
		slices.ContainsFunc(p.earnest, func(prefix string) bool { return strings.HasPrefix(at+"/", prefix) }):
		return p.pass(again, strings.ToLower(r.Method)+" "+at)
	}
	return p.Server.Transport().RoundTrip(again)
}

// pass asks the real Pebble.
func (p *livePebble) pass(r *http.Request, summary string) (*http.Response, error) {
	resp, err := p.real.RoundTrip(r)
	if err == nil {
		p.last = &pebbletest.Request{Method: r.Method, Path: r.URL.RequestURI(), Summary: summary, Code: resp.StatusCode}
	}
	return resp, err
}

// isChanged says whether the path, or one above it, was changed.
func (p *livePebble) isChanged(name string) bool {
	for name = path.Clean(name); ; name = path.Dir(name) {
		if p.changed[name] {
			return true
		}
		if name == "/" || name == "." {
			return false
		}
	}
}

// readFiles reads or lists files: those that were changed, or the real ones.
func (p *livePebble) readFiles(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	paths := query["path"]
	if query.Get("action") == "list" {
		return p.list(r, query.Get("path"), query.Get("pattern"), query.Get("itself") == "true")
	}
	if !slices.ContainsFunc(paths, p.isChanged) {
		return p.pass(r, strings.Join(append([]string{"pull"}, paths...), " "))
	}
	for _, name := range paths {
		if err := p.learn(r.Context(), name, true); err != nil {
			return nil, err
		}
	}
	return p.Server.Transport().RoundTrip(r)
}

// list lists what is in a directory.
func (p *livePebble) list(r *http.Request, name, pattern string, itself bool) (*http.Response, error) {
	inside := func(changed string) bool {
		return strings.HasPrefix(changed, strings.TrimSuffix(path.Clean(name), "/")+"/")
	}
	within := slices.ContainsFunc(slices.Collect(maps.Keys(p.changed)), inside)
	switch {
	case p.isChanged(name):
		return p.Server.Transport().RoundTrip(r)
	case !within || itself:
		return p.pass(r, "list "+name)
	}
	infos, err := p.client.ListFiles(r.Context(), name, pebble.ListFilesOptions{Pattern: pattern})
	var missing *pebble.Error
	if err != nil && !errors.As(err, &missing) {
		return nil, err
	}
	merged := map[string]any{}
	for _, info := range infos {
		if !p.isChanged(info.Path) {
			merged[info.Path] = info
		}
	}
	resp, err := p.Server.Transport().RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	var answer struct {
		Result []*pebble.FileInfo `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	for _, info := range answer.Result {
		if merged[info.Path] == nil {
			merged[info.Path] = info
		}
	}
	all := []any{}
	for _, at := range slices.Sorted(maps.Keys(merged)) {
		all = append(all, merged[at])
	}
	text, err := json.Marshal(map[string]any{"type": "sync", "status-code": http.StatusOK, "status": "OK", "result": all})
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return resp, nil
}

// before learns what is there before a request changes it.
func (p *livePebble) before(r *http.Request, body []byte) error {
	var asked struct {
		Action string `json:"action"`
		Files  []struct {
			Path string `json:"path"`
		} `json:"files"`
		Dirs []struct {
			Path string `json:"path"`
		} `json:"dirs"`
		Paths []struct {
			Path      string `json:"path"`
			Recursive bool   `json:"recursive"`
		} `json:"paths"`
	}
	text := body
	if media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == "multipart/form-data" {
		part, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextRawPart()
		if err != nil {
			return fmt.Errorf("cannot read what files are written: %w", err)
		}
		if text, err = io.ReadAll(part); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(text, &asked); err != nil {
		return fmt.Errorf("cannot read what files are changed: %w", err)
	}
	ctx := r.Context()
	for _, name := range []string{"/etc/passwd", "/etc/group"} { // where owners have their numbers
		if err := p.learn(ctx, name, true); err != nil {
			return err
		}
	}
	var paths []string
	for _, f := range asked.Files {
		paths = append(paths, f.Path)
	}
	for _, d := range asked.Dirs {
		paths = append(paths, d.Path)
	}
	for _, target := range asked.Paths {
		paths = append(paths, target.Path)
		if target.Recursive {
			if err := p.learnTree(ctx, target.Path); err != nil {
				return err
			}
		}
	}
	for _, name := range paths {
		name = path.Clean(name)
		if err := p.learnAbove(ctx, name); err != nil {
			return err
		}
		if err := p.learn(ctx, name, true); err != nil {
			return err
		}
		p.changed[name] = true
	}
	return nil
}

// learnAbove learns which of the directories above a path there are.
func (p *livePebble) learnAbove(ctx context.Context, name string) error {
	for above := path.Dir(name); above != "/" && above != "."; above = path.Dir(above) {
		if p.isChanged(above) {
			return nil
		}
		if err := p.learn(ctx, above, false); err != nil {
			return err
		}
	}
	return nil
}

// maxLearnt is how large a file's content may be that is kept, in bytes, and
// maxTree how many files of a directory that is removed are told of.
const (
	maxLearnt = 64 << 20
	maxTree   = 1000
)

// learn tells the simulated Pebble what the real one has at a path, unless it was
// changed.
func (p *livePebble) learn(ctx context.Context, name string, content bool) error {
	if name = path.Clean(name); !path.IsAbs(name) || name == "/" || p.isChanged(name) || p.learnt[name] != nil {
		return nil
	}
	info, err := p.client.Stat(ctx, name)
	if pebble.IsKind(err, pebble.PathError) || err == nil && info == nil {
		return nil // it is not there, or nobody may look
	}
	if err != nil {
		return err
	}
	return p.take(ctx, info, name, content)
}

// take tells the simulated Pebble of what the real one describes.
func (p *livePebble) take(ctx context.Context, info *pebble.FileInfo, name string, content bool) error {
	mode, err := info.Mode()
	if err != nil {
		return err
	}
	m := pebbletest.Mode(mode)
	f := &pebbletest.File{Kind: info.Type, Mode: &m, UserID: info.UserID, GroupID: info.GroupID}
	if info.Type == pebble.TypeFile {
		f.Kind = ""
	}
	if f.Kind == "" && content {
		opened, err := p.client.Pull(ctx, name)
		if pebble.IsKind(err, pebble.PathError) {
			return nil
		}
		if err != nil {
			return err
		}
		defer opened.Close()
		text, err := io.ReadAll(io.LimitReader(opened, maxLearnt+1))
		if err != nil {
			return err
		}
		if len(text) > maxLearnt {
			return &machine.UndescribedError{What: fmt.Sprintf("a change of %s, which is larger than %d MiB,", name, maxLearnt>>20), Live: true}
		}
		f.Content = string(text)
	}
	p.learnt[name] = f
	return p.Server.Learn(map[string]*pebbletest.File{name: f})
}

// learnTree learns the names of what is in a directory.
func (p *livePebble) learnTree(ctx context.Context, name string) error {
	next := []string{path.Clean(name)}
	for told := 0; len(next) > 0 && told < maxTree; next = next[1:] {
		if p.isChanged(next[0]) {
			continue
		}
		infos, err := p.client.ListFiles(ctx, next[0], pebble.ListFilesOptions{})
		if pebble.IsKind(err, pebble.APIError) || pebble.IsKind(err, pebble.PathError) {
			continue
		}
		if err != nil {
			return err
		}
		for _, info := range infos {
			if told++; told > maxTree || info.Path == next[0] || p.learnt[info.Path] != nil || p.isChanged(info.Path) {
				continue
			}
			if err := p.take(ctx, info, info.Path, false); err != nil {
				return err
			}
			if info.Type == pebble.TypeDirectory {
				next = append(next, info.Path)
			}
		}
	}
	return nil
}

// exec runs a command in earnest, if it is allowed.
func (p *livePebble) exec(r *http.Request, body []byte) (*http.Response, error) {
	var asked struct {
		Command []string `json:"command"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, fmt.Errorf("cannot read the request for a command: %w", err)
	}
	line := machine.Command{Args: asked.Command}.Line()
	if p.allow == nil || !p.allow(asked.Command) {
		return nil, &machine.UndescribedError{
			What: fmt.Sprintf("the command %s in the container %s", line, p.name), Cure: "--allow-exec runs it in earnest", Live: true,
		}
	}
	resp, err := p.pass(r, "exec "+strings.Join(asked.Command, " "))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxInput+1))
	if err != nil {
		return nil, err
	}
	var accepted struct {
		Change string `json:"change"`
		Result struct {
			TaskID string `json:"task-id"`
		} `json:"result"`
	}
	if err := json.Unmarshal(text, &accepted); err == nil && accepted.Change != "" {
		p.earnest = append(p.earnest, "/v1/changes/"+accepted.Change+"/", "/v1/tasks/"+accepted.Result.TaskID+"/")
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return resp, nil
}
