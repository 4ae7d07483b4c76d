package pebbletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/starcharm/starcharm/pebble"
	"golang.org/x/sys/unix"
)

// Version is the version of Pebble that is simulated.
const Version = "v1.32.1"

// maxBody is how large a request may be, in bytes.
const maxBody = 1 << 30

// Config says what to simulate.
type Config struct {
	// State is what the container starts from; nil means an empty one. It is
	// not changed.
	State *State
	// Now is the clock: [time.Now] by default.
	Now func() time.Time
	// Changes is how many changes and tasks there were already: those of the
	// server are counted on from there.
	Changes int
}

// Server is a simulated Pebble. It is an [http.Handler], and may be used by
// several goroutines.
type Server struct {
	now func() time.Time

	mu sync.Mutex
	// broken is what is wrong with the State that the server started from.
	broken    error
	name      string
	reachable bool
	layers    []pebble.LabeledLayer
	plan      *pebble.Plan
	services  map[string]*service
	failing   map[string]int
	checks    map[string]*pebble.CheckInfo
	// runs are of the checks whose outcome the test says.
	runs    map[string]*checkRuns
	files   *tree
	notices []*notice
	execs   []*Exec
	// turns counts the commands of each prefix.
	turns      map[string]int
	executions []*Execution
	changes    []*pebble.Change
	identities map[string]*pebble.Identity
	// logs are what services wrote, oldest first; logged is closed when there
	// is more.
	logs   []*pebble.LogEntry
	logged chan struct{}
	// processes are commands, by their task's id.
	processes map[string]*process
	// requested holds the services that a change is about, by its id.
	requested  map[string][]string
	lastTask   int
	lastNotice int
	lastChange int
	requests   []Request
}

// Request is a request that the server answered.
type Request struct {
	Method string
	// Path is the path of the URL, with its query.
	Path string
	// Summary says what was asked for, in a few words: "replan",
	// "add-layer web", "push /etc/web.conf".
	Summary string
	// Code is the HTTP status of the answer.
	Code int
}

// New returns a server. With a State that [State.Validate] refuses it answers
// every request with that error.
func New(cfg Config) *Server {
	state := cfg.State
	if state == nil {
		state = &State{}
	}
	s := &Server{now: cfg.Now, name: state.Name, reachable: state.Reachable(), plan: &pebble.Plan{}, requested: map[string][]string{}, processes: map[string]*process{}, turns: map[string]int{}, runs: map[string]*checkRuns{}, logged: make(chan struct{}), lastChange: cfg.Changes, lastTask: cfg.Changes}
	if s.now == nil {
		s.now = time.Now
	}
	if s.broken = state.Validate(); s.broken != nil {
		s.files = emptyTree(s.now())
		return s
	}
	s.load(state)
	return s
}

// SetConnectable says whether there is a daemon from now on. When there is none,
// its connections and commands end.
func (s *Server) SetConnectable(connectable bool) {
	s.mu.Lock()
	s.reachable = connectable
	close(s.logged)
	s.logged = make(chan struct{})
	processes := slices.Collect(maps.Values(s.processes))
	s.mu.Unlock()
	for _, p := range processes {
		if !connectable {
			p.kill(exited(128 + int(unix.SIGKILL)))
			p.hangUp()
		}
	}
}

// Requests returns what was asked, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// LastRequest returns the newest request, and false if nothing was asked yet.
func (s *Server) LastRequest() (Request, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) == 0 {
		return Request{}, false
	}
	return s.requests[len(s.requests)-1], true
}

// call is one request, while it is answered.
type call struct {
	method string
	query  url.Values
	header http.Header
	body   []byte
	// id is the part of the path that names something.
	id      string
	summary string
}

// decode decodes the JSON body. What names the body in an error.
func (c *call) decode(what string, v any) error {
	if err := json.NewDecoder(bytes.NewReader(c.body)).Decode(v); err != nil {
		return fmt.Errorf("cannot decode %s: %w", what, err)
	}
	return nil
}

// list returns a parameter that may be repeated and holds commas.
func (c *call) list(name string) []string {
	var all []string
	for _, values := range c.query[name] {
		for value := range strings.SplitSeq(values, ",") {
			if value = strings.TrimSpace(value); value != "" {
				all = append(all, value)
			}
		}
	}
	return all
}

// endpoint is one path of the API. A path that ends in a slash is followed by
// an id, and then by suffix. An id has no slash, unless in a part that it must
// have.
type endpoint struct {
	path, suffix string
	part         string
	get, post    func(*Server, *call) response
}

