package pebble

import (
	"context"
	"net/http"
)

// IdentityAccess is what an identity may do.
type IdentityAccess string

// The values of [Identity.Access]. A newer daemon may have others.
const (
	AccessAdmin     IdentityAccess = "admin"
	AccessRead      IdentityAccess = "read"
	AccessMetrics   IdentityAccess = "metrics"
	AccessUntrusted IdentityAccess = "untrusted"
)

// Identity is who may use a daemon, how the daemon knows them, and what they
// may do. At least one of Local, Basic and Cert is set.
type Identity struct {
	Access IdentityAccess `json:"access" yaml:"access"`
	Local  *LocalIdentity `json:"local,omitempty" yaml:"local,omitempty"`
	Basic  *BasicIdentity `json:"basic,omitempty" yaml:"basic,omitempty"`
	Cert   *CertIdentity  `json:"cert,omitempty" yaml:"cert,omitempty"`
}

// LocalIdentity is a user of the machine, on the unix socket.
type LocalIdentity struct {
	UserID int `json:"user-id" yaml:"user-id"`
}

// BasicIdentity is who knows a password, over HTTP.
type BasicIdentity struct {
	// Password is a hash as of sha512-crypt; the daemon shows it as *****.
	Password string `json:"password" yaml:"password"`
}

// CertIdentity is who has the key of a certificate, over HTTPS.
type CertIdentity struct {
	// PEM is the certificate; the daemon shows it as *****.
	PEM string `json:"pem" yaml:"pem"`
}

// Identities returns the identities by name.
func (c *Client) Identities(ctx context.Context) (map[string]*Identity, error) {
	var identities map[string]*Identity
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/identities"}, &identities); err != nil {
		return nil, err
	}
	for name, identity := range identities {
		if identity == nil {
			return nil, protocolError("Pebble's answer to GET /v1/identities has nothing for %q", name)
		}
	}
	return identities, nil
}

// AddIdentities adds identities. A name that is taken is an [APIError], and
// nothing is added.
func (c *Client) AddIdentities(ctx context.Context, identities map[string]*Identity) error {
	return c.identityAction(ctx, "add", identities)
}

// UpdateIdentities changes identities. A name that is not there is an
// [APIError], and nothing is changed.
func (c *Client) UpdateIdentities(ctx context.Context, identities map[string]*Identity) error {
	return c.identityAction(ctx, "update", identities)
}

// ReplaceIdentities adds identities, changes those that are there, and removes
// those that are nil.
func (c *Client) ReplaceIdentities(ctx context.Context, identities map[string]*Identity) error {
	return c.identityAction(ctx, "replace", identities)
}

// RemoveIdentities removes identities. A name that is not there is an
// [APIError], and nothing is removed.
func (c *Client) RemoveIdentities(ctx context.Context, names []string) error {
	identities := map[string]*Identity{}
	for _, name := range names {
		identities[name] = nil
	}
	return c.identityAction(ctx, "remove", identities)
}

func (c *Client) identityAction(ctx context.Context, action string, identities map[string]*Identity) error {
	body := map[string]any{"action": action, "identities": identities}
	return c.sync(ctx, request{method: http.MethodPost, path: "/v1/identities", body: body}, nil)
}
