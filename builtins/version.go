package builtins

import (
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
	doc: "A version of Juju. Versions can be compared: model.juju_version >= model.JujuVersion(\"3.6\").",
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
	},
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
