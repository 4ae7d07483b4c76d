package simulate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
)

// Live is what stands below the simulation of a hook of a unit that lives: what
// is read that the snapshot does not have comes from there. Nothing there is
// changed.
type Live struct {
	CharmDir string
	// Tools are Juju's own.
	Tools hooktool.Runner
	// Pebble connects to the real Pebble on a socket path; wrap is as in
	// [pebble.Config].
	Pebble func(socketPath string, wrap func(http.RoundTripper) http.RoundTripper) *pebble.Client
	// Machine is the real one, with what is written to it.
	Machine *machine.Overlay
	// Allow says that a command in a container is to be run in earnest; nil:
	// none is.
	Allow func(args []string) bool

	secrets []*modeltest.Secret
	pebbles []*livePebble
}

// untouched are the tools whose answers no hook changes, so that Juju's own are
// asked.
var untouched = [...]string{"config-get", "credential-get", "goal-state", "is-leader", "network-get", "relation-model-get", "resource-get", "unit-get"}

// liveTools are hook tools of which those that read what a hook may change, and
// those that change it, are simulated.
type liveTools struct {
	hook *modeltest.Hook
	live *Live
}

func (t liveTools) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	if slices.Contains(untouched[:], call.Name) {
		return t.live.Tools.Run(ctx, call)
	}
	return t.hook.Run(ctx, call)
}

// tools are those of the hook that runs in w.
func (l *Live) tools(ctx context.Context, w *World) hooktool.Runner {
	w.juju.ReadSecret = func(id, label string) (*modeltest.Secret, error) { return l.readSecret(ctx, id, label) }
	return liveTools{w.running, l}
}

// machine is the real one, with the variables of the simulated hook besides its
// own.
func (l *Live) machine(env map[string]string) machine.Machine {
	variables := l.Machine.Machine.Environment()
	maps.Copy(variables, env)
	l.Machine.Variables = variables
	return l.Machine
}

// readSecret asks Juju for a secret's content. The unit tracks it from then on,
// as it does when its charm reads it; it is not refreshed.
func (l *Live) readSecret(ctx context.Context, id, label string) (*modeltest.Secret, error) {
	args := []string{"--format=json"}
	if id != "" {
		args = append(args, id)
	} else {
		args = append(args, "--label", label)
	}
	tracked, err := l.secretGet(ctx, args...)
	if err != nil {
		return nil, err
	}
	latest, err := l.secretGet(ctx, append(args, "--peek")...)
	if err != nil {
		return nil, err
	}
	s := &modeltest.Secret{ID: id, TrackedContent: tracked, LatestContent: latest, TrackedRevision: 1}
	if id == "" { // Juju does not say which it is
		s.ID, s.Label = fmt.Sprintf("secret:labelled%012d", len(l.secrets)), label
	}
	l.secrets = append(l.secrets, s)
	return s, nil
}

func (l *Live) secretGet(ctx context.Context, args ...string) (map[string]string, error) {
	call := hooktool.Call{Name: "secret-get", Args: args}
	m := model.New(ctx, model.Config{Context: &model.Context{}, Metadata: &model.Metadata{}, Tools: l.Tools})
	content := map[string]string{}
	err := m.Ask(call, &content)
	var refused *model.Error
	if errors.As(err, &refused) && refused.Stderr != "" {
		return nil, errors.New(strings.TrimPrefix(strings.TrimSpace(refused.Stderr), "ERROR "))
	}
	return content, err
}

// learnt completes the world before and after a hook with what was learnt in it
// of the world before.
func (l *Live) learnt(before, after *State) {
	for _, s := range l.secrets {
		i := slices.IndexFunc(before.Juju.Secrets, func(other *modeltest.Secret) bool {
			return lastPart(other.ID) == lastPart(strings.TrimPrefix(s.ID, "secret:")) || other.ID == s.ID
		})
		if i < 0 {
			before.Juju.Secrets = append(before.Juju.Secrets, s)
			continue
		}
		known := before.Juju.Secrets[i]
		known.TrackedContent, known.LatestContent, known.TrackedRevision = s.TrackedContent, s.LatestContent, s.TrackedRevision
	}
	for _, p := range l.pebbles {
		for i, c := range before.Containers {
			if c.Name == p.name {
				before.Containers[i] = p.was()
			}
		}
	}
	was, is := l.Machine.Changed()
	before.Machine.HostFiles, after.Machine.HostFiles = capturedFiles(was), capturedFiles(is)
}

func capturedFiles(files map[string]*machine.Captured) map[string]*machinetest.File {
	all := map[string]*machinetest.File{}
	for path, c := range files {
		if c == nil {
			continue
		}
		f := &machinetest.File{Content: string(c.Content), Dir: c.Mode.IsDir()}
		if mode := machinetest.Mode(c.Mode.Perm()); f.Dir && mode != 0o755 || !f.Dir && mode != 0o644 {
			f.Mode = &mode
		}
		if c.Owner != (machine.Owner{UID: os.Geteuid(), GID: os.Getegid()}) {
			f.Owner, f.Group = strconv.Itoa(c.Owner.UID), strconv.Itoa(c.Owner.GID)
		}
		if c.Mode&fs.ModeSymlink != 0 {
			f.Content = "a symbolic link"
		}
		all[path] = f
	}
	return all
}

// unknownPebble is a Pebble of which there is no snapshot.
type unknownPebble string

func (path unknownPebble) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &machine.UndescribedError{What: "a request to the Pebble at " + string(path), Live: true}
}
