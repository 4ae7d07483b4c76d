package charmtest

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model/modeltest"
)

// This file defines module testing, and t, which tests get.

var testingTable = builtins.NewTable("testing", "What tests of a charm are made of. The State and its parts have the fields of a state file of starcharm run, with the names of ops.testing.", testingMembers()...)

func testingMembers() []builtins.Member[*session] {
	members := []builtins.Member[*session]{
		{Name: "Context", Sig: "(*, charm: str = None, meta: dict = None, config: dict = None, actions: dict = None, juju_version: str = \"3.6.11\", app_name: str = None, unit_id: int = 0, app_trusted: bool = False, machine_id: int | str = None, availability_zone: str = None, principal_unit: str = None) -> Context",
			Doc:  "A charm, and the unit of it whose hooks are run. charm is the directory of another charm than this one, relative to this one's; meta, config and actions are top-level keys of its metadata instead of its own, as metadata.yaml, config.yaml and actions.yaml have them. Juju tells app_name (default: the charm's name), unit_id, machine_id, availability_zone and principal_unit to the unit; app_trusted lets it ask for the cloud's credential.",
			Call: newContext},
		{Name: "charm", Sig: "(dir: str) -> Context", Doc: "The Context of the charm in another directory, relative to this one's.",
			Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
				var dir string
				if err := in.Unpack("dir", &dir); err != nil {
					return nil, err
				}
				charm, err := s.suite.charmOf(dir, nil)
				if err != nil {
					return nil, err
				}
				return &testContext{session: s, charm: charm, jujuVersion: defaultJuju, appName: charm.Metadata.Name}, nil
			}},
		{Name: "simulate", Sig: "(*, seed: int = None, order: list[str] = [], strict: bool = False, retry: bool = False, limit: int = 1000) -> simulation",
			Doc:  "A simulated Juju model, without applications. seed chooses what happens next among all that may, by default always the first; order are labels of sim.events that come first, each as soon as it can. strict fails the test when a follower tries what only a leader may, when a secret's value is in a databag, the log or a status, and when a model that has settled changes by update-status or config-changed. retry runs hooks that fail again, as Juju does, instead of failing the test. limit is how many events settle runs.",
			Call: newSimulation},
		{Name: "cases", Sig: "(fn: function, /, **cases: dict) -> cases", Doc: "A test with several cases: fn(t, **case) is run for each, as a test of its own.",
			Call: newCases},
		{Name: "layer_from_rockcraft", Sig: "(path: str) -> layer", Doc: "The layer that a rock brings with it: summary, description, services and checks of its rockcraft.yaml. path leads there from the charm's directory, for instance ../rockcraft.yaml.",
			Call: layerFromRockcraft},
		{Name: "load_state", Sig: "(path: str) -> State", Doc: "The State that a state file describes, such as starcharm snapshot writes: its path from the charm's directory, for instance tests/state.yaml. Which unit it is, and which Juju, is the Context's to say.",
			Call: loadState},
		{Name: "TCPPort", Sig: "(port: int) -> Port", Doc: "A tcp port.", Call: portOf("tcp")},
		{Name: "UDPPort", Sig: "(port: int) -> Port", Doc: "A udp port.", Call: portOf("udp")},
		{Name: "ICMPPort", Sig: "() -> Port", Doc: "ICMP.", Call: portOf("icmp")},
		{Name: "SubordinateRelation", Sig: "(endpoint: str, interface: str = None, *, remote_unit_id: int = 0, remote_unit_data: dict = None, **fields) -> Relation",
			Doc: "A Relation with one remote unit, as those between a principal unit and its subordinate.",
			Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
				return newSubordinate(s, in)
			}},
	}
	for _, k := range []*kind{
		stateKind, relationKind, peerKind, containerKind, fileKind, execKind, checkInfoKind, noticeKind, logKind,
		secretKind, storageKind, resourceKind, portKind, networkKind, bindAddressKind, addressKind,
		modelKind, cloudSpecKind, cloudCredentialKind, routeKind, processKind, runningKind, hostFileKind, deferredKind, logLineKind,
	} {
		members = append(members, builtins.Member[*session]{Name: k.name, Sig: k.signature(), Doc: k.doc,
			Call: func(s *session, in builtins.Invocation) (starlark.Value, error) {
				return k.construct(s, in.Name(), in.Args(), in.Kwargs())
			}})
	}
	return members
}

