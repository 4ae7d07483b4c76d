package modeltest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
)

// Event says which hook or action Juju is to run.
type Event struct {
	// Name is the hook's, "db-relation-changed", or the action's; "_" may
	// stand for "-".
	Name string
	// Action is set for actions. Params are what the user gave; the schema's
	// defaults are added.
	Action   bool
	Params   map[string]any
	ActionID string // default: counted from "1"

	// RelationID may be nil when the endpoint has one relation.
	RelationID *int
	// RemoteUnit is the number of the other unit. For joined and departed it
	// may be nil when there is one; for changed nil is a change by the
	// application.
	RemoteUnit *int
	// DepartingUnit is the number of the unit that leaves: nil is RemoteUnit.
	// Only Juju's removal of this very unit has another one, see Departing.
	DepartingUnit *int
	// Departing is set when it is this unit that leaves.
	Departing bool

	StorageIndex *int // nil: the only instance

	SecretID       string // secret events
	SecretRevision int    // secret-remove, secret-expired; 0: the tracked one

	NoticeID, NoticeType, NoticeKey string // pebble-custom-notice; type: "custom" by default
	CheckName                       string // pebble-check-*
}

// plan is an event that fits the state.
type plan struct {
	def       model.EventDef
	hook      string // "db-relation-changed"; for actions, the action's name
	relation  *Relation
	unit, app string // remote
	departing string
	storage   *Storage
	secret    *Secret
	params    map[string]any
	actionID  string
	event     Event
}

func (p *plan) action() bool { return p.def.Kind == model.Action }

