package model

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Relation is a relation of one of the charm's endpoints. Within a hook there
// is one Relation for each endpoint and id.
type Relation struct {
	Endpoint string
	ID       int

	model    *Model
	meta     *RelationMeta
	gone     bool     // Juju said that there is no such relation
	units    []string // valid when listed
	listed   bool
	app      *string
	remote   *string // the uuid of the remote model
	databags map[string]*Databag
}

type relationKey struct {
	endpoint string
	id       int
}

// Key returns what hook tools call the relation: "db:3".
func (r *Relation) Key() string { return r.Endpoint + ":" + strconv.Itoa(r.ID) }

// Meta returns what the metadata says of the endpoint.
func (r *Relation) Meta() *RelationMeta { return r.meta }

// endpoint finds an endpoint in the metadata.
func (m *Model) endpoint(name string) (*RelationMeta, error) {
	meta, ok := m.cfg.Metadata.Relations[name]
	if !ok {
		return nil, m.unknown("endpoint", name, maps.Keys(m.cfg.Metadata.Relations))
	}
	return meta, nil
}

// Relations returns an endpoint's relations, lowest id first. One that is
// being broken by this hook is not among them.
func (m *Model) Relations(endpoint string) ([]*Relation, error) {
	if _, err := m.endpoint(endpoint); err != nil {
		return nil, err
	}
	if list, ok := m.relationLists[endpoint]; ok {
		return slices.Clone(list), nil
	}
	answer, err := m.run("relation-ids", nil, endpoint, "--format=json")
	if err != nil {
		return nil, err
	}
	ids, err := parseRelationIDs(endpoint, answer)
	if err != nil {
		return nil, nonsenseAbout(fmt.Sprintf("the relations of %q", endpoint), "relation-ids", err)
	}
	list := []*Relation{}
	for _, id := range ids {
		if m.breaking(endpoint, id) {
			continue
		}
		r, err := m.RelationByID(endpoint, id)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	m.relationLists[endpoint] = list
	return slices.Clone(list), nil
}

// Relation returns an endpoint's only relation, nil when there is none, and a
// [TooManyRelatedAppsError] when there are several.
func (m *Model) Relation(endpoint string) (*Relation, error) {
	list, err := m.Relations(endpoint)
	if err != nil {
		return nil, err
	}
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return list[0], nil
	}
	return nil, &Error{Kind: TooManyRelatedAppsError,
		Message: fmt.Sprintf("cannot choose among the %d relations of %q: go through all of them, or set limit: 1 in the metadata", len(list), endpoint)}
}

// RelationByID returns a relation whether or not it still exists: one that is
// gone is not active, and its databags are empty.
func (m *Model) RelationByID(endpoint string, id int) (*Relation, error) {
	meta, err := m.endpoint(endpoint)
	if err != nil {
		return nil, err
	}
	if id < 0 {
		return nil, usage("a relation's id cannot be %d", id)
	}
	key := relationKey{endpoint, id}
	r, ok := m.relations[key]
	if !ok {
		r = &Relation{Endpoint: endpoint, ID: id, model: m, meta: meta, databags: make(map[string]*Databag)}
		m.relations[key] = r
	}
	return r, nil
}

// breaking tells whether this hook is the relation's relation-broken.
func (m *Model) breaking(endpoint string, id int) bool {
	return m.inHook(endpoint, id) && m.cfg.Context.EventName() == normal(endpoint)+"_"+string(RelationBroken)
}

// inHook tells whether the hook is about the relation.
func (m *Model) inHook(endpoint string, id int) bool {
	c := m.cfg.Context
	return c.RelationID == id && (c.RelationName == endpoint || c.RelationName == "")
}

// Active tells whether the relation exists and is not being broken by this
// hook.
func (r *Relation) Active() (bool, error) {
	if r.gone || r.model.breaking(r.Endpoint, r.ID) {
		return false, nil
	}
	list, err := r.model.Relations(r.Endpoint)
	return err == nil && slices.Contains(list, r), err
}

