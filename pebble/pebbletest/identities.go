package pebbletest

import (
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/pebble"
)

// listIdentities handles GET /v1/identities. It shows no secrets.
func (s *Server) listIdentities(c *call) response {
	c.summary = "identities"
	const masked = "*****"
	shown := map[string]*pebble.Identity{}
	for name, identity := range s.identities {
		i := copyIdentity(identity)
		if i.Basic != nil {
			i.Basic.Password = masked
		}
		if i.Cert != nil {
			i.Cert.PEM = masked
		}
		shown[name] = i
	}
	return result(shown)
}

func copyIdentity(identity *pebble.Identity) *pebble.Identity {
	i := *identity
	if i.Local != nil {
		local := *i.Local
		i.Local = &local
	}
	if i.Basic != nil {
		basic := *i.Basic
		i.Basic = &basic
	}
	if i.Cert != nil {
		cert := *i.Cert
		i.Cert = &cert
	}
	return &i
}

// givenIdentity is an identity of a request.
type givenIdentity struct {
	Access string `json:"access"`
	Local  *struct {
		UserID *uint32 `json:"user-id"`
	} `json:"local"`
	Basic *pebble.BasicIdentity `json:"basic"`
	Cert  *pebble.CertIdentity  `json:"cert"`
}

// parse checks what the daemon checks in an identity.
func (g *givenIdentity) parse() (*pebble.Identity, error) {
	i := &pebble.Identity{Access: pebble.IdentityAccess(g.Access), Basic: g.Basic, Cert: g.Cert}
	if g.Local != nil {
		if g.Local.UserID == nil {
			return nil, errors.New("local identity must specify user-id")
		}
		i.Local = &pebble.LocalIdentity{UserID: int(*g.Local.UserID)}
	}
	return i, validateIdentity(i)
}

func validateIdentity(i *pebble.Identity) error {
	const all = `"admin", "read", "metrics", or "untrusted"`
	switch i.Access {
	case pebble.AccessAdmin, pebble.AccessRead, pebble.AccessMetrics, pebble.AccessUntrusted:
	case "":
		return fmt.Errorf("access value must be specified (%s)", all)
	default:
		return fmt.Errorf("invalid access value %q, must be %s", i.Access, all)
	}
	switch {
	case i.Local == nil && i.Basic == nil && i.Cert == nil:
		return errors.New(`identity must have at least one type ("local", "basic", or "cert")`)
	case i.Basic != nil && i.Basic.Password == "":
		return errors.New("basic identity must specify password (hashed)")
	}
	if i.Cert != nil {
		if block, _ := pem.Decode([]byte(i.Cert.PEM)); block == nil {
			return errors.New("cert identity must include a PEM-encoded certificate")
		}
	}
	return nil
}

// validateIdentities checks identities with each other.
func validateIdentities(identities map[string]*pebble.Identity) error {
	users := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(identities)) {
		if !regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`).MatchString(name) {
			// The daemon forgets to say the name a second time.
			return fmt.Errorf(`invalid identity for %q: identity name "" invalid: must start with an alphabetic character and only contain alphanumeric characters, underscore, and hyphen`, name)
		}
		if local := identities[name].Local; local != nil {
			if other, taken := users[local.UserID]; taken {
				return fmt.Errorf("cannot have multiple identities with user ID %d (%s, %s)", local.UserID, other, name)
			}
			users[local.UserID] = name
		}
	}
	return nil
}

// identityAction handles POST /v1/identities.
func (s *Server) identityAction(c *call) response {
	var body struct {
		Action     string                    `json:"action"`
		Identities map[string]*givenIdentity `json:"identities"`
	}
	if err := c.decode("request body", &body); err != nil {
		return badRequest(err)
	}
	names := slices.Sorted(maps.Keys(body.Identities))
	c.summary = strings.Join(append([]string{body.Action + "-identities"}, names...), " ")
	if !slices.Contains([]string{"add", "update", "replace", "remove"}, body.Action) {
		return badRequest(fmt.Errorf(`invalid action %q, must be "add", "update", "replace", or "remove"`, body.Action))
	}
	after := maps.Clone(s.identities)
	if after == nil {
		after = map[string]*pebble.Identity{}
	}
	var taken, missing []string
	for _, name := range names {
		given := body.Identities[name]
		switch {
		case body.Action == "remove" && given != nil:
			return badRequest(fmt.Errorf("identity value for %q must be null for remove operation", name))
		case (body.Action == "add" || body.Action == "update") && given == nil:
			return badRequest(fmt.Errorf("identity value for %q must not be null for %s operation", name, body.Action))
		case s.identities[name] != nil && body.Action == "add":
			taken = append(taken, name)
		case s.identities[name] == nil && (body.Action == "update" || body.Action == "remove"):
			missing = append(missing, name)
		}
		delete(after, name)
		if given == nil {
			continue
		}
		identity, err := given.parse()
		if err != nil {
			return badRequest(fmt.Errorf("invalid identity for %q: %w", name, err))
		}
		after[name] = identity
	}
	switch {
	case len(taken) > 0:
		return badRequest(fmt.Errorf("identities already exist: %s", strings.Join(taken, ", ")))
	case len(missing) > 0:
		return badRequest(fmt.Errorf("identities do not exist: %s", strings.Join(missing, ", ")))
	}
	if err := validateIdentities(after); err != nil {
		return badRequest(err)
	}
	s.identities = after
	return envelope{Type: "sync", StatusCode: 200, Result: nil}.withoutResult()
}

// copyIdentities copies identities, nil for none.
func copyIdentities(identities map[string]*pebble.Identity) map[string]*pebble.Identity {
	if len(identities) == 0 {
		return nil
	}
	copies := map[string]*pebble.Identity{}
	for name, identity := range identities {
		copies[name] = copyIdentity(identity)
	}
	return copies
}
