package builtins

import (
	"fmt"

	"go.starlark.net/starlark"
)

// pod is the value of model.pod.
type pod struct {
	handle
	h *Hook
	// warned is set once the log says that this is the old way.
	warned bool
}

var podTable = table[*pod]{
	typ: "pod",
	doc: "The pods of a charm without containers of its own. Charms now have containers and Pebble; Juju 4 has no pod specs any more.",
	members: []member[*pod]{
		{name: "set_spec", sig: "(spec: dict, k8s_resources: dict = None)", doc: "Tells Juju which pods to run, when the hook succeeds, and, in k8s_resources, what Kubernetes is to have besides. It is for the leader only, else NotLeaderError; VersionError from Juju 4 on. The log says once in a hook that it is deprecated.",
			call: func(p *pod, in invocation) (starlark.Value, error) {
				var spec *starlark.Dict
				var resources starlark.Value = starlark.None
				if err := in.unpack("spec", &spec, "k8s_resources?", &resources); err != nil {
					return nil, err
				}
				specs, err := fromStarlark("spec", spec)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				var more map[string]any
				if dict, ok := resources.(*starlark.Dict); ok {
					plain, err := fromStarlark("k8s_resources", dict)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", in.name, err)
					}
					more = plain.(map[string]any)
				} else if resources != starlark.None {
					return nil, fmt.Errorf("%s: k8s_resources is a %s, want a dict", in.name, resources.Type())
				}
				if !p.warned {
					p.warned = true
					p.h.Log("WARNING", "model.pod.set_spec is deprecated: Juju 4 has no pod specs; use containers with Pebble instead.")
				}
				return starlark.None, failure(p.h.Model.SetPodSpec(specs.(map[string]any), more))
			}},
	},
}

func (p *pod) String() string                           { return "<pod>" }
func (p *pod) Type() string                             { return "pod" }
func (p *pod) Attr(name string) (starlark.Value, error) { return podTable.attr(p, name) }
func (p *pod) AttrNames() []string                      { return podTable.attrNames(p) }
