package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
)

// Of tells what the hook would change of which that came in a simulated world.
// The hook has to have been traced.
func Of(o *simulate.Outcome) *Plan {
	b := &builder{places: []Place{}, o: o, before: o.Before, after: o.State, deeds: deeds(o), mask: masker(o)}
	b.statuses()
	b.relations()
	b.secrets()
	b.ports()
	b.containers()
	b.machine()
	b.kept()
	b.others()
	p := &Plan{Event: o.Event, Unit: o.Unit, Places: b.places, ExitCode: o.ExitCode, Diagnostics: o.Diagnostics}
	var unknown *machine.UndescribedError
	if errors.As(o.Err, &unknown) {
		p.Unknown = b.mask(unknown.Error())
	}
	return p
}

// A builder compares the world before and after a hook.
type builder struct {
	o             *simulate.Outcome
	before, after *simulate.State
	deeds         []deed
	mask          func(string) string
	places        []Place
}

// add adds what changed in a place, if anything did.
func (b *builder) add(name string, changes []Change) {
	if len(changes) > 0 {
		b.places = append(b.places, Place{b.mask(name), changes})
	}
}

// maxCompared is how large a text may be that is compared line by line, in bytes.
const maxCompared = 1 << 20

// change is that of a text; nil is not there.
func (b *builder) change(what string, before, after *string) Change {
	c := Change{Action: Modify, What: b.mask(what)}
	switch {
	case before == nil:
		c.Action = Add
	case after == nil:
		c.Action = Remove
	}
	old, new := b.masked(before), b.masked(after)
	if !strings.Contains(cmp.Or(old, new), "\n") && !strings.Contains(new, "\n") {
		if before != nil {
			c.Before = &old
		}
		if after != nil && (c.Action != Add || new != "") {
			c.After = &new
		}
		return c
	}
	c.Diff = lines(old, new)
	return c
}

func (b *builder) masked(text *string) string {
	if text == nil {
		return ""
	}
	return b.mask(*text)
}

// lines is how two texts differ, without what a patch begins with.
func lines(old, new string) []string {
	if len(old) > maxCompared || len(new) > maxCompared {
		return []string{fmt.Sprintf("-%d bytes", len(old)), fmt.Sprintf("+%d bytes", len(new))}
	}
	text := string(diff.Diff("old", ended(old), "new", ended(new)))
	var kept []string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if i < 3 { // the names
			continue
		}
		kept = append(kept, line)
	}
	return kept
}

// ended is a text whose last line is ended.
func ended(text string) []byte {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return []byte(text)
}

// texts are the changes of texts by name.
func (b *builder) texts(prefix string, before, after map[string]string, did func(name string) func(deed) bool) []Change {
	var changes []Change
	for _, name := range names(before, after) {
		was, had := before[name]
		is, has := after[name]
		if had == has && was == is {
			continue
		}
		c := b.change(prefix+name, pointer(was, had), pointer(is, has))
		changes = append(changes, b.cause(c, did(name)))
	}
	return changes
}

func pointer(text string, there bool) *string {
	if !there {
		return nil
	}
	return &text
}

// names are the keys of either map, sorted.
func names[K cmp.Ordered, V any](before, after map[K]V) []K {
	all := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after))
	slices.Sort(all)
	return slices.Compact(all)
}

func (b *builder) statuses() {
	var changes []Change
	for _, s := range []struct {
		what          string
		app           bool
		before, after modeltest.Status
	}{
		{"unit", false, b.before.Juju.UnitStatus, b.after.Juju.UnitStatus},
		{"application", true, b.before.Juju.AppStatus, b.after.Juju.AppStatus},
	} {
		if s.before == s.after {
			continue
		}
		before, after := statusText(s.before), statusText(s.after)
		c := b.cause(b.change(s.what, &before, &after), func(d deed) bool {
			return d.tool("status-set", fmt.Sprintf("--application=%t", s.app))
		})
		if c.At == "" { // set at the end, of those that were collected
			c = b.cause(c, func(d deed) bool { return d.touched("collected " + s.after.Name + " " + s.after.Message) })
		}
		changes = append(changes, c)
	}
	if was, is := b.before.Juju.WorkloadVersion, b.after.Juju.WorkloadVersion; was != is {
		changes = append(changes, b.cause(b.change("workload version", pointer(was, was != ""), pointer(is, is != "")), func(d deed) bool {
			return d.tool("application-version-set")
		}))
	}
	b.add("status", changes)
}

