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

	"github.com/starcharm/starcharm/model"
)

func relationTools() []tool {
	return []tool{
		{name: "relation-ids", use: "<endpoint>", prepare: prepareRelationIDs},
		{name: "relation-list", prepare: prepareRelationList},
		{name: "relation-get", use: "[<key> [<unit or application>]]", prepare: prepareRelationGet},
		{name: "relation-set", use: "key=value [key=value ...]", prepare: prepareRelationSet},
		{name: "relation-model-get", prepare: prepareRelationModelGet},
	}
}

var (
	errPermissionDenied = errors.New("permission denied")
	errRelationNotFound = errors.New("relation not found")
	errNoRelation       = errors.New("no relation id specified")
)

// relationFlag declares -r and --relation. The pointer that it returns holds
// the hook's relation at first: nil outside relation hooks.
func (h *Hook) relationFlag(c *invocation) **Relation {
	var relation *Relation
	if h.plan.relation != nil {
		relation = h.state().relation(h.plan.relation.ID)
	}
	c.flags.value(func(value string) error {
		// What is before the colon is not looked at.
		text := value[strings.LastIndexByte(value, ':')+1:]
		id, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("invalid relation id")
		}
		if relation = h.state().relation(id); relation == nil {
			return errRelationNotFound
		}
		return nil
	}, "r", "relation")
	return &relation
}

func prepareRelationIDs(h *Hook, c *invocation) (func([]string) error, func() error) {
	name := ""
	c.formatted()
	parse := func(args []string) error {
		if len(args) > 0 {
			name = shift(&args)
			return noMore(args)
		}
		if h.plan.relation != nil {
			name = h.plan.relation.Endpoint
			return nil
		}
		if h.juju.version.AtLeast(3, 6, 0) {
			return errors.New("no endpoint name specified")
		}
		return errors.New("no relation name specified")
	}
	return parse, func() error {
		ids := []string{}
		for _, r := range h.state().Relations {
			if r.Endpoint == name && !h.hides(r) {
				ids = append(ids, relationKey(r))
			}
		}
		slices.Sort(ids)
		return c.print(ids)
	}
}

// hides tells whether relation-ids leaves out the relation, because this is
// its relation-broken hook.
func (h *Hook) hides(r *Relation) bool {
	return h.plan.def.Kind == model.RelationBroken && h.plan.relation.ID == r.ID &&
		!h.juju.peer(r) && h.juju.version.AtLeast(3, 6, 0)
}

func prepareRelationList(h *Hook, c *invocation) (func([]string) error, func() error) {
	app := false
	relation := h.relationFlag(c)
	c.flags.boolean(&app, "app")
	c.formatted()
	parse := func(args []string) error {
		if *relation == nil {
			return errNoRelation
		}
		return noMore(args)
	}
	return parse, func() error {
		r := *relation
		if app {
			return c.print(r.RemoteApp)
		}
		units := []string{}
		for number := range h.juju.others(r) {
			unit := r.RemoteApp + "/" + strconv.Itoa(number)
			if h.plan.def.Kind == model.RelationDeparted && h.plan.relation.ID == r.ID && unit == h.plan.unit {
				continue
			}
			units = append(units, unit)
		}
		slices.Sort(units)
		return c.print(units)
	}
}

var (
	unitName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([a-z](?:[a-z0-9]*|-)*)/(0|[1-9][0-9]*)$`) })
	appName  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*)$`) })
)

func prepareRelationGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	app := false
	key, entity := "", ""
	relation := h.relationFlag(c)
	c.flags.boolean(&app, "app")
	c.formatted()
	parse := func(args []string) error {
		if *relation == nil {
			return errNoRelation
		}
		if key = shift(&args); key == "-" {
			key = ""
		}
		entity = shift(&args)
		var err error
		if entity, app, err = h.databagOwner(entity, app); err != nil {
			return err
		}
		return noMore(args)
	}
	return parse, func() error {
		bag, err := h.readBag(*relation, entity, app)
		if err != nil {
			return err
		}
		if key == "" {
			return c.print(bag)
		}
		if value, ok := bag[key]; ok {
			return c.print(value)
		}
		return c.print(nil)
	}
}

