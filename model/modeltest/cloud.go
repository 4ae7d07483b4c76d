package modeltest

import "fmt"

func cloudTools() []tool {
	return []tool{{name: "credential-get", prepare: func(h *Hook, c *invocation) (func([]string) error, func() error) {
		c.formatted()
		return noMore, func() error {
			m := h.state().Model
			if m.Kubernetes() && !h.juju.version.AtLeast(3, 6, 10) {
				return fmt.Errorf("cannot access cloud credentials: credential-get on a %q model not supported", "caas")
			}
			if m.CloudSpec == nil {
				return fmt.Errorf("cannot access cloud credentials: %w", errPermissionDenied)
			}
			return c.print(m.CloudSpec.object())
		}
	}}}
}

// object is the answer of credential-get: JSON leaves out what is empty.
func (s *CloudSpec) object() object {
	text := func(json, yaml, value string) field {
		return field{json: json, yaml: yaml, value: value, yamlOnly: value == ""}
	}
	flag := func(json, yaml string, value bool) field {
		return field{json: json, yaml: yaml, value: value, yamlOnly: !value}
	}
	o := object{
		same("type", s.Type),
		same("name", s.Name),
		text("region", "region", s.Region),
		text("endpoint", "endpoint", s.Endpoint),
		text("identity-endpoint", "identityendpoint", s.IdentityEndpoint),
		text("storage-endpoint", "storageendpoint", s.StorageEndpoint),
	}
	credential := field{json: "credential", yaml: "credential", yamlOnly: true}
	if c := s.Credential; c != nil {
		credential.yamlOnly = false
		credential.value = object{
			{json: "auth-type", yaml: "authtype", value: c.AuthType},
			{json: "attrs", yaml: "attributes", value: c.Attributes, yamlOnly: len(c.Attributes) == 0},
			{json: "redacted", yaml: "redacted", value: c.Redacted, yamlOnly: len(c.Redacted) == 0},
		}
	}
	certificates := field{json: "cacertificates", yaml: "cacertificates", value: s.CACertificates, yamlOnly: len(s.CACertificates) == 0}
	return append(o,
		credential,
		certificates,
		flag("skip-tls-verify", "skiptlsverify", s.SkipTLSVerify),
		flag("is-controller-cloud", "iscontrollercloud", s.IsControllerCloud),
	)
}
