package pebble

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// EnsureOptions says what a container should be like. What is left out stays
// as it is.
type EnsureOptions struct {
	// Layer is to be part of the plan, under Label. Its services whose startup
	// is enabled are to run.
	Layer *Layer
	Label string
	// Files are to be in the container.
	Files []WantedFile
	// RestartOn are the paths in Files whose change restarts services: those
	// of Layer, or all if there is none, that run.
	RestartOn []string
	// Timeout is how long to wait for each change of services: by default 30
	// seconds more than the longest kill-delay in Layer.
	Timeout time.Duration
}

// WantedFile is a file as it should be. Permissions and owner that are not
// given are those of the file that is there, or Pebble's own for a new one.
type WantedFile struct {
	Path    string
	Content []byte
	// Absent says that there should be no such file.
	Absent      bool
	Permissions *int
	Owner
}

// Ensure makes the container what o says and reports whether it was different.
// It writes only what differs. Files come first, then the layer, then the
// services: a replan if the plan is another, the start of services that should
// run, and the restart of those whose files changed. Services that ran before
// run afterwards.
//
// What a call that was cut short has left undone, the next one does. Pebble does
// not tell which configuration a service runs with, so one that should run is
// stopped before its configuration changes: that it does not run is seen. That
// a file is newer than the process that should have read it is seen as well,
// unless both are of the same second.
func (c *Client) Ensure(ctx context.Context, o EnsureOptions) (bool, error) {
	e := ensuring{client: c, EnsureOptions: o}
	if o.Layer == nil {
		e.Layer = &Layer{}
	}
	if e.Timeout == 0 {
		e.Timeout = defaultWait + e.Layer.killDelay()
	}
	if err := e.look(ctx); err != nil {
		return false, err
	}
	if _, err := e.before.with(o.Label, e.Layer); err != nil {
		// Pebble is going to refuse it: now, rather than after files changed.
		if err := e.addLayer(ctx); err != nil {
			return e.changed, err
		}
	}
	for _, step := range []func(context.Context) error{e.writeFiles, e.addLayer, e.startServices, e.restartServices} {
		if err := step(ctx); err != nil {
			return e.changed, err
		}
	}
	return e.changed, nil
}

// ensuring is one call of [Client.Ensure].
type ensuring struct {
	EnsureOptions
	client *Client
	// before and running are the plan and the services that run, as they were.
	before  *Plan
	running []string
	infos   map[string]*ServiceInfo
	// now is the plan as it is.
	now *Plan
	// idle are the services of Layer that should run and do not.
	idle []string
	// stale says that services have to read their files again.
	stale bool
	// written is when the newest file of RestartOn was.
	written time.Time
	changed bool
}

// look asks how things are.
func (e *ensuring) look(ctx context.Context) error {
	var err error
	if e.before, err = e.client.Plan(ctx); err != nil {
		return err
	}
	e.now = e.before
	infos, err := e.client.Services(ctx)
	if err != nil {
		return err
	}
	e.infos = map[string]*ServiceInfo{}
	for _, info := range infos {
		e.infos[info.Name] = info
	}
	e.running = runningServices(infos)
	for _, name := range slices.Sorted(maps.Keys(e.Layer.Services)) {
		config, info := e.before.Services[name], e.infos[name]
		if config == nil || info == nil || config.Startup != StartupEnabled || info.Current == ServiceActive {
			continue
		}
		if config.OnSuccess == "ignore" && info.Current == ServiceInactive && !info.CurrentSince.IsZero() {
			continue // it has done what it is for
		}
		e.idle = append(e.idle, name)
	}
	return nil
}

// runningServices returns the services that run, or are about to be started
// again.
func runningServices(infos []*ServiceInfo) []string {
	var names []string
	for _, info := range infos {
		if info.Current == ServiceActive || info.Current == ServiceBackoff {
			names = append(names, info.Name)
		}
	}
	return names
}

