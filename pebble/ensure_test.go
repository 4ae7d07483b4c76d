package pebble_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

const ensuredLayer = `
services:
  web: {override: replace, command: sleep 100, startup: enabled, kill-delay: 60s}
  off: {override: replace, command: sleep 100, environment: {A: b}}
checks:
  up: {override: replace, startup: disabled, period: 60s, timeout: 90s, tcp: {port: 80}}
`

func parseLayer(text string) *pebble.Layer {
	layer, err := pebble.Parse[pebble.Layer]([]byte(text))
	if err != nil {
		panic(err)
	}
	return layer
}

func wanted(dir string) pebble.EnsureOptions {
	mode := 0o640
	return pebble.EnsureOptions{
		Label: "charm",
		Layer: parseLayer(ensuredLayer),
		Files: []pebble.WantedFile{
			{Path: dir + "/new/app.conf", Content: []byte("port = 80\n"), Permissions: &mode},
			{Path: dir + "/plain", Content: []byte("a")},
			{Path: dir + "/gone", Absent: true},
		},
		RestartOn: []string{dir + "/new/app.conf"},
	}
}

// ensure records a call, what it did to services, and how many changes there
// have been.
func (w *world) ensure(what string, o pebble.EnsureOptions) {
	ctx := context.Background()
	changed, err := w.client.Ensure(ctx, o)
	w.result("ensure "+what, changed, err)
	w.services()
	changes, err := w.client.Changes(ctx, pebble.ChangesOptions{Select: pebble.SelectAll})
	for _, change := range changes {
		if change.Kind != "perform-check" {
			w.note("  change %s", change.Summary)
		}
	}
	if err != nil {
		w.note("changes: %v", err)
	}
}

func ensureCases() []conformanceCase {
	ctx := context.Background()
	return []conformanceCase{
		{name: "ensure/everything", run: func(w *world) {
			w.result("push", nil, w.client.Push(ctx, w.dir+"/gone", strings.NewReader("x"), pebble.PushOptions{}))
			o := wanted(w.dir)
			w.ensure("first", o)
			w.ensure("again", o)
			w.plan()
			for _, path := range []string{"/new/app.conf", "/plain", "/gone"} {
				w.get("/v1/files?action=list&itself=true&path=$DIR" + path)
			}
			o.Files[0].Content = []byte("port = 81\n")
			w.ensure("with another file", o)
			o.Files[1].Content = []byte("b")
			w.ensure("with a file that restarts nothing", o)
			o.Layer.Services["web"].Environment = map[string]string{"A": "b"}
			o.Files[0].Content = []byte("port = 82\n")
			w.ensure("with another plan and file", o)
			w.change("stop", "web")
			w.ensure("after a stop", o)
			mode := 0o600
			o.Files[1].Permissions = &mode
			w.ensure("with permissions", o)
			o.Files[1].Permissions, o.Files[1].Content = nil, []byte("c")
			w.ensure("with permissions that are kept", o)
			w.get("/v1/files?action=list&itself=true&path=$DIR/plain")
			w.ensure("nothing", pebble.EnsureOptions{})
		}},
		{name: "ensure/refused-layer", run: func(w *world) {
			o := wanted(w.dir)
			o.Layer.Services["web"].OnFailure = "explode"
			w.ensure("", o)
			w.get("/v1/files?action=list&path=$DIR")
		}},
		{name: "ensure/refused-file", run: func(w *world) {
			o := wanted(w.dir)
			o.Files[1].Path = "/proc/nothing/x"
			if w.dir == "/tmp/simulated/files" {
				o.Files[1].Path = "/tmp/simulated/files/new/app.conf/x"
			}
			_, err := w.client.Ensure(ctx, o)
			w.note("a file: %v", pebble.IsKind(err, pebble.PathError))
			w.plan()
			w.services()
		}},
		{name: "ensure/dependents", run: func(w *world) {
			o := pebble.EnsureOptions{Label: "l", Layer: parseLayer(abcLayer)}
			w.ensure("first", o)
			w.change("start", "b")
			o.Layer.Services["a"].Environment = map[string]string{"A": "b"}
			w.ensure("with another a", o)
		}},
		{name: "ensure/merge", run: func(w *world) {
			abc(w)
			w.change("start", "c")
			merge := func(summary string) pebble.EnsureOptions {
				return pebble.EnsureOptions{Label: "l", Layer: parseLayer("services: {c: {override: merge, summary: " + summary + ", after: [a]}}")}
			}
			w.ensure("first", merge("one"))
			w.ensure("again", merge("one"))
			w.ensure("other", merge("two"))
			w.plan()
		}},
		{name: "ensure/fails", failing: map[string]int{"bad": 3}, run: func(w *world) {
			o := pebble.EnsureOptions{Label: "l", Layer: parseLayer(`services: {bad: {override: replace, startup: enabled, backoff-delay: 1h, command: "sh -c 'exit 3'"}}`)}
			w.ensure("first", o)
			w.ensure("again", o)
		}},
		{name: "ensure/files-only", run: func(w *world) {
			abc(w)
			w.change("start", "c", "b")
			o := pebble.EnsureOptions{Files: []pebble.WantedFile{{Path: w.dir + "/x", Content: []byte("a")}}, RestartOn: []string{w.dir + "/x"}}
			w.ensure("first", o)
			w.ensure("again", o)
		}},
	}
}