// signature is that of a kind's constructor.
func (k *kind) signature() string {
	var params []string
	for i, f := range k.fields {
		if i == k.positional {
			params = append(params, "*")
		}
		params = append(params, f.name+": "+f.sig)
	}
	return "(" + strings.Join(params, ", ") + ") -> " + k.name
}

func portOf(protocol string) func(*session, builtins.Invocation) (starlark.Value, error) {
	return func(s *session, in builtins.Invocation) (starlark.Value, error) {
		args := starlark.Tuple{starlark.String(protocol)}
		if protocol == "icmp" {
			if err := in.Unpack(); err != nil {
				return nil, err
			}
			return portKind.construct(s, in.Name(), args, nil)
		}
		var port starlark.Value
		if err := in.Unpack("port", &port); err != nil {
			return nil, err
		}
		return portKind.construct(s, in.Name(), append(args, port), nil)
	}
}

func newSubordinate(s *session, in builtins.Invocation) (starlark.Value, error) {
	id, data := starlark.Value(starlark.MakeInt(0)), starlark.Value(starlark.None)
	var kwargs []starlark.Tuple
	for _, pair := range in.Kwargs() {
		switch pair[0].(starlark.String) {
		case "remote_unit_id":
			id = pair[1]
		case "remote_unit_data":
			data = pair[1]
		case "remote_units_data":
			return nil, fmt.Errorf("%s: it has one remote unit: remote_unit_id and remote_unit_data", in.Name())
		default:
			kwargs = append(kwargs, pair)
		}
	}
	c, err := relationKind.construct(s, in.Name(), in.Args(), kwargs)
	if err != nil {
		return nil, err
	}
	n, err := starlark.AsInt32(id)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%s: remote_unit_id is %v, want the number of a unit", in.Name(), id)
	}
	units := starlark.NewDict(1)
	if data != starlark.None {
		if err := units.SetKey(starlark.MakeInt(n), data); err != nil {
			return nil, err
		}
		_, err = c.assign(in.Name(), 0, nil, []starlark.Tuple{{starlark.String("remote_units_data"), units}})
		return c, err
	}
	c.ptr().(*modeltest.Relation).RemoteUnitsData = map[int]map[string]string{n: usualBag()}
	return c, nil
}

// cases is a test with several cases.
type cases struct {
	fn     *starlark.Function
	names  []string
	kwargs map[string][]starlark.Tuple
	at     syntax.Position
}

func newCases(_ *session, in builtins.Invocation) (starlark.Value, error) {
	if len(in.Args()) != 1 {
		return nil, fmt.Errorf("testing.cases: got %d arguments without a name, want the function; cases go by name: good = dict(port = 80)", len(in.Args()))
	}
	fn, ok := in.Args()[0].(*starlark.Function)
	if !ok {
		return nil, fmt.Errorf("testing.cases: got a %s, want a function fn(t, …)", in.Args()[0].Type())
	}
	if len(in.Kwargs()) == 0 {
		return nil, errors.New("testing.cases: want at least one case, by name: good = dict(port = 80)")
	}
	c := &cases{fn: fn, kwargs: map[string][]starlark.Tuple{}, at: in.Thread().CallFrame(1).Pos}
	for _, pair := range in.Kwargs() {
		name := string(pair[0].(starlark.String))
		dict, ok := pair[1].(*starlark.Dict)
		if !ok {
			return nil, fmt.Errorf("testing.cases: the case %s is a %s, want a dict of arguments", name, pair[1].Type())
		}
		c.names = append(c.names, name)
		for _, item := range dict.Items() {
			if _, ok := item[0].(starlark.String); !ok {
				return nil, fmt.Errorf("testing.cases: the case %s has the key %v, want names of arguments", name, item[0])
			}
			c.kwargs[name] = append(c.kwargs[name], item)
		}
	}
	return c, nil
}

