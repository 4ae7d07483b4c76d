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
		if value == "" {
			json = ""
		}
		return field{json, yaml, value}
	}
	flag := func(json, yaml string, value bool) field {
		if !value {
			json = ""
		}
		return field{json, yaml, value}
	}
	o := object{
		same("type", s.Type),
		same("name", s.Name),
		text("region", "region", s.Region),
		text("endpoint", "endpoint", s.Endpoint),
		text("identity-endpoint", "identityendpoint", s.IdentityEndpoint),
		text("storage-endpoint", "storageendpoint", s.StorageEndpoint),
	}
	if s.Credential != nil {
		credential := object{
			{"auth-type", "authtype", s.Credential.AuthType},
			{"attrs", "attributes", s.Credential.Attributes},
			{"redacted", "redacted", s.Credential.Redacted},
		}
		if len(s.Credential.Attributes) == 0 {
			credential[1].json = ""
		}
		if len(s.Credential.Redacted) == 0 {
			credential[2].json = ""
		}
		o = append(o, same("credential", credential))
	} else {
		o = append(o, field{yaml: "credential"})
	}
	certificates := same("cacertificates", s.CACertificates)
	if len(s.CACertificates) == 0 {
		certificates.json = ""
	}
	return append(o,
		certificates,
		flag("skip-tls-verify", "skiptlsverify", s.SkipTLSVerify),
		flag("is-controller-cloud", "iscontrollercloud", s.IsControllerCloud),
	)
}
