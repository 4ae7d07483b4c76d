package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// containers are the plans, services and files of all Pebbles.
func (b *builder) containers() {
	before := map[string]*pebbletest.State{}
	for _, c := range b.before.Containers {
		before[c.Name] = c
	}
	for _, c := range b.after.Containers {
		b.container("container "+c.Name, c.Name, before[c.Name], c)
	}
	for _, path := range slices.Sorted(maps.Keys(b.after.Pebbles)) {
		b.container("the Pebble at "+path, path, b.before.Pebbles[path], b.after.Pebbles[path])
	}
}

func (b *builder) container(title, name string, was, is *pebbletest.State) {
	if was == nil {
		return
	}
	var changes []Change
	before, after := planText(was), planText(is)
	if before != after {
		c := Change{Action: Modify, What: "plan", Diff: lines(b.mask(before), b.mask(after))}
		changes = append(changes, b.cause(c, func(d deed) bool { return d.pebble(name, "", "add-layer") }))
	}
	for _, s := range b.o.Services {
		if s.Container != name {
			continue
		}
		action := s.Action
		changes = append(changes, b.cause(Change{Action: Do, What: "service " + s.Service, After: &action}, func(d deed) bool {
			return d.pebble(name, "", "replan", "autostart") || d.pebble(name, s.Service, "start", "stop", "restart")
		}))
	}
	changes = append(changes, b.files(containerFiles(was.Files), containerFiles(is.Files), func(path string) func(deed) bool {
		return func(d deed) bool { return d.pebble(name, path, "push", "make-dir", "remove") }
	})...)
	for i, d := range b.deeds {
		if d.writes && !d.failed && d.pebble(name, "", "exec", "signal") {
			what := strings.TrimPrefix(d.what, name+": ")
			changes = append(changes, b.because(Change{Action: Do, What: b.mask(what)}, i))
		}
	}
	b.add(title, changes)
}

// planText is the plan of a container's layers.
func planText(c *pebbletest.State) string {
	combined, err := pebble.CombineLayers(c.Layers)
	if err != nil {
		return ""
	}
	text, err := yaml.Marshal(combined)
	if err != nil || len(combined.Services)+len(combined.Checks)+len(combined.LogTargets)+len(combined.Extra) == 0 {
		return ""
	}
	return string(text)
}

// A file is one that can be compared.
type file struct{ content, about string }

func containerFiles(files map[string]*pebbletest.File) map[string]file {
	all := map[string]file{}
	for path, f := range files {
		about := string(f.Kind)
		if f.Mode != nil {
			about += fmt.Sprintf(" mode %04o", int(*f.Mode))
		}
		all[path] = file{f.Content, strings.TrimSpace(about + owned(f.User, f.Group))}
	}
	return all
}

func hostFiles(files map[string]*machinetest.File) map[string]file {
	all := map[string]file{}
	for path, f := range files {
		about := ""
		if f.Dir {
			about = "directory"
		}
		if f.Mode != nil {
			about += fmt.Sprintf(" mode %04o", uint32(*f.Mode))
		}
		all[path] = file{f.Content, strings.TrimSpace(about + owned(f.Owner, f.Group))}
	}
	return all
}

func owned(user, group string) string {
	if user == "" && group == "" {
		return ""
	}
	return fmt.Sprintf(" owner %s:%s", user, group)
}

// files are the changes of files, and of what they are.
func (b *builder) files(before, after map[string]file, did func(path string) func(deed) bool) []Change {
	var changes []Change
	for _, path := range names(before, after) {
		was, had := before[path]
		is, has := after[path]
		if had == has && was == is {
			continue
		}
		c := Change{What: "file " + path, Action: Modify}
		switch {
		case !had:
			c.Action = Add
		case !has:
			c.Action = Remove
		}
		if was.about != is.about {
			c.Before, c.After = pointer(was.about, had && (has || was.about != "")), pointer(is.about, has && (had || is.about != ""))
		}
		if was.content != is.content {
			c.Diff = lines(b.mask(was.content), b.mask(is.content))
		}
		changes = append(changes, b.cause(c, did(path)))
	}
	return changes
}

// machine are files of the machine, the commands that run on it, and the requests
// that it sends.
func (b *builder) machine() {
	changes := b.files(hostFiles(b.before.Machine.HostFiles), hostFiles(b.after.Machine.HostFiles), func(path string) func(deed) bool {
		return func(d deed) bool { return d.touched("host_files." + path) }
	})
	for i, d := range b.deeds {
		what := ""
		switch {
		case !d.writes || d.failed:
			continue
		case d.via == "process":
			what = "command " + d.what
		case d.via == "http":
			what = "request " + d.what
		default:
			continue
		}
		changes = append(changes, b.because(Change{Action: Do, What: b.mask(what)}, i))
	}
	b.add("machine", changes)
}
