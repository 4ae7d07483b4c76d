package model

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Context is the environment of a hook: the JUJU_* variables, parsed. A
// variable that is missing and one that is empty are the same. Which variables
// Juju sets, and when: internal/worker/uniter/runner/context in Juju.
type Context struct {
	DispatchPath string // JUJU_DISPATCH_PATH: "hooks/config-changed", "actions/backup"
	HookName     string // JUJU_HOOK_NAME: "config-changed"; empty for an action
	ModelName    string // JUJU_MODEL_NAME
	ModelUUID    string // JUJU_MODEL_UUID
	UnitName     string // JUJU_UNIT_NAME: "web/0"
	AppName      string // the part of UnitName before the slash
	Version      Version
	CharmDir     string   // JUJU_CHARM_DIR, or else CHARM_DIR
	Debug        bool     // JUJU_DEBUG is set, and neither "0" nor "false"
	DebugAt      []string // JUJU_DEBUG_AT, split at commas

	AvailabilityZone string // JUJU_AVAILABILITY_ZONE
	MachineID        string // JUJU_MACHINE_ID: "0", "0/lxd/1"; empty on Kubernetes
	PrincipalUnit    string // JUJU_PRINCIPAL_UNIT: of a subordinate

	ActionName string // JUJU_ACTION_NAME
	ActionUUID string // JUJU_ACTION_UUID: the task's id, such as "7"

	RelationName string // JUJU_RELATION: the endpoint
	RelationID   int    // JUJU_RELATION_ID: 3 for "db:3" and "3"; -1 for none
	// RemoteApp is JUJU_REMOTE_APP, or else the application of RemoteUnit.
	RemoteApp     string
	RemoteUnit    string // JUJU_REMOTE_UNIT
	DepartingUnit string // JUJU_DEPARTING_UNIT

	StorageName     string // JUJU_STORAGE_ID up to the slash
	StorageIndex    int    // JUJU_STORAGE_ID after the slash; -1 for none
	StorageLocation string // JUJU_STORAGE_LOCATION

	WorkloadName string // JUJU_WORKLOAD_NAME: the container
	NoticeID     string // JUJU_NOTICE_ID
	NoticeType   string // JUJU_NOTICE_TYPE
	NoticeKey    string // JUJU_NOTICE_KEY
	CheckName    string // JUJU_PEBBLE_CHECK_NAME

	SecretID       string // JUJU_SECRET_ID: "secret:9m4e2mr0ui3e8a215n4g"
	SecretLabel    string // JUJU_SECRET_LABEL
	SecretRevision int    // JUJU_SECRET_REVISION; 0 for none
}

// ParseContext reads the environment of a hook. What is missing is empty; what
// is malformed is an error that names the variable and its value.
func ParseContext(env map[string]string) (*Context, error) {
	p := contextParser{env: env}
	c := &Context{
		DispatchPath: env["JUJU_DISPATCH_PATH"],
		HookName:     env["JUJU_HOOK_NAME"],
		ModelName:    env["JUJU_MODEL_NAME"],
		ModelUUID:    env["JUJU_MODEL_UUID"],
		CharmDir:     env["JUJU_CHARM_DIR"],
		Debug:        env["JUJU_DEBUG"] != "" && env["JUJU_DEBUG"] != "0" && !strings.EqualFold(env["JUJU_DEBUG"], "false"),

		AvailabilityZone: env["JUJU_AVAILABILITY_ZONE"],
		MachineID:        env["JUJU_MACHINE_ID"],
		PrincipalUnit:    p.unit("JUJU_PRINCIPAL_UNIT"),

		ActionName: env["JUJU_ACTION_NAME"],
		ActionUUID: env["JUJU_ACTION_UUID"],

		UnitName: p.unit("JUJU_UNIT_NAME"),
		Version:  p.version("JUJU_VERSION"),

		RelationName:  env["JUJU_RELATION"],
		RelationID:    p.relationID("JUJU_RELATION_ID"),
		RemoteApp:     env["JUJU_REMOTE_APP"],
		RemoteUnit:    p.unit("JUJU_REMOTE_UNIT"),
		DepartingUnit: p.unit("JUJU_DEPARTING_UNIT"),

		StorageLocation: env["JUJU_STORAGE_LOCATION"],

		WorkloadName: env["JUJU_WORKLOAD_NAME"],
		NoticeID:     env["JUJU_NOTICE_ID"],
		NoticeType:   env["JUJU_NOTICE_TYPE"],
		NoticeKey:    env["JUJU_NOTICE_KEY"],
		CheckName:    env["JUJU_PEBBLE_CHECK_NAME"],

		SecretID:       env["JUJU_SECRET_ID"],
		SecretLabel:    env["JUJU_SECRET_LABEL"],
		SecretRevision: max(0, p.number("JUJU_SECRET_REVISION", env["JUJU_SECRET_REVISION"])),
	}
	c.AppName = appOf(c.UnitName)
	if c.CharmDir == "" {
		c.CharmDir = env["CHARM_DIR"]
	}
	if c.RemoteApp == "" {
		c.RemoteApp = appOf(c.RemoteUnit)
	}
	c.DebugAt = ParseDebugAt(env)
	c.StorageName, c.StorageIndex = p.storage("JUJU_STORAGE_ID")
	if p.err != nil {
		return nil, p.err
	}
	return c, nil
}