// plan finds what the event is about. The caller holds j.mu.
func (j *Juju) plan(e Event) (*plan, error) {
	name := strings.ReplaceAll(e.Name, "-", "_")
	if e.Action {
		name += "_action"
	}
	def, ok := j.meta.Event(name)
	if !ok || def.Kind.Lifecycle() || (def.Kind == model.Action) != e.Action {
		return nil, j.unknownEvent(e)
	}
	if gone := j.lacksEvent(def.Kind); gone != "" {
		if err := j.found.Violation("SC072", "cannot run %s: %s", e.Name, gone); err != nil {
			return nil, err
		}
	}
	p := &plan{def: def, event: e, hook: strings.ReplaceAll(string(def.Kind), "_", "-")}
	if def.Subject != "" {
		p.hook = def.Subject + "-" + p.hook
	}
	var err error
	switch {
	case e.Action:
		p.hook = def.Subject
		if p.params, err = j.meta.Actions[def.Subject].QueuedParams(e.Params, j.version); err != nil {
			err = j.found.Violation("SC074", "cannot run %s: %v", e.Name, err)
		}
		p.actionID = e.ActionID
		if p.actionID == "" {
			p.actionID = strconv.Itoa(j.actions + 1)
		}
	case def.Kind.Relation():
		err = j.planRelation(p)
	case j.meta.Storages[def.Subject] != nil && (def.Kind == model.StorageAttached || def.Kind == model.StorageDetaching):
		err = j.planStorage(p)
	case strings.HasPrefix(string(def.Kind), "secret_"):
		err = j.planSecret(p)
	case (def.Kind == model.PebbleCheckFailed || def.Kind == model.PebbleCheckRecovered) && e.CheckName == "":
		err = errors.New("it is about a check: say which one")
	case def.Kind == model.PebbleCustomNotice && (e.NoticeID == "" || e.NoticeKey == ""):
		err = errors.New("it is about a notice: say its id and its key")
	}
	var violation *consistency.Violation
	if err != nil && !errors.As(err, &violation) {
		err = fmt.Errorf("cannot run %s: %w", e.Name, err)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// unknownEvent says what there is instead, in this version of Juju.
func (j *Juju) unknownEvent(e Event) error {
	if def, ok := j.meta.Event(strings.ReplaceAll(e.Name, "-", "_") + "_action"); ok && !e.Action {
		return fmt.Errorf("%s is an action: run %s-action", def.Subject, def.Subject)
	}
	var known []string
	for _, def := range j.meta.Events() {
		if def.Kind.Lifecycle() || (def.Kind == model.Action) != e.Action || j.lacksEvent(def.Kind) != "" {
			continue
		}
		if e.Action {
			known = append(known, def.Subject)
		} else {
			known = append(known, strings.ReplaceAll(def.Name, "_", "-"))
		}
	}
	if e.Action {
		return unknownError("action", e.Name, known)
	}
	return unknownError("hook", e.Name, known)
}

// lacksEvent says why this version of Juju does not know such a hook.
func (j *Juju) lacksEvent(kind model.EventKind) string {
	var since, until model.Version
	switch kind {
	case model.SecretChanged, model.SecretRotate, model.SecretRemove, model.SecretExpired:
		since = model.GateOfTool("secret-get").Since
	case model.PebbleCustomNotice:
		since = model.Version{Major: 3, Minor: 4}
	case model.PebbleCheckFailed, model.PebbleCheckRecovered:
		since = model.Version{Major: 3, Minor: 6}
	case model.CollectMetrics, model.MeterStatusChanged:
		until = model.Version{Major: 3, Minor: 6, Patch: 11}
	case model.LeaderSettingsChanged, model.PreSeriesUpgrade, model.PostSeriesUpgrade:
		until = model.Version{Major: 4}
	}
	if gate := (model.ToolGate{Since: since, Until: until}); !gate.Open(j.version) {
		return fmt.Sprintf("%s, this is %s", gate, j.version)
	}
	return ""
}

func (j *Juju) planRelation(p *plan) error {
	e := p.event
	var candidates []*Relation
	for _, r := range j.state.Relations {
		if r.Endpoint == p.def.Subject && (e.RelationID == nil || r.ID == *e.RelationID) {
			candidates = append(candidates, r)
		}
	}
	switch {
	case len(candidates) == 0 && e.RelationID != nil:
		return fmt.Errorf("there is no relation %s:%d in the state", p.def.Subject, *e.RelationID)
	case len(candidates) == 0:
		return fmt.Errorf("there is no relation of the endpoint %q in the state", p.def.Subject)
	case len(candidates) > 1:
		return fmt.Errorf("the endpoint %q has %d relations: say which one by its id", p.def.Subject, len(candidates))
	}
	p.relation = candidates[0]
	p.app = p.relation.RemoteApp
	name := func(number int) string { return p.app + "/" + strconv.Itoa(number) }
	units := slices.Sorted(maps.Keys(j.others(p.relation)))
	switch p.def.Kind {
	case model.RelationCreated, model.RelationBroken:
		if e.RemoteUnit != nil {
			return fmt.Errorf("it is about the relation as a whole: there is no remote unit")
		}
		return nil
	case model.RelationChanged:
		if e.RemoteUnit == nil {
			return nil
		}
	default:
		if e.RemoteUnit == nil {
			if len(units) != 1 {
				return fmt.Errorf("relation %d has %d units at the other end: say which one", p.relation.ID, len(units))
			}
			e.RemoteUnit = &units[0]
		}
	}
	if !slices.Contains(units, *e.RemoteUnit) {
		return fmt.Errorf("relation %d has no unit %s at the other end", p.relation.ID, name(*e.RemoteUnit))
	}
	p.unit = name(*e.RemoteUnit)
	if p.def.Kind == model.RelationDeparted {
		p.departing = p.unit
		if e.DepartingUnit != nil {
			p.departing = name(*e.DepartingUnit)
		}
		if e.Departing {
			p.departing = j.state.unit()
		}
	}
	return nil
}

func (j *Juju) planStorage(p *plan) error {
	var candidates []*Storage
	for _, s := range j.state.Storages {
		if s.Name == p.def.Subject && (p.event.StorageIndex == nil || s.Index == *p.event.StorageIndex) {
			candidates = append(candidates, s)
		}
	}
	if len(candidates) != 1 {
		return fmt.Errorf("the state has %d such instances of the storage %q, and the event is about one: %s", len(candidates), p.def.Subject, cure(len(candidates), "storages"))
	}
	p.storage = candidates[0]
	return nil
}

// cure says what to do when found candidates in a list of the state are not
// the one that the event is about.
func cure(found int, list string) string {
	if found == 0 {
		return "add it to " + list
	}
	return "say which"
}

func (j *Juju) planSecret(p *plan) error {
	owned := p.def.Kind != model.SecretChanged
	var candidates []*Secret
	for _, s := range j.state.Secrets {
		if (s.Owner != "") == owned && (p.event.SecretID == "" || bareSecret(s.ID) == bareSecret(p.event.SecretID)) {
			candidates = append(candidates, s)
		}
	}
	if len(candidates) != 1 {
		whose := "of another owner"
		if owned {
			whose = "that this unit or its application owns"
		}
		return fmt.Errorf("the state has %d such secrets %s, and the event is about one: %s", len(candidates), whose, cure(len(candidates), "secrets"))
	}
	p.secret = candidates[0]
	if p.secret.Owner == "app" && !j.state.Leader {
		return j.found.Violation("SC069", "cannot run %s: the application owns the secret, and this unit is not the leader", p.event.Name)
	}
	return nil
}

// Env returns the environment in which Juju runs that hook or action. PATH is
// the plain one of a machine, without hook tools.
func (j *Juju) Env(e Event) (map[string]string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p, err := j.plan(e)
	if err != nil {
		return nil, err
	}
	s := j.state
	if p.def.Kind.Restricted() {
		return j.restrictedEnv(p), nil
	}
	env := map[string]string{
		"CHARM_DIR":                j.CharmDir,
		"JUJU_CHARM_DIR":           j.CharmDir,
		"JUJU_CONTEXT_ID":          fmt.Sprintf("%s-%s-%d", s.unit(), p.hook, j.contexts+1),
		"JUJU_DISPATCH_PATH":       "hooks/" + p.hook,
		"JUJU_HOOK_NAME":           p.hook,
		"JUJU_UNIT_NAME":           s.unit(),
		"JUJU_MODEL_NAME":          s.Model.Name,
		"JUJU_MODEL_UUID":          s.Model.UUID,
		"JUJU_VERSION":             s.JujuVersion,
		"JUJU_API_ADDRESSES":       "192.0.2.1:17070",
		"JUJU_MACHINE_ID":          s.MachineID,
		"JUJU_PRINCIPAL_UNIT":      s.PrincipalUnit,
		"JUJU_AVAILABILITY_ZONE":   s.AvailabilityZone,
		"JUJU_CHARM_HTTP_PROXY":    "",
		"JUJU_CHARM_HTTPS_PROXY":   "",
		"JUJU_CHARM_FTP_PROXY":     "",
		"JUJU_CHARM_NO_PROXY":      "",
		"CLOUD_API_VERSION":        "",
		"PATH":                     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG":                     "C.UTF-8",
		"TERM":                     "screen",
		"APT_LISTCHANGES_FRONTEND": "none",
		"DEBIAN_FRONTEND":          "noninteractive",
	}
	if !j.version.AtLeast(3, 6, 0) {
		env["JUJU_METER_STATUS"], env["JUJU_METER_INFO"] = "AMBER", "not set"
	}
	if !j.version.AtLeast(4, 0, 0) {
		env["JUJU_SLA"] = ""
	}
	if j.version.AtLeast(4, 1, 0) {
		for _, name := range []string{"HTTP", "GRPC", "CA_CERT"} {
			env["JUJU_CHARM_TRACE_CONFIG_"+name] = ""
		}
	}
	switch {
	case p.action():
		env["JUJU_DISPATCH_PATH"] = "actions/" + p.hook
		env["JUJU_HOOK_NAME"] = ""
		env["JUJU_ACTION_NAME"] = p.hook
		env["JUJU_ACTION_UUID"] = p.actionID
		env["JUJU_ACTION_TAG"] = "action-" + p.actionID
	case p.relation != nil:
		env["JUJU_RELATION"] = p.relation.Endpoint
		env["JUJU_RELATION_ID"] = relationKey(p.relation)
		env["JUJU_REMOTE_APP"] = p.app
		env["JUJU_REMOTE_UNIT"] = p.unit
		if p.departing != "" {
			env["JUJU_DEPARTING_UNIT"] = p.departing
		}
	case p.storage != nil:
		env["JUJU_STORAGE_ID"] = storageID(p.storage)
		env["JUJU_STORAGE_LOCATION"] = p.storage.Location
		env["JUJU_STORAGE_KIND"] = j.meta.Storages[p.storage.Name].Type
	case p.secret != nil:
		env["JUJU_SECRET_ID"] = p.secret.ID
		env["JUJU_SECRET_LABEL"] = p.secret.Label
		if p.def.Kind == model.SecretRemove || p.def.Kind == model.SecretExpired {
			revision := e.SecretRevision
			if revision == 0 {
				revision = max(p.secret.TrackedRevision, 1)
			}
			env["JUJU_SECRET_REVISION"] = strconv.Itoa(revision)
		}
	}
	switch p.def.Kind {
	case model.PebbleCustomNotice:
		env["JUJU_NOTICE_ID"] = e.NoticeID
		env["JUJU_NOTICE_KEY"] = e.NoticeKey
		env["JUJU_NOTICE_TYPE"] = e.NoticeType
		if e.NoticeType == "" {
			env["JUJU_NOTICE_TYPE"] = "custom"
		}
	case model.PebbleCheckFailed, model.PebbleCheckRecovered:
		env["JUJU_PEBBLE_CHECK_NAME"] = e.CheckName
	}
	if j.meta.Containers[p.def.Subject] != nil && strings.HasPrefix(string(p.def.Kind), "pebble_") {
		env["JUJU_WORKLOAD_NAME"] = p.def.Subject
	}
	return env, nil
}

func relationKey(r *Relation) string { return r.Endpoint + ":" + strconv.Itoa(r.ID) }