func (c *cases) String() string        { return fmt.Sprintf("<%d cases of %s>", len(c.names), c.fn.Name()) }
func (c *cases) Type() string          { return "cases" }
func (c *cases) Freeze()               {}
func (c *cases) Truth() starlark.Bool  { return true }
func (c *cases) Hash() (uint32, error) { return 0, errors.New("unhashable: cases") }

// A running is t, a test that runs.
type running struct {
	session *session
	name    string
	seed    uint64
	// sub are the tests that it ran by t.run.
	sub []*Result
	dir string
}

var runningTable = builtins.NewTable("t", "A test that runs.",
	builtins.Member[*running]{Name: "name", Sig: "str", Doc: "The test's name, for instance \"test_port/ssh\".",
		Get: func(t *running) (starlark.Value, error) { return starlark.String(t.name), nil }},
	builtins.Member[*running]{Name: "seed", Sig: "int", Doc: "A number for what is to vary; the same again with the same --seed.",
		Get: func(t *running) (starlark.Value, error) { return starlark.MakeUint64(t.seed), nil }},
	builtins.Member[*running]{Name: "tmp_dir", Sig: "str", Doc: "An empty directory of this machine, which is removed after the test.",
		Get: func(t *running) (starlark.Value, error) {
			if t.dir == "" {
				dir, err := os.MkdirTemp("", "starcharm-test-")
				if err != nil {
					return nil, fmt.Errorf("cannot make the test's directory: %w", err)
				}
				t.dir = dir
			}
			return starlark.String(t.dir), nil
		}},
	builtins.Member[*running]{Name: "skip", Sig: "(reason: str)", Doc: "Ends the test here; it is reported as skipped.",
		Call: func(_ *running, in builtins.Invocation) (starlark.Value, error) {
			var reason string
			if err := in.Unpack("reason", &reason); err != nil {
				return nil, err
			}
			return nil, &skipped{reason}
		}},
	builtins.Member[*running]{Name: "run", Sig: "(name: str, fn: function) -> bool", Doc: "Runs fn(t) as a test within this one, and returns whether it passed. If it fails, this test has failed when it ends.",
		Call: func(t *running, in builtins.Invocation) (starlark.Value, error) {
			var name string
			var fn starlark.Callable
			if err := in.Unpack("name", &name, "fn", &fn); err != nil {
				return nil, err
			}
			sub := t.session.run(in.Thread(), t.name+"/"+name, func(inner *running) error {
				_, err := starlark.Call(in.Thread(), fn, starlark.Tuple{inner}, nil)
				return err
			})
			t.sub = append(t.sub, sub)
			if err := t.session.ctx.Err(); err != nil {
				return nil, err
			}
			return starlark.Bool(sub.Status != Failed), nil
		}},
)

// skipped is the error that ends a test that is skipped.
type skipped struct{ reason string }

func (s *skipped) Error() string { return "skipped: " + s.reason }

func (t *running) String() string                           { return "<test " + t.name + ">" }
func (t *running) Type() string                             { return runningTable.Type() }
func (t *running) Freeze()                                  {}
func (t *running) Truth() starlark.Bool                     { return true }
func (t *running) Hash() (uint32, error)                    { return 0, errors.New("unhashable: t") }
func (t *running) Attr(name string) (starlark.Value, error) { return runningTable.Attr(t, name) }
func (t *running) AttrNames() []string                      { return runningTable.AttrNames(t) }