// IsAction tells whether an action is being run, and not a hook.
func (c *Context) IsAction() bool {
	return path.Base(path.Dir(c.DispatchPath)) == "actions"
}

// EventName returns the name of the event that the hook stands for:
// "config_changed" for hooks/config-changed, "backup_action" for
// actions/backup, and "" when JUJU_DISPATCH_PATH is not set. The charm need
// not know that event.
func (c *Context) EventName() string {
	if c.DispatchPath == "" {
		return ""
	}
	name := normal(path.Base(c.DispatchPath))
	if c.IsAction() {
		name += "_action"
	}
	return name
}

// normal turns a name of the metadata into the one that events have.
func normal(name string) string { return strings.ReplaceAll(name, "-", "_") }

// appOf returns the application of a unit.
func appOf(unit string) string {
	app, _, _ := strings.Cut(unit, "/")
	return app
}

// contextParser keeps the first error.
type contextParser struct {
	env map[string]string
	err error
}

func (p *contextParser) fail(name, want string) {
	if p.err == nil {
		p.err = fmt.Errorf("cannot understand the environment: %s is %q, but it must be %s", name, shorten(p.env[name]), want)
	}
}

// unit reads the name of a unit. In collect-metrics and meter-status-changed
// Juju gives the unit's tag instead: "unit-web-0".
func (p *contextParser) unit(name string) string {
	text := p.env[name]
	if tag, ok := strings.CutPrefix(text, "unit-"); ok && !strings.Contains(tag, "/") {
		if dash := strings.LastIndexByte(tag, '-'); dash > 0 {
			text = tag[:dash] + "/" + tag[dash+1:]
		}
	}
	if text != "" && !isUnitName(text) {
		p.fail(name, "the name of a unit, such as web/0")
	}
	return text
}

// maxName is how many bytes the name of an application, an endpoint or the
// like may have.
const maxName = 200

// only tells whether text has no bytes but ASCII letters, digits and those in
// others.
func only(text, others string) bool {
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return true
}

func isAppName(text string) bool {
	return text != "" && len(text) <= maxName && text[0] != '-' && only(text, "-")
}

// isUnitName tells whether text is an application's name, a slash and a number.
func isUnitName(text string) bool {
	app, number, ok := strings.Cut(text, "/")
	if !ok || !isAppName(app) || number == "" || len(number) > 18 || number[0] == '0' && number != "0" {
		return false
	}
	return strings.Trim(number, "0123456789") == ""
}

func (p *contextParser) version(name string) Version {
	if p.env[name] == "" {
		return Version{}
	}
	version, err := ParseVersion(p.env[name])
	if err != nil {
		p.fail(name, "a version of Juju, such as 3.6.11 or 4.1-beta2")
	}
	return version
}

// number returns -1 for an empty text.
func (p *contextParser) number(name, text string) int {
	if text == "" && p.env[name] == "" {
		return -1
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		p.fail(name, "a whole number that is not negative")
		return -1
	}
	return int(n)
}

func (p *contextParser) relationID(name string) int {
	text := p.env[name]
	n, ok := relationNumber(text)
	if text != "" && !ok {
		p.fail(name, "a relation's id, such as db:3 or 3")
	}
	return n
}

// relationNumber reads "db:3" and "3"; it returns -1 and false for others.
func relationNumber(text string) (int, bool) {
	n, err := strconv.ParseUint(text[strings.LastIndexByte(text, ':')+1:], 10, 31)
	if err != nil {
		return -1, false
	}
	return int(n), true
}

func (p *contextParser) storage(name string) (string, int) {
	text := p.env[name]
	if text == "" {
		return "", -1
	}
	storage, index, ok := splitStorageID(text)
	if !ok {
		p.fail(name, "a storage instance, such as data/0")
	}
	return storage, index
}

// splitStorageID reads "data/0".
func splitStorageID(text string) (name string, index int, ok bool) {
	name, number, ok := strings.Cut(text, "/")
	n, err := strconv.ParseUint(number, 10, 31)
	if !ok || name == "" || err != nil {
		return "", -1, false
	}
	return name, int(n), true
}

// ParseDebugAt are the names in JUJU_DEBUG_AT.
func ParseDebugAt(env map[string]string) []string {
	var names []string
	for name := range strings.SplitSeq(env["JUJU_DEBUG_AT"], ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