// TestEnsureWritesOnlyWhatDiffers counts the requests that write.
func TestEnsureWritesOnlyWhatDiffers(t *testing.T) {
	server := pebbletest.New(pebbletest.Config{State: &pebbletest.State{}})
	client := pebble.New(pebble.Config{Transport: server.Transport()})
	posts := func() int {
		n := 0
		for _, r := range server.Requests() {
			if r.Method != http.MethodGet {
				n++
			}
		}
		return n
	}
	o := wanted("/etc")
	changed, err := client.Ensure(t.Context(), o)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, 4, posts(), "two files, a layer, a replan")
	for range 3 {
		changed, err = client.Ensure(t.Context(), wanted("/etc"))
		require.NoError(t, err)
		assert.False(t, changed)
	}
	assert.Equal(t, 4, posts())
	zero := 0
	o.Files[0].UserID = &zero
	changed, err = client.Ensure(t.Context(), o)
	require.NoError(t, err)
	assert.False(t, changed, "root owns it already")
	o.Files[0].Content = []byte("port = 8\n")
	changed, err = client.Ensure(t.Context(), o)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, 6, posts(), "a file, a restart")
}

// cutting is a transport whose client dies with one of its writes, before the
// daemon gets it or after.
type cutting struct {
	http.RoundTripper
	left  int
	after bool
}

var errCut = errors.New("cut short")

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && c.left >= 0 {
		return c.RoundTripper.RoundTrip(r)
	}
	c.left--
	if c.left >= 0 {
		return c.RoundTripper.RoundTrip(r)
	}
	if c.after && c.left == -1 {
		if resp, err := c.RoundTripper.RoundTrip(r); err == nil {
			resp.Body.Close()
		}
	}
	return nil, errCut
}

// TestEnsureAfterCut cuts a call short at each of its writes: the next one must
// do what is left, so that no service runs with a former configuration or file.
func TestEnsureAfterCut(t *testing.T) {
	changes := map[string]func(o *pebble.EnsureOptions){
		"layer": func(o *pebble.EnsureOptions) {
			o.Layer.Services["web"].Environment = map[string]string{"A": "new"}
		},
		"file": func(o *pebble.EnsureOptions) { o.Files[0].Content = []byte("port = 81\n") },
		"both": func(o *pebble.EnsureOptions) {
			o.Layer.Services["web"].Environment = map[string]string{"A": "new"}
			o.Files[0].Content = []byte("port = 81\n")
			o.Files[1].Content = []byte("b")
		},
	}
	for name, change := range changes {
		for _, after := range []bool{false, true} {
			cuts := 0
			for ; ; cuts++ {
				now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
				server := pebbletest.New(pebbletest.Config{Now: func() time.Time { now = now.Add(time.Second); return now }})
				client := pebble.New(pebble.Config{Transport: server.Transport()})
				o := wanted("/etc")
				_, err := client.Ensure(t.Context(), o)
				require.NoError(t, err)
				change(&o)
				cut := pebble.New(pebble.Config{Transport: &cutting{RoundTripper: server.Transport(), left: cuts, after: after}})
				if _, err = cut.Ensure(t.Context(), o); err == nil {
					break
				}
				require.ErrorIs(t, err, errCut)

				changed, err := client.Ensure(t.Context(), o)
				require.NoError(t, err)
				state := server.State()
				assert.Empty(t, state.StartedServices, "%s, cut at write %d: a former configuration runs", name, cuts)
				info, err := client.Services(t.Context(), "web")
				require.NoError(t, err)
				assert.True(t, info[0].Running(), "%s, cut at write %d", name, cuts)
				file, err := client.Stat(t.Context(), "/etc/new/app.conf")
				require.NoError(t, err)
				assert.False(t, info[0].CurrentSince.Before(file.LastModified), "%s, cut at write %d: a former file is in use", name, cuts)
				plan, err := client.Plan(t.Context())
				require.NoError(t, err)
				assert.True(t, plan.Has(o.Layer))
				if !changed {
					assert.True(t, after, "%s, cut at write %d: nothing was left to do", name, cuts)
				}
				changed, err = client.Ensure(t.Context(), o)
				require.NoError(t, err)
				assert.False(t, changed, "%s, cut at write %d: the third call has nothing to do", name, cuts)
			}
			assert.GreaterOrEqual(t, cuts, 2, name)
		}
	}
}