// databagOwner finds whose databag relation-get reads, and whether it is an
// application's.
func (h *Hook) databagOwner(entity string, app bool) (string, bool, error) {
	switch {
	case entity != "" && app:
		if part := unitName().FindStringSubmatch(entity); part != nil {
			return part[1], true, nil
		}
		if !appName().MatchString(entity) {
			entity = "" // which findBag refuses
		}
		return entity, true, nil
	case entity != "":
		if unitName().MatchString(entity) {
			return entity, false, nil
		}
		if appName().MatchString(entity) {
			return "", false, fmt.Errorf("expected unit name, got application name %q", entity)
		}
		return "", false, fmt.Errorf("invalid unit name %q", entity)
	case h.plan.unit != "" && !app:
		return h.plan.unit, false, nil
	case h.plan.app != "":
		return h.plan.app, true, nil
	}
	return "", false, errors.New("no unit or application specified")
}

// bagKey names one of the databags that the unit may write.
type bagKey struct {
	relation int
	app      bool
}

// ownBag returns the unit's or its application's databag as the hook left it.
func (h *Hook) ownBag(r *Relation, app bool) map[string]string {
	if bag, ok := h.bags[bagKey{r.ID, app}]; ok {
		return bag
	}
	if app {
		return r.LocalAppData
	}
	return r.LocalUnitData
}

// readBag returns the databag of an entity, never nil.
func (h *Hook) readBag(r *Relation, entity string, app bool) (map[string]string, error) {
	bag, err := h.findBag(r, entity, app)
	if bag == nil && err == nil {
		bag = map[string]string{}
	}
	return bag, err
}

func (h *Hook) findBag(r *Relation, entity string, app bool) (map[string]string, error) {
	s := h.state()
	if app {
		switch {
		case entity == s.AppName && (s.Leader || h.juju.peer(r)):
			return h.ownBag(r, true), nil
		case entity == r.RemoteApp && !h.juju.peer(r):
			return r.RemoteAppData, nil
		case entity == "":
			return nil, fmt.Errorf("%q is not a valid unit or application", entity)
		}
		return nil, errPermissionDenied
	}
	if entity == s.unit() {
		return h.ownBag(r, false), nil
	}
	part := unitName().FindStringSubmatch(entity)
	if part[1] != r.RemoteApp {
		return nil, errPermissionDenied
	}
	number, err := strconv.Atoi(part[2])
	bag, ok := h.juju.others(r)[number]
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot read settings for unit %q in relation %q: unit %q: settings not found",
			entity, h.juju.relationEnds(r), entity)
	}
	return maps.Clone(bag), nil
}

// relationEnds names both ends, the one that requires first.
func (j *Juju) relationEnds(r *Relation) string {
	own, other := j.state.AppName+":"+r.Endpoint, r.RemoteApp+":"+r.RemoteEndpoint
	switch j.role(r) {
	case model.Peer:
		return own
	case model.Provides:
		return other + " " + own
	}
	return own + " " + other
}

func prepareRelationSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	app, file := false, ""
	var changes map[string]string
	relation := h.relationFlag(c)
	c.flags.text(&file, "file")
	c.flags.boolean(&app, "app")
	c.oldFormat()
	parse := func(args []string) (err error) {
		if *relation == nil {
			return errNoRelation
		}
		changes, err = parsePairs(args, true)
		return err
	}
	return parse, func() error {
		c.warnFormat("relation-set")
		changes, err := h.fromFile(c, file, changes)
		if err != nil {
			return err
		}
		if app && !h.state().Leader {
			return errors.New("cannot write relation settings")
		}
		r := *relation
		bag := maps.Clone(h.ownBag(r, app))
		if bag == nil {
			bag = map[string]string{}
		}
		for key, value := range changes {
			if value == "" {
				delete(bag, key)
			} else {
				bag[key] = value
			}
		}
		h.bags[bagKey{r.ID, app}] = bag
		return nil
	}
}

func (h *Hook) commitBags(next *State) {
	for key, bag := range h.bags {
		r := next.relation(key.relation)
		if key.app {
			r.LocalAppData = bag
		} else {
			r.LocalUnitData = bag
		}
	}
}

func prepareRelationModelGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	relation := h.relationFlag(c)
	c.formatted()
	parse := func(args []string) error {
		if *relation == nil {
			return errNoRelation
		}
		return noMore(args)
	}
	return parse, func() error {
		return c.print(map[string]string{"uuid": (*relation).RemoteModelUUID})
	}
}