// App returns the application at the other end: the own one for a peer
// relation, "" when Juju cannot tell because the relation is gone.
func (r *Relation) App() (string, error) {
	if r.app != nil {
		return *r.app, nil
	}
	c := r.model.cfg.Context
	app := ""
	switch {
	case r.meta.Role == Peer:
		app = c.AppName
	case r.model.inHook(r.Endpoint, r.ID) && c.RemoteApp != "":
		app = c.RemoteApp
	case len(r.units) > 0:
		app = appOf(r.units[0])
	case r.gone:
	default:
		answer, err := r.model.run("relation-list", nil, "--format=json", "--app", "-r", r.Key())
		if isKind(err, RelationNotFoundError) {
			r.gone = true
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if app, err = parseApp(answer); err != nil {
			return "", nonsenseAbout("the application in "+r.Key(), "relation-list", err)
		}
	}
	r.app = &app
	return app, nil
}

// Units returns the units at the other end, or the other units of a peer
// relation, sorted. A unit that is departing in this hook is not among them.
func (r *Relation) Units() ([]string, error) {
	if r.listed || r.gone {
		return slices.Clone(r.units), nil
	}
	c := r.model.cfg.Context
	answer, err := r.model.run("relation-list", nil, "--format=json", "-r", r.Key())
	if isKind(err, RelationNotFoundError) {
		r.gone = true
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	units, err := parseUnits(answer)
	if err != nil {
		return nil, nonsenseAbout("the units in "+r.Key(), "relation-list", err)
	}
	departing := ""
	if r.model.inHook(r.Endpoint, r.ID) && c.EventName() == normal(r.Endpoint)+"_"+string(RelationDeparted) {
		departing = c.RemoteUnit
	}
	for _, unit := range units {
		if unit != c.UnitName && unit != departing {
			r.units = append(r.units, unit)
		}
	}
	r.listed = true
	return slices.Clone(r.units), nil
}

// RemoteModelUUID returns the uuid of the model at the other end; a
// [VersionError] before Juju 3.6.2.
func (r *Relation) RemoteModelUUID() (string, error) {
	if r.remote != nil {
		return *r.remote, nil
	}
	answer, err := r.model.run("relation-model-get", nil, "--format=json", "-r", r.Key())
	if err != nil {
		return "", err
	}
	found, err := decode[struct {
		UUID string `json:"uuid"`
	}]("relation-model-get", answer)
	if err == nil && found.UUID == "" {
		err = nonsense("relation-model-get", errors.New("there is no uuid in it"))
	}
	if err != nil {
		return "", err
	}
	r.remote = &found.UUID
	return found.UUID, nil
}

// Entities returns the units and applications that have a databag here: the
// own unit and application, the remote application, its units, and the remote
// unit that this hook is about, even if it is departing.
func (r *Relation) Entities() ([]string, error) {
	c := r.model.cfg.Context
	app, err := r.App()
	if err != nil {
		return nil, err
	}
	units, err := r.Units()
	if err != nil {
		return nil, err
	}
	all := []string{c.UnitName, c.AppName}
	if app != "" && app != c.AppName {
		all = append(all, app)
	}
	all = append(all, units...)
	if r.model.inHook(r.Endpoint, r.ID) {
		for _, unit := range []string{c.RemoteUnit, c.DepartingUnit} {
			if unit != "" && !slices.Contains(all, unit) {
				all = append(all, unit)
			}
		}
	}
	return all, nil
}

// Databag returns the databag of a unit or an application. Besides the
// [Relation.Entities] this may be a unit of the remote application that is gone
// (a deferred event may still be about it). Any other name is a [UsageError].
func (r *Relation) Databag(entity string) (*Databag, error) {
	if bag, ok := r.databags[entity]; ok {
		return bag, nil
	}
	if err := r.admit(entity); err != nil {
		return nil, err
	}
	bag := &Databag{Entity: entity, relation: r, app: !isUnitName(entity)}
	r.databags[entity] = bag
	return bag, nil
}

// admit is an error unless the entity may have a databag.
func (r *Relation) admit(entity string) error {
	c := r.model.cfg.Context
	if entity == c.UnitName || entity == c.AppName {
		return nil
	}
	app, err := r.App()
	if err != nil {
		return err
	}
	switch {
	case isAppName(entity) && (entity == app || app == ""):
		return nil
	case isUnitName(entity) && (appOf(entity) == app || app == ""):
		return nil
	}
	known, err := r.Entities()
	if err != nil {
		return err
	}
	if slices.Contains(known, entity) {
		return nil
	}
	return usage("%q is no party to the relation %s%s: these are %s", shorten(entity), r.Key(), didYouMean(entity, known), strings.Join(known, ", "))
}

// compareUnits orders units by application, then by number: web/2 comes before
// web/10.
func compareUnits(a, b string) int {
	// Numbers have no sign and no zeros in front: the longer one is larger.
	return cmp.Or(cmp.Compare(appOf(a), appOf(b)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