// writeFiles writes the files that differ. Those that services have to read
// again come last: when another could not be written, they are still to be
// written the next time, and services to be restarted.
func (e *ensuring) writeFiles(ctx context.Context) error {
	files := slices.SortedFunc(slices.Values(e.Files), func(a, b WantedFile) int { return strings.Compare(a.Path, b.Path) })
	for _, restarts := range []bool{false, true} {
		for _, file := range files {
			if slices.Contains(e.RestartOn, file.Path) != restarts {
				continue
			}
			changed, at, err := e.client.ensureFile(ctx, file)
			if err != nil {
				return err
			}
			e.changed = e.changed || changed
			if restarts && changed {
				e.stale = true
			}
			if restarts && at.After(e.written) {
				e.written = at
			}
		}
	}
	return nil
}

// ensureFile makes one file what it should be and reports whether it was not,
// and otherwise since when it is.
func (c *Client) ensureFile(ctx context.Context, file WantedFile) (changed bool, since time.Time, err error) {
	info, err := c.Stat(ctx, file.Path)
	if err != nil {
		return false, since, err
	}
	if file.Absent {
		if info == nil {
			return false, since, nil
		}
		return true, since, c.RemovePath(ctx, file.Path, RemoveOptions{})
	}
	if info != nil && info.Type == TypeFile {
		mode, err := info.Mode()
		if err != nil {
			return false, since, err
		}
		same, err := c.hasContent(ctx, file, info)
		if err != nil {
			return false, since, err
		}
		if same && (file.Permissions == nil || *file.Permissions == mode) && file.Owner.owns(info) {
			return false, info.LastModified, nil
		}
		if file.Permissions == nil {
			file.Permissions = &mode
		}
		if file.Owner == (Owner{}) {
			file.Owner = Owner{UserID: info.UserID, GroupID: info.GroupID}
		}
	}
	return true, since, c.Push(ctx, file.Path, bytes.NewReader(file.Content), PushOptions{MakeDirs: true, Permissions: file.Permissions, Owner: file.Owner})
}