func statusText(s modeltest.Status) string {
	if s.Message == "" {
		return s.Name
	}
	return s.Name + ": " + s.Message
}

func (b *builder) relations() {
	for _, r := range b.after.Juju.Relations {
		i := slices.IndexFunc(b.before.Juju.Relations, func(other *modeltest.Relation) bool { return other.ID == r.ID })
		if i < 0 {
			continue
		}
		was := b.before.Juju.Relations[i]
		key := r.Endpoint + ":" + strconv.Itoa(r.ID)
		for _, side := range []struct {
			name, path    string
			before, after map[string]string
		}{
			{"application", "local_app_data", was.LocalAppData, r.LocalAppData},
			{"unit", "local_unit_data", was.LocalUnitData, r.LocalUnitData},
		} {
			b.add(fmt.Sprintf("relation %s, databag of this %s", key, side.name), b.texts("", side.before, side.after, func(name string) func(deed) bool {
				return func(d deed) bool {
					return d.touched("relations["+key+"]."+side.path+"."+name) || d.tool("relation-set") && strings.Contains(d.what, name+"=")
				}
			}))
		}
	}
}

func (b *builder) secrets() {
	find := func(s *simulate.State, id string) *modeltest.Secret {
		for _, secret := range s.Juju.Secrets {
			if secret.ID == id {
				return secret
			}
		}
		return nil
	}
	var ids []string
	for _, s := range append(slices.Clone(b.before.Juju.Secrets), b.after.Juju.Secrets...) {
		if !slices.Contains(ids, s.ID) {
			ids = append(ids, s.ID)
		}
	}
	for _, id := range ids {
		was, is := find(b.before, id), find(b.after, id)
		short := strings.TrimPrefix(id, "secret:")
		about := func(d deed) bool {
			return d.via == "juju" && strings.HasPrefix(d.what, "secret-") && strings.Contains(d.what, short)
		}
		name := "secret " + short
		switch {
		case was == nil && is.Label != "":
			name = fmt.Sprintf("new secret, labelled %q", is.Label)
		case was == nil:
			name = "new secret"
		case was.Label != "":
			name = fmt.Sprintf("secret %s, labelled %q", short, was.Label)
		}
		if was == nil {
			about = func(d deed) bool { return d.tool("secret-add") && strings.Contains(d.result, short) }
		}
		before, after := facts(was), facts(is)
		b.add(name, b.texts("", before, after, func(string) func(deed) bool { return about }))
	}
}

