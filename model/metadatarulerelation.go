package model

import "fmt"

// endpointName is how `juju integrate` has the names of endpoints. Juju reads
// charms with others, which can then not be related.
const endpointName = `^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`

func (s section) ruleRelations() {
	subordinate := s.at("subordinate").isTrue()
	containerScoped := false
	for _, role := range []Role{Requires, Provides, Peer} {
		for name, endpoint := range s.at(role.key()).each {
			relation := endpoint
			if endpoint.node != nil && endpoint.node.kind == mappingKind {
				endpoint.fields("relation-shape", map[string]shape{
					"interface": aString, "limit": aLimit, "scope": oneOf("global", "container"), "optional": aBool,
				})
				relation = endpoint.at("interface")
			} else if want, cure := aString(endpoint); want != "" && !endpoint.node.null() {
				endpoint.wrong("relation-shape", want+" or a mapping", cure)
			}
			container := endpoint.at("scope").string() == "container"
			containerScoped = containerScoped || container && role == Requires
			if !matches(endpointName, name) {
				endpoint.refuse("endpoint-name", fmt.Sprintf("%q cannot be an endpoint: juju integrate does not take the name", shorten(name)),
					"a name has lower-case letters and digits, with single dashes between, and starts with a letter")
			}
			charm := s.at("name").string()
			// Subordinates are related to what Juju itself provides.
			if why := reserved(charm, name); why != "" && !(subordinate && role == Requires && container) {
				endpoint.refuse("reserved-name", why, "rename the endpoint")
			}
			if why := reserved(charm, relation.string()); why != "" && role != Requires {
				relation.refuse("reserved-name", "the interface: "+why, "only requires may use it")
			}
		}
	}
	if subordinate && !containerScoped {
		s.at("subordinate").refuse("subordinate", "a subordinate needs an endpoint under requires with scope: container",
			"add one, such as juju-info: {interface: juju-info, scope: container}")
	}
}

// isTrue tells whether a boolean, also one in quotes, is true.
func (s section) isTrue() bool {
	value, ok := s.truth()
	return value || !ok && s.string() == "true"
}

// aLimit may be there without a value.
func aLimit(s section) (string, string) {
	if s.node.null() {
		return "", ""
	}
	return aWhole(s)
}

func (s section) ruleExtraBindings() {
	bindings := s.at("extra-bindings")
	if bindings.node == nil {
		return
	}
	if want, cure := aMapping(bindings); want != "" {
		bindings.wrong("extra-binding", want, cure)
		return
	}
	if len(bindings.node.keys) == 0 {
		bindings.refuse("extra-binding", "there is none", "name a binding, or leave the key out")
	}
	for name, value := range bindings.each {
		if name == "" {
			value.refuse("extra-binding", "a binding needs a name", "")
		}
		if !value.node.null() {
			value.refuse("extra-binding", "an extra binding has no value", fmt.Sprintf("write %s: and nothing behind it", name))
		}
		for _, role := range []Role{Requires, Provides, Peer} {
			if endpoints := s.at(role.key()); endpoints.node != nil && endpoints.node.values[name] != nil {
				value.refuse("extra-binding", fmt.Sprintf("%q is an endpoint, which has a binding already", name), "remove it here")
			}
		}
	}
}
