package builtins

import (
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/model"
)

// cloudSpec is how to talk to the model's cloud.
type cloudSpec struct {
	handle
	s *model.CloudSpec
}

var cloudSpecTable = table[*cloudSpec]{
	typ: "cloud_spec",
	doc: "What it takes to talk to the cloud that the model is on.",
	members: []member[*cloudSpec]{
		{name: "type", sig: "str", doc: "The sort of cloud, such as \"lxd\", \"openstack\" or \"kubernetes\".",
			get: func(s *cloudSpec) (starlark.Value, error) { return starlark.String(s.s.Type), nil }},
		{name: "name", sig: "str", doc: "The cloud's name in Juju.",
			get: func(s *cloudSpec) (starlark.Value, error) { return starlark.String(s.s.Name), nil }},
		{name: "region", sig: "str", doc: "The region; None if there is none.",
			get: func(s *cloudSpec) (starlark.Value, error) { return textOrNone(s.s.Region), nil }},
		{name: "endpoint", sig: "str", doc: "The URL of the cloud's API; None if there is none.",
			get: func(s *cloudSpec) (starlark.Value, error) { return textOrNone(s.s.Endpoint), nil }},
		{name: "identity_endpoint", sig: "str", doc: "The URL of the cloud's identity service; None if it has none of its own.",
			get: func(s *cloudSpec) (starlark.Value, error) { return textOrNone(s.s.IdentityEndpoint), nil }},
		{name: "storage_endpoint", sig: "str", doc: "The URL of the cloud's storage service; None if it has none of its own.",
			get: func(s *cloudSpec) (starlark.Value, error) { return textOrNone(s.s.StorageEndpoint), nil }},
		{name: "credential", sig: "cloud_credential", doc: "The credential; None if there is none.",
			get: func(s *cloudSpec) (starlark.Value, error) {
				if s.s.Credential == nil {
					return starlark.None, nil
				}
				return &cloudCredential{c: s.s.Credential}, nil
			}},
		{name: "ca_certificates", sig: "list[str]", doc: "The certificates, as PEM, of the authorities to trust when talking to the cloud.",
			get: func(s *cloudSpec) (starlark.Value, error) { return stringList(s.s.CACertificates), nil }},
		{name: "skip_tls_verify", sig: "bool", doc: "Whether the cloud's certificate is not to be verified.",
			get: func(s *cloudSpec) (starlark.Value, error) { return starlark.Bool(s.s.SkipTLSVerify), nil }},
		{name: "is_controller_cloud", sig: "bool", doc: "Whether the controller is on this cloud as well.",
			get: func(s *cloudSpec) (starlark.Value, error) { return starlark.Bool(s.s.IsControllerCloud), nil }},
	},
}

func (s *cloudSpec) String() string                           { return "<cloud_spec " + s.s.Name + ">" }
func (s *cloudSpec) Type() string                             { return "cloud_spec" }
func (s *cloudSpec) Attr(name string) (starlark.Value, error) { return cloudSpecTable.attr(s, name) }
func (s *cloudSpec) AttrNames() []string                      { return cloudSpecTable.attrNames(s) }

// cloudCredential is how to authenticate with a cloud.
type cloudCredential struct {
	handle
	c *model.CloudCredential
}

var cloudCredentialTable = table[*cloudCredential]{
	typ: "cloud_credential",
	doc: "How to authenticate with a cloud. The attributes' values show as <secret> in logs, tracebacks and statuses.",
	members: []member[*cloudCredential]{
		{name: "auth_type", sig: "str", doc: "The way to authenticate, such as \"certificate\", \"userpass\" or \"oauth2\".",
			get: func(c *cloudCredential) (starlark.Value, error) { return starlark.String(c.c.AuthType), nil }},
		{name: "attributes", sig: "dict[str, str]", doc: "What that way needs, by name, such as \"username\" and \"password\"; read-only.",
			get: func(c *cloudCredential) (starlark.Value, error) { return frozenStrings(c.c.Attributes) }},
		{name: "redacted", sig: "list[str]", doc: "The names of attributes that Juju does not give.",
			get: func(c *cloudCredential) (starlark.Value, error) { return stringList(c.c.Redacted), nil }},
	},
}

func (c *cloudCredential) String() string { return "<cloud_credential " + c.c.AuthType + ">" }
func (c *cloudCredential) Type() string   { return "cloud_credential" }
func (c *cloudCredential) Attr(name string) (starlark.Value, error) {
	return cloudCredentialTable.attr(c, name)
}
func (c *cloudCredential) AttrNames() []string { return cloudCredentialTable.attrNames(c) }

// frozenStrings is a dict of strings, sorted by key, that cannot be changed.
func frozenStrings(m map[string]string) (starlark.Value, error) {
	dict := starlark.NewDict(len(m))
	for _, key := range sortedNames(m) {
		if err := dict.SetKey(starlark.String(key), starlark.String(m[key])); err != nil {
			return nil, err
		}
	}
	dict.Freeze()
	return dict, nil
}