func endpoints() []endpoint {
	return []endpoint{
		{path: "/v1/system-info", get: (*Server).systemInfo},
		{path: "/v1/health", get: (*Server).health},
		{path: "/v1/changes", get: (*Server).listChanges},
		{path: "/v1/changes/", get: (*Server).getChange, post: (*Server).changeAction},
		{path: "/v1/changes/", suffix: "/wait", get: (*Server).waitChange},
		{path: "/v1/services", get: (*Server).listServices, post: (*Server).serviceAction},
		{path: "/v1/services/", get: notImplemented, post: notImplemented},
		{path: "/v1/plan", get: (*Server).showPlan},
		{path: "/v1/layers", post: (*Server).addLayer},
		{path: "/v1/checks/refresh", post: (*Server).refreshCheck},
		{path: "/v1/identities", get: (*Server).listIdentities, post: (*Server).identityAction},
		{path: "/v1/metrics", get: (*Server).metrics},
		{path: "/v1/checks", get: (*Server).listChecks, post: (*Server).checkAction},
		{path: "/v1/notices", get: (*Server).listNotices, post: (*Server).addNotice},
		{path: "/v1/notices/", get: (*Server).getNotice},
		{path: "/v1/files", get: (*Server).readFiles, post: (*Server).fileAction},
		{path: "/v1/logs", get: (*Server).readLogs},
		{path: "/v1/exec", post: (*Server).startExec},
		{path: "/v1/tasks/", part: websocketPath, get: (*Server).connectTask},
		{path: "/v1/signals", post: (*Server).sendSignal},
	}
}

// id returns the id in path, and whether path is e's.
func (e endpoint) id(path string) (string, bool) {
	if !strings.HasSuffix(e.path, "/") {
		return "", path == e.path
	}
	id, ok := strings.CutPrefix(path, e.path)
	if !ok {
		return "", false
	}
	id, ok = strings.CutSuffix(id, e.suffix)
	before, after, found := strings.Cut(id, e.part)
	return id, ok && id != "" && found && !strings.Contains(before+after, "/")
}

// websocketPath is between a task's id and the name of its websocket.
const websocketPath = "/websocket/"

// ServeHTTP answers a request as the daemon does. Without a daemon it aborts
// the connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The body is read before the server is locked, and the answer sent after,
	// so that a slow peer holds up nobody else.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	resp, ok := s.answer(r, body)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	if resp.upgrade != nil {
		// On an error the socket is nil, and the client has been told.
		socket, _ := websocket.Accept(w, r, nil)
		resp.upgrade(socket, func() {})
		return
	}
	w.Header().Set("Content-Type", resp.contentType)
	w.WriteHeader(resp.code)
	if resp.stream != nil {
		resp.stream(r.Context(), flushing{w})
		return
	}
	// An error means that the peer went away.
	_, _ = w.Write(resp.body)
}

// answer returns false when there is no daemon.
func (s *Server) answer(r *http.Request, body []byte) (response, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reachable {
		return response{}, false
	}
	s.catchUp()
	c := &call{method: r.Method, query: r.URL.Query(), header: r.Header, body: body}
	resp := s.dispatch(c, r.URL.Path)
	if resp.later != nil {
		s.mu.Unlock()
		resp = resp.later(r.Context())
		s.mu.Lock()
	}
	if c.summary == "" {
		c.summary = strings.ToLower(r.Method) + " " + r.URL.Path
	}
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.RequestURI(), Summary: c.summary, Code: resp.code})
	return resp, true
}

func (s *Server) dispatch(c *call, path string) response {
	if s.broken != nil {
		return failed(http.StatusInternalServerError, "", s.broken)
	}
	for _, e := range endpoints() {
		id, ok := e.id(path)
		if !ok {
			continue
		}
		c.id = id
		switch {
		case c.method == http.MethodGet && e.get != nil:
			return e.get(s, c)
		case c.method == http.MethodPost && e.post != nil:
			return e.post(s, c)
		}
		return failed(http.StatusMethodNotAllowed, "", fmt.Errorf("method %q not allowed", c.method))
	}
	return failed(http.StatusNotFound, "", fmt.Errorf("invalid API endpoint requested"))
}

func notImplemented(*Server, *call) response {
	return badRequest(fmt.Errorf("not implemented"))
}

func (s *Server) systemInfo(c *call) response {
	c.summary = "system-info"
	return result(pebble.SystemInfo{Version: Version, BootID: "00000000-0000-4000-8000-000000000000"})
}