// hasContent reports whether a file has the content that it should have.
func (c *Client) hasContent(ctx context.Context, file WantedFile, info *FileInfo) (bool, error) {
	if info.Size == nil || *info.Size != int64(len(file.Content)) {
		return false, nil
	}
	f, err := c.Pull(ctx, file.Path)
	if IsKind(err, PathError) {
		return false, nil // it cannot be read; writing it tells more
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	rest, chunk := file.Content, make([]byte, 64<<10)
	for {
		n, err := f.Read(chunk)
		if !bytes.HasPrefix(rest, chunk[:n]) {
			return false, nil
		}
		rest = rest[n:]
		switch {
		case err == io.EOF:
			return len(rest) == 0, nil
		case IsKind(err, PathError):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// owns reports whether what o names is so of a file.
func (o Owner) owns(info *FileInfo) bool {
	fits := func(wanted, is *int) bool { return wanted == nil || is != nil && *wanted == *is }
	return fits(o.UserID, info.UserID) && fits(o.GroupID, info.GroupID) &&
		(o.User == "" || o.User == info.User) && (o.Group == "" || o.Group == info.Group)
}

// addLayer adds the layer unless the plan has it.
func (e *ensuring) addLayer(ctx context.Context) error {
	if e.now.Has(e.Layer) {
		return nil
	}
	layer := e.Layer.notIn(e.now)
	if err := e.stopChanging(ctx, layer); err != nil {
		return err
	}
	err := e.client.AddLayer(ctx, e.Label, layer, AddLayerOptions{Combine: true})
	if err != nil {
		if resumeErr := e.resume(ctx); resumeErr != nil {
			return resumeErr
		}
		return err
	}
	e.now, err = e.client.Plan(ctx)
	e.changed = e.changed || err == nil && !e.now.Equal(e.before)
	return err
}

// stopChanging stops the services that run, should do so, and are about to get
// another configuration, which a replan would stop as well.
func (e *ensuring) stopChanging(ctx context.Context, layer *Layer) error {
	after, err := e.now.with(e.Label, layer)
	if err != nil {
		return nil // Pebble says what is wrong with it
	}
	var names []string
	for _, name := range e.running {
		if config := e.now.Services[name]; config != nil && config.Startup == StartupEnabled && !config.Equal(after.Services[name]) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	e.changed = true
	_, err = e.client.Stop(ctx, names, WaitOptions{Timeout: e.Timeout})
	return err
}

// startServices makes services follow the plan, if it is another, and starts
// those that should run.
func (e *ensuring) startServices(ctx context.Context) error {
	wait := WaitOptions{Timeout: e.Timeout}
	if e.now.Equal(e.before) {
		if len(e.idle) == 0 {
			return nil
		}
		e.changed = true
		_, err := e.client.Start(ctx, e.idle, wait)
		return err
	}
	if _, err := e.client.Replan(ctx, wait); err != nil {
		return err
	}
	return e.resume(ctx)
}

// resume starts what ran before and does not now: what requires a service that
// is stopped stops as well, and no replan starts it.
func (e *ensuring) resume(ctx context.Context) error {
	infos, err := e.client.Services(ctx, e.running...)
	if err != nil || len(e.running) == 0 {
		return err
	}
	stopped := without(e.running, runningServices(infos))
	if len(stopped) == 0 {
		return nil
	}
	_, err = e.client.Start(ctx, stopped, WaitOptions{Timeout: e.Timeout})
	return err
}

// restartServices restarts the services whose files changed, but not those
// that were started with them.
func (e *ensuring) restartServices(ctx context.Context) error {
	var names []string
	for _, name := range e.running {
		_, mine := e.Layer.Services[name]
		if !mine && len(e.Layer.Services) > 0 || slices.Contains(e.idle, name) || !e.before.Services[name].Equal(e.now.Services[name]) {
			continue
		}
		if e.stale || e.written.Unix() > e.infos[name].CurrentSince.Unix() && e.infos[name].Running() && !e.infos[name].CurrentSince.IsZero() {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	e.changed = true
	_, err := e.client.Restart(ctx, names, WaitOptions{Timeout: e.Timeout})
	return err
}

// Stat describes what is at a path, nil for nothing. A symbolic link is
// followed.
func (c *Client) Stat(ctx context.Context, path string) (*FileInfo, error) {
	infos, err := c.ListFiles(ctx, path, ListFilesOptions{Itself: true})
	var e *Error
	if hasCode(err, http.StatusNotFound) || errors.As(err, &e) && e.APIKind == string(GenericFileError) && strings.Contains(e.Message, "not a directory") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(infos) != 1 {
		return nil, protocolError("Pebble described %d paths for %s, want 1", len(infos), path)
	}
	return infos[0], nil
}

// with returns the plan that p and a layer on top of it come to, or what
// Pebble finds wrong with it.
func (p *Plan) with(label string, l *Layer) (*Plan, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	base := &Layer{Services: p.Services, Checks: p.Checks, LogTargets: p.LogTargets, Extra: p.Extra}
	combined, err := base.Combine(label, l)
	if err != nil {
		return nil, err
	}
	plan := combined.plan()
	return plan, plan.Validate()
}

// notIn returns l without the entries of lists that merging would add to p a
// second time.
func (l *Layer) notIn(p *Plan) *Layer {
	c := l.Copy()
	for name, s := range c.Services {
		if base := p.Services[name]; base != nil && s.Override == OverrideMerge {
			s.After, s.Before, s.Requires = without(s.After, base.After), without(s.Before, base.Before), without(s.Requires, base.Requires)
		}
	}
	for name, t := range c.LogTargets {
		if base := p.LogTargets[name]; base != nil && t.Override == OverrideMerge {
			t.Services = without(t.Services, base.Services)
		}
	}
	return c
}

// killDelay is the longest kill-delay of l's services.
func (l *Layer) killDelay() time.Duration {
	var longest time.Duration
	for _, s := range l.Services {
		if s.KillDelay != nil {
			longest = max(longest, time.Duration(*s.KillDelay))
		}
	}
	return longest
}
