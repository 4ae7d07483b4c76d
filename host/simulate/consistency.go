package simulate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// check compares what the state says beyond Juju with the metadata: the
// containers, and what the charm keeps. The error says that a container cannot
// be simulated at all.
func (s *State) check(meta *model.Metadata, found *consistency.Checker) error {
	names := slices.Sorted(maps.Keys(meta.Containers))
	seen := map[string]bool{}
	for _, c := range s.Containers {
		if !slices.Contains(names, c.Name) {
			text := fmt.Sprintf("the charm's metadata has no container %q", c.Name)
			if near := model.Nearest(c.Name, names); near != "" {
				text += fmt.Sprintf("; did you mean %q?", near)
			}
			found.Fail("SC001", "%s", text)
		}
		if seen[c.Name] {
			found.Fail("SC002", "there are two containers %q", c.Name)
		}
		seen[c.Name] = true
		if err := c.Validate(); err != nil {
			return err
		}
		if err := checkContainer(c, found); err != nil {
			return err
		}
	}
	for _, d := range s.Deferred {
		s.checkDeferred(meta, d, found)
	}
	return nil
}

// checkContainer compares a container that is valid with its plan.
func checkContainer(c *pebbletest.State, found *consistency.Checker) error {
	plan, err := pebble.CombineLayers(c.Layers)
	if err != nil {
		return err
	}
	for _, info := range c.CheckInfos {
		check := plan.Checks[info.Name]
		if check == nil {
			found.Fail("SC003", "container %q has a CheckInfo %q, and its plan has no such check", c.Name, info.Name)
			continue
		}
		differs := func(rule, what string, in, want any) {
			if in != want {
				found.Fail(rule, "container %q, check %q: the %s is %v in check_infos and %v in the plan", c.Name, info.Name, what, in, want)
			}
		}
		if info.Level != "" {
			differs("SC004", "level", string(info.Level), string(check.Level))
		}
		if info.Startup != "" {
			differs("SC005", "startup", info.Startup, cmp.Or(check.Startup, pebble.StartupEnabled))
		}
		if info.Threshold != 0 {
			differs("SC006", "threshold", info.Threshold, cmp.Or(check.Threshold, 3))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.ServiceStatuses)) {
		if plan.Services[name] == nil {
			found.Fail("SC008", "container %q says the status of a service %q, which its plan does not have", c.Name, name)
		}
	}
	return nil
}

// checkDeferred says whether the event is still one of the charm, about what
// there is. A library's own are its own matter.
func (s *State) checkDeferred(meta *model.Metadata, d Deferred, found *consistency.Checker) {
	if d.Scope != "" {
		return
	}
	def, ok := meta.Event(d.Event)
	if !ok {
		found.Fail("SC056", "the deferred event %q is none of the charm's", d.Event)
		return
	}
	missing := func(has bool, what string) {
		if !has {
			found.Fail("SC057", "the deferred event %s is about %s, which the state does not have", d.Event, what)
		}
	}
	if id, ok := d.Data["relation_id"]; ok && def.Kind.Relation() {
		has := false
		for _, r := range s.Juju.Relations {
			has = has || r.Endpoint == def.Subject && fmt.Sprint(r.ID) == fmt.Sprint(id)
		}
		missing(has, fmt.Sprintf("relation %v", id))
	}
	if index, ok := d.Data["storage_index"]; ok {
		has := false
		for _, storage := range s.Juju.Storages {
			has = has || storage.Name == def.Subject && fmt.Sprint(storage.Index) == fmt.Sprint(index)
		}
		missing(has, fmt.Sprintf("the storage %s/%v", def.Subject, index))
	}
	if id, ok := d.Data["id"].(string); ok && strings.HasPrefix(string(def.Kind), "secret_") {
		has := false
		for _, secret := range s.Juju.Secrets {
			has = has || secret.ID == id
		}
		missing(has, "the secret "+id)
	}
}
