package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// choose says what an event of a container is about if the event does not: the
// only check, or the only notice that fits.
func (s *State) choose(meta *model.Metadata, e *modeltest.Event) error {
	def, ok := meta.Event(strings.ReplaceAll(e.Name, "-", "_"))
	if !ok || e.Action {
		return nil
	}
	c := s.container(def.Subject)
	if c == nil {
		return nil
	}
	var err error
	switch def.Kind {
	case model.PebbleCheckFailed, model.PebbleCheckRecovered:
		err = chooseCheck(c, e)
	case model.PebbleCustomNotice:
		err = chooseNotice(c, e)
	}
	if err != nil {
		return fmt.Errorf("cannot run %s: %w", e.Name, err)
	}
	return nil
}

func chooseCheck(c *pebbletest.State, e *modeltest.Event) error {
	if e.CheckName != "" {
		return nil
	}
	var names []string
	for _, info := range c.CheckInfos {
		names = append(names, info.Name)
	}
	switch len(names) {
	case 0:
		return fmt.Errorf("it is about a check, and the container %q has none: add it to the container's layers or check_infos, or say which with --check", c.Name)
	case 1:
		e.CheckName = names[0]
		return nil
	}
	return fmt.Errorf("it is about a check, and the container %q has %d (%s): say which with --check", c.Name, len(names), listed(names))
}

func chooseNotice(c *pebbletest.State, e *modeltest.Event) error {
	if e.NoticeID != "" && e.NoticeKey != "" {
		return nil
	}
	var keys []string
	var found *pebbletest.Notice
	for _, n := range c.Notices {
		if n.Type == "custom" && (e.NoticeKey == "" || n.Key == e.NoticeKey) && (e.NoticeID == "" || n.ID == e.NoticeID) {
			keys = append(keys, n.Key)
			found = n
		}
	}
	switch {
	case len(keys) == 1:
		e.NoticeID, e.NoticeKey = found.ID, found.Key
		return nil
	case len(keys) == 0 && e.NoticeKey == "" && e.NoticeID == "":
		return fmt.Errorf("it is about a notice, and the container %q has none: add it to the container's notices, or say which with --notice-id and --notice-key", c.Name)
	case len(keys) == 0:
		return fmt.Errorf("the container %q has no such notice: add it to the container's notices, or give both --notice-id and --notice-key", c.Name)
	case e.NoticeKey != "":
		return errors.New("several users have a notice of this key: say which with --notice-id")
	}
	return fmt.Errorf("it is about a notice, and the container %q has %d (%s): say which with --notice-key", c.Name, len(keys), listed(keys))
}

// maxListed is how many names an error lists.
const maxListed = 20

func listed(names []string) string {
	slices.Sort(names)
	if len(names) > maxListed {
		names = append(names[:maxListed:maxListed], "…")
	}
	return strings.Join(names, ", ")
}