// facts are what there is to tell of a secret; its values are not.
func facts(s *modeltest.Secret) map[string]string {
	if s == nil {
		return nil
	}
	all := map[string]string{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			all[name] = value
		}
	}
	set("owner", s.Owner)
	set("label", s.Label)
	set("description", s.Description)
	if s.Rotate != "never" {
		set("rotate", s.Rotate)
	}
	if s.Expire != nil {
		set("expire", s.Expire.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if s.Owner == "" { // the numbers of whose revisions only the owner knows
		set("content", "not read yet")
		if s.TrackedContent != nil && maps.Equal(s.TrackedContent, s.LatestContent) {
			set("content", "the latest is tracked")
		} else if s.TrackedContent != nil {
			set("content", "an older one is tracked")
		}
		return all
	}
	if s.TrackedContent != nil {
		set("tracked revision", strconv.Itoa(s.TrackedRevision))
	}
	latest := strconv.Itoa(s.LatestRevision)
	if s.LatestContent != nil {
		latest += ", with " + strings.Join(slices.Sorted(maps.Keys(s.LatestContent)), ", ")
	}
	set("latest revision", latest)
	for id, grantees := range s.RemoteGrants {
		set(fmt.Sprintf("grants in relation %d", id), strings.Join(grantees, ", "))
	}
	set("removed revisions", strings.Trim(fmt.Sprint(s.RemovedRevisions), "[]"))
	return all
}

func (b *builder) ports() {
	list := func(ports []modeltest.Port) map[string]string {
		all := map[string]string{}
		for _, p := range ports {
			text := p.Protocol
			if p.Port != 0 {
				text = fmt.Sprintf("%d/%s", p.Port, p.Protocol)
			}
			if p.ToPort > p.Port {
				text = fmt.Sprintf("%d-%d/%s", p.Port, p.ToPort, p.Protocol)
			}
			endpoint := p.Endpoint
			if endpoint == "" {
				endpoint = "all endpoints"
			}
			all[text+" of "+endpoint] = "open"
		}
		return all
	}
	b.add("ports", b.texts("", list(b.before.Juju.OpenedPorts), list(b.after.Juju.OpenedPorts), func(name string) func(deed) bool {
		number, _, _ := strings.Cut(name, " ")
		return func(d deed) bool {
			return (d.tool("open-port") || d.tool("close-port")) && strings.Contains(d.what, strings.TrimSuffix(number, "/tcp"))
		}
	}))
}

// kept is what the charm keeps itself.
func (b *builder) kept() {
	stored := func(s *simulate.State) map[string]string {
		all := map[string]string{}
		for object, values := range s.StoredState {
			for name, value := range values {
				all[object+"."+name] = plainText(value)
			}
		}
		return all
	}
	b.add("stored state", b.texts("", stored(b.before), stored(b.after), func(name string) func(deed) bool {
		return func(d deed) bool { return d.touched("stored_state." + name) }
	}))
	deferred := func(s *simulate.State) map[string]string {
		all := map[string]string{}
		for _, d := range s.Deferred {
			data, _ := strings.CutPrefix(plainText(d.Data), "null")
			all[d.Event+" for "+d.Handler] = strings.TrimPrefix(data, "{}")
		}
		return all
	}
	b.add("deferred events", b.texts("", deferred(b.before), deferred(b.after), func(name string) func(deed) bool {
		_, handler, _ := strings.Cut(name, " for ")
		return func(d deed) bool {
			return d.touched("deferred") && len(d.within) > 0 && d.within[len(d.within)-1].Handler == handler
		}
	}))
	b.add("state with the controller", b.texts("", b.before.Juju.Stored, b.after.Juju.Stored, func(string) func(deed) bool {
		return func(d deed) bool { return d.tool("state-set") || d.tool("state-delete") }
	}))
}

// plainText is plain data on one line.
func plainText(v any) string {
	if text, ok := v.(string); ok {
		return strconv.Quote(text)
	}
	node := &yaml.Node{}
	if err := node.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	flow(node)
	text, err := yaml.Marshal(node)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func flow(node *yaml.Node) {
	node.Style |= yaml.FlowStyle
	for _, inner := range node.Content {
		flow(inner)
	}
}

// others are the changes of what has no place of its own here, by path.
func (b *builder) others() {
	var changes []Change
	for _, c := range b.o.Changes {
		if told(c.Path) {
			continue
		}
		text := func(v any) *string {
			if v == nil {
				return nil
			}
			s := fmt.Sprint(v)
			return &s
		}
		changes = append(changes, b.cause(b.change(c.Path, text(c.Before), text(c.After)), func(d deed) bool { return concerns(d, c.Path) }))
	}
	if b.o.Reboot != modeltest.NoReboot {
		after := string(b.o.Reboot)
		if b.o.Reboot == modeltest.RebootAfter {
			after = "after the hook"
		}
		changes = append(changes, b.cause(Change{Action: Do, What: "reboot of the machine", After: &after}, func(d deed) bool { return d.tool("juju-reboot") }))
	}
	b.add("other", changes)
}

// told says whether a path is one of those that have a place of their own.
func told(path string) bool {
	for _, prefix := range []string{"unit_status", "app_status", "workload_version", "secrets", "opened_ports", "host_files", "stored_state", "deferred", "stored.", "config_digests"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	for _, part := range []string{".local_app_data", ".local_unit_data", ".layers.", ".files.", ".started_services", ".service_statuses"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return false
}

// concerns says whether a call may have led to what is at a path.
func concerns(d deed, path string) bool {
	for _, pair := range [][2]string{
		{"storage_requests", "storage-add"}, {"leader_settings", "leader-set"}, {"payloads", "payload-"}, {"pod_spec", "pod-spec-set"},
		{"raw_pod_spec", "k8s-raw-set"}, {"secret_removals", "secret-remove"},
	} {
		if strings.HasPrefix(path, pair[0]) && d.via == "juju" && strings.HasPrefix(d.what, pair[1]) {
			return true
		}
	}
	inner, ok := strings.CutPrefix(path, "containers[")
	name, _, _ := strings.Cut(inner, "]")
	return ok && d.via == "pebble" && strings.HasPrefix(d.what, name+": ")
}
