package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/juju/charm/v12"
	"github.com/juju/errors"
	"github.com/juju/names/v5"
	"gopkg.in/httprequest.v1"

	"github.com/juju/juju/api/base"
	apiservererrors "github.com/juju/juju/apiserver/errors"
	"github.com/juju/juju/rpc"
	"github.com/juju/juju/rpc/params"
)

// Controller answers Juju's API client from a World. Requests and replies pass through JSON, as they do on the wire, so numbers,
// missing fields and errors reach the client in the shape that a real controller gives them.
type Controller struct {
	mu    sync.Mutex
	world *World
	charm charm.Charm
	tag   names.UnitTag
	app   string

	commits int // accepted CommitHookChanges calls

	facades map[string]facadeCall
}

type facadeCall func(args json.RawMessage) (any, error)

var _ base.APICaller = (*Controller)(nil)

// handle makes a facadeCall of a function with typed arguments and results.
func handle[A, R any](f func(A) (R, error)) facadeCall {
	return func(raw json.RawMessage) (any, error) {
		var args A
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &args); err != nil {
				return nil, err
			}
		}
		return f(args)
	}
}

// newController reads the charm that the world names.
func newController(world *World, charmDir string) (*Controller, error) {
	if !names.IsValidUnit(world.Unit) {
		return nil, fmt.Errorf("cannot set up the world: %q is not a unit name", world.Unit)
	}
	c := &Controller{world: world, tag: names.NewUnitTag(world.Unit)}
	c.app, _ = names.UnitApplication(world.Unit)
	if err := c.readCharm(charmDir); err != nil {
		return nil, err
	}
	c.facades = map[string]facadeCall{}
	for _, add := range []func(map[string]facadeCall){
		c.unitCalls, c.relationCalls, c.secretCalls, c.storageCalls, c.actionCalls, c.networkCalls,
		c.resourceCalls, c.payloadCalls, c.commitCalls,
	} {
		add(c.facades)
	}
	return c, nil
}

// readCharm reads the metadata, the options and the actions that the controller knows of the charm.
func (c *Controller) readCharm(dir string) error {
	ch, err := charm.ReadCharmDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read the charm in %s: %w", dir, err)
	}
	c.charm = ch
	return nil
}

// writeCharm writes the world's inline charm files below dir.
func writeCharm(dir string, files map[string]string) error {
	for name, content := range files {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("cannot write charm file %q: not a path inside the charm", name)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if name == "dispatch" || strings.HasPrefix(name, "hooks/") || strings.HasPrefix(name, "actions/") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			return err
		}
	}
	return nil
}

// APICall implements base.APICaller.
func (c *Controller) APICall(facade string, _ int, _, request string, args, response any) error {
	call, ok := c.facades[facade+"."+request]
	if !ok {
		return wireError(errors.NotImplementedf("%s.%s in the test controller", facade, request))
	}
	var raw json.RawMessage
	if args != nil {
		var err error
		if raw, err = json.Marshal(args); err != nil {
			return err
		}
	}
	reply, err := c.locked(call, raw)
	if err != nil {
		return wireError(err)
	}
	if response == nil {
		return nil
	}
	body, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, response)
}

func (c *Controller) locked(call facadeCall, args json.RawMessage) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return call(args)
}

// wireError is the error that Juju's RPC client makes of an error of the server.
func wireError(err error) error {
	e := apiservererrors.ServerError(err)
	return &rpc.RequestError{Message: e.Message, Code: e.Code, Info: e.Info}
}

// errPerm is what the controller says when a unit asks for what it may not have.
const errPerm = apiservererrors.ErrPerm

// failed is the error of one result among several, nil for nil.
func failed(err error) *params.Error { return apiservererrors.ServerError(err) }

// BestFacadeVersion implements base.APICaller, with what a 3.5.1 controller offers.
func (c *Controller) BestFacadeVersion(facade string) int {
	switch facade {
	case "Uniter":
		return 19
	case "SecretsManager":
		return 2
	}
	return 1
}

// ModelTag implements base.APICaller.
func (c *Controller) ModelTag() (names.ModelTag, bool) {
	return names.NewModelTag(c.world.Model.UUID), true
}

// HTTPClient implements base.APICaller; resource-get downloads through it.
func (c *Controller) HTTPClient() (*httprequest.Client, error) {
	return &httprequest.Client{BaseURL: "https://controller", Doer: resourceServer{c}, UnmarshalError: resourceError}, nil
}

// RootHTTPClient implements base.APICaller.
func (c *Controller) RootHTTPClient() (*httprequest.Client, error) { return c.HTTPClient() }

// BakeryClient implements base.APICaller: nothing here asks for macaroons.
func (c *Controller) BakeryClient() base.MacaroonDischarger { return nil }

// Context implements base.APICaller.
func (c *Controller) Context() context.Context { return context.Background() }

// ConnectStream implements base.APICaller.
func (c *Controller) ConnectStream(path string, _ url.Values) (base.Stream, error) {
	return nil, errors.NotSupportedf("stream %q in the test controller", path)
}

// ConnectControllerStream implements base.APICaller.
func (c *Controller) ConnectControllerStream(path string, _ url.Values, _ http.Header) (base.Stream, error) {
	return nil, errors.NotSupportedf("stream %q in the test controller", path)
}

// checkUnit refuses every unit but the agent's own.
func (c *Controller) checkUnit(tag string) error {
	if tag != c.tag.String() {
		return apiservererrors.ErrPerm
	}
	return nil
}

// checkLeader is what a write that only leaders may do is checked with.
func (c *Controller) checkLeader() error {
	if !c.world.Leader {
		return fmt.Errorf("%q is not leader of %q", c.world.Unit, c.app)
	}
	return nil
}
