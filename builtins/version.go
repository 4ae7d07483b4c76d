package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/model"
)

// A version is a version of Juju; versions are ordered.
type version struct{ model.Version }

var (
	_ starlark.HasAttrs   = (*version)(nil)
	_ starlark.Comparable = (*version)(nil)
)

var versionTable = table[*version]{
	typ: "juju_version",
	doc: "A version of Juju. Versions can be compared: model.juju_version >= model.JujuVersion(\"3.6\"), or model.juju_version.at_least(\"3.6\"). A tagged version, such as 4.0-beta1, is taken to have what 4.0.0 has.",
	members: []member[*version]{
		{name: "major", sig: "int", doc: "The first number.",
			get: func(v *version) (starlark.Value, error) { return starlark.MakeInt(v.Major), nil }},
		{name: "minor", sig: "int", doc: "The second number.",
			get: func(v *version) (starlark.Value, error) { return starlark.MakeInt(v.Minor), nil }},
		{name: "patch", sig: "int", doc: "The third number, or the one after the tag.",
			get: func(v *version) (starlark.Value, error) { return starlark.MakeInt(v.Patch), nil }},
		{name: "tag", sig: "str", doc: "\"beta\" of 3.6-beta2; \"\" for a release. A tagged version is older than the release.",
			get: func(v *version) (starlark.Value, error) { return starlark.String(v.Tag), nil }},
		{name: "build", sig: "int", doc: "The fourth number; 0 for a release.",
			get: func(v *version) (starlark.Value, error) { return starlark.MakeInt(v.Build), nil }},
		{name: "at_least", sig: "(version: str | juju_version) -> bool", doc: "Whether it is that version or a newer one. A tagged version is older than its release.",
			call: func(v *version, in invocation) (starlark.Value, error) {
				var other starlark.Value
				if err := in.unpack("version", &other); err != nil {
					return nil, err
				}
				switch other := other.(type) {
				case *version:
					return starlark.Bool(v.Compare(other.Version) >= 0), nil
				case starlark.String:
					parsed, err := model.ParseVersion(string(other))
					if err != nil {
						return nil, fmt.Errorf("%s: %w", in.name, err)
					}
					return starlark.Bool(v.Compare(parsed) >= 0), nil
				}
				return nil, fmt.Errorf("%s: got %s, want a version such as \"3.6\"", in.name, other.Type())
			}},
		versionCall("has_app_data", "Whether applications have databags: Juju 2.7.0.", model.Version.HasAppData),
		versionCall("is_dispatch_aware", "Whether Juju runs a charm's dispatch: Juju 2.8.0.", model.Version.IsDispatchAware),
		versionCall("has_controller_storage", "Whether a charm can keep state with Juju: Juju 2.8.0.", model.Version.HasControllerStorage),
		versionFlag("has_secrets", "Whether there are secrets: Juju 3.0.3.", model.Version.HasSecrets),
		versionFlag("supports_open_port_on_k8s", "Whether opening a port has an effect on Kubernetes: Juju 3.0.3.", model.Version.SupportsOpenPortOnK8s),
		versionFlag("supports_exec_service_context", "Whether Pebble can run a command in a service's context: Juju 3.1.6, but not 3.2.0.", model.Version.SupportsExecServiceContext),
		versionFlag("supports_pebble_log_forwarding", "Whether Pebble forwards logs: Juju 3.4.0.", model.Version.SupportsPebbleLogForwarding),
		versionFlag("supports_pebble_identities", "Whether Pebble has identities: Juju 3.6.4.", model.Version.SupportsPebbleIdentities),
		versionFlag("supports_pebble_metrics", "Whether Pebble has metrics: Juju 3.6.4.", model.Version.SupportsPebbleMetrics),
	},
}

// versionFlag is an attribute that tells whether a version has something.
func versionFlag(name, doc string, has func(model.Version) bool) member[*version] {
	return member[*version]{name: name, sig: "bool", doc: doc,
		get: func(v *version) (starlark.Value, error) { return starlark.Bool(has(v.Version)), nil }}
}

// versionCall is the same as a method, as ops has it.
func versionCall(name, doc string, has func(model.Version) bool) member[*version] {
	return member[*version]{name: name, sig: "() -> bool", doc: doc,
		call: func(v *version, in invocation) (starlark.Value, error) {
			return starlark.Bool(has(v.Version)), in.none()
		}}
}

func newVersion(v model.Version) *version { return &version{v} }

func (v *version) String() string                           { return v.Version.String() }
func (v *version) Type() string                             { return "juju_version" }
func (v *version) Freeze()                                  {}
func (v *version) Truth() starlark.Bool                     { return true }
func (v *version) Hash() (uint32, error)                    { return starlark.String(v.String()).Hash() }
func (v *version) Attr(name string) (starlark.Value, error) { return versionTable.attr(v, name) }
func (v *version) AttrNames() []string                      { return versionTable.attrNames(v) }

func (v *version) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	c := v.Version.Compare(other.(*version).Version)
	switch op {
	case syntax.EQL:
		return c == 0, nil
	case syntax.NEQ:
		return c != 0, nil
	case syntax.LT:
		return c < 0, nil
	case syntax.LE:
		return c <= 0, nil
	case syntax.GT:
		return c > 0, nil
	default:
		return c >= 0, nil
	}
}
