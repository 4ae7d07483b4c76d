package modeltest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

func storageTools() []tool {
	return []tool{
		{name: "storage-list", use: "[<storage name>]", prepare: prepareStorageList},
		{name: "storage-get", use: "[<key>]", prepare: prepareStorageGet},
		{name: "storage-add", use: "<storage name>[=<count>] ...", prepare: prepareStorageAdd},
	}
}

func storageID(s *Storage) string { return s.Name + "/" + strconv.Itoa(s.Index) }

func prepareStorageList(h *Hook, c *invocation) (func([]string) error, func() error) {
	name := ""
	c.formatted()
	parse := func(args []string) error {
		name = shift(&args)
		return noMore(args)
	}
	return parse, func() error {
		ids := []string{}
		for _, storage := range h.state().Storages {
			if name == "" || storage.Name == name {
				ids = append(ids, storageID(storage))
			}
		}
		slices.Sort(ids)
		return c.print(ids)
	}
}

var storageName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*/(?:0|[1-9][0-9]*)$`)
})

func prepareStorageGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	storage := h.plan.storage
	key := ""
	c.flags.value(func(id string) error {
		if !storageName().MatchString(id) {
			return fmt.Errorf("invalid storage ID %q", id)
		}
		for _, s := range h.state().Storages {
			if storageID(s) == id {
				storage = s
				return nil
			}
		}
		return fmt.Errorf("storage attachment %q on %q not found", id, h.state().unit())
	}, "s")
	c.formatted()
	parse := func(args []string) error {
		if storage == nil {
			return errors.New("no storage instance specified")
		}
		key = shift(&args)
		return noMore(args)
	}
	return parse, func() error {
		attributes := map[string]any{"kind": "filesystem", "location": storage.Location}
		if declared := h.juju.meta.Storages[storage.Name]; declared != nil {
			attributes["kind"] = declared.Type
		}
		if key == "" {
			return c.print(attributes)
		}
		value, ok := attributes[key]
		if !ok {
			return fmt.Errorf("invalid storage attribute %q", key)
		}
		return c.print(value)
	}
}

func prepareStorageAdd(h *Hook, c *invocation) (func([]string) error, func() error) {
	requests := map[string]int{}
	parse := func(args []string) error {
		if len(args) == 0 {
			return errors.New("storage add requires a storage directive")
		}
		for _, arg := range args {
			name, text, given := strings.Cut(arg, "=")
			if name == "" || strings.Contains(text, "=") {
				return fmt.Errorf(`expected "name=constraints" or "name", got %q`, arg)
			}
			if _, twice := requests[name]; twice {
				return fmt.Errorf("storage %q specified more than once", name)
			}
			requests[name] = 1
			if given {
				count, err := storageCount(name, text)
				if err != nil {
					return err
				}
				requests[name] = count
			}
		}
		return nil
	}
	return parse, func() error {
		for name, count := range requests {
			h.requests[name] += count
		}
		return nil
	}
}

// storageCount reads the constraints of storage-add, which may be a count.
func storageCount(name, text string) (count int, err error) {
	if text == "" {
		return 0, fmt.Errorf("cannot parse constraints for storage %q: storage constraints require at least one field to be specified", name)
	}
	for _, part := range splitList(text) {
		if count, err = strconv.Atoi(part); err != nil {
			return 0, fmt.Errorf("only count can be specified for %q", name)
		}
		if count <= 0 {
			return 0, fmt.Errorf("cannot parse constraints for storage %q: cannot parse count: count must be greater than zero, got %q", name, part)
		}
	}
	return count, nil
}

// commitStorage adds what storage-add asked for; the controller refuses a
// storage that the charm does not have.
func (h *Hook) commitStorage(next *State) error {
	for _, name := range slices.Sorted(maps.Keys(h.requests)) {
		if h.juju.meta.Storages[name] == nil {
			return fmt.Errorf("adding storage %s for unit-%s: storage %q not found",
				name, strings.ReplaceAll(next.unit(), "/", "-"), name)
		}
		if next.StorageRequests == nil {
			next.StorageRequests = map[string]int{}
		}
		next.StorageRequests[name] += h.requests[name]
	}
	return nil
}
