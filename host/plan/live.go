package plan

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/consistency"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
)

// A Live plan is made of the unit in whose hook context this process runs: what
// is read comes from Juju, the Pebbles and the machine, what is changed stays
// here.
type Live struct {
	// Env is the environment of the hook context. The charm is in
	// JUJU_CHARM_DIR, else in Dir.
	Env map[string]string
	Dir string
	// Event completes what the charm loaded says of the event; nil: the hook at
	// hand.
	Event func(*host.Charm) (modeltest.Event, error)
	// Allow are the beginnings of commands, by words, that are run in earnest.
	Allow []string
}

// Make makes the plan.
func (l *Live) Make(ctx context.Context) (*Plan, error) {
	hook, err := model.ParseContext(l.Env)
	if err != nil {
		return nil, err
	}
	if hook.UnitName == "" {
		return nil, errors.New("cannot plan: JUJU_UNIT_NAME is not set")
	}
	if hook.CharmDir == "" {
		hook.CharmDir = l.Dir
	}
	if hook.CharmDir, err = filepath.Abs(hook.CharmDir); err != nil {
		return nil, fmt.Errorf("cannot find the charm: %w", err)
	}
	charm, err := host.LoadDir(hook.CharmDir)
	if err != nil {
		return nil, err
	}
	tools, err := hooktool.Open(l.Env, hooktool.Options{})
	if err != nil {
		return nil, err
	}
	defer tools.Close()
	document, err := simulate.Kept(ctx, hook.CharmDir)
	if err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	connect := func(path string, wrap func(http.RoundTripper) http.RoundTripper) *pebble.Client {
		return pebble.New(pebble.Config{SocketPath: path, Wrap: wrap})
	}
	snapshot, err := simulate.TakeSnapshot(ctx, simulate.SnapshotOptions{
		Context: hook, Metadata: charm.Metadata, Tools: tools, Now: machine.Real().Now, Document: document, Unread: true,
		Pebble: func(path string) *pebble.Client { return connect(path, nil) },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	event, err := l.event(ctx, charm, hook, tools)
	if err != nil {
		return nil, err
	}
	allowed := func(args []string) bool {
		return slices.ContainsFunc(l.Allow, func(begin string) bool {
			words := strings.Fields(begin)
			return len(words) > 0 && len(args) >= len(words) && slices.Equal(args[:len(words)], words)
		})
	}
	// The world is as it is, whatever rules it breaks.
	var rules []string
	for _, rule := range consistency.Rules() {
		rules = append(rules, rule.ID)
	}
	found, err := consistency.Allowing(rules)
	if err != nil {
		return nil, err
	}
	outcome, err := (&simulate.Hook{
		Charm: charm, State: snapshot.State, Event: event, Consistency: found, Trace: true,
		Live: &simulate.Live{
			CharmDir: hook.CharmDir, Tools: tools, Pebble: connect, Allow: allowed,
			Machine: &machine.Overlay{Machine: machine.Real(), Allow: func(c machine.Command) bool { return allowed(c.Args) }},
		},
	}).Run(ctx)
	if err != nil {
		return nil, err
	}
	p := Of(outcome)
	for _, missing := range snapshot.Missing {
		p.Missing = append(p.Missing, strings.Join(strings.Fields(missing), " "))
	}
	return p, nil
}

// event is the one that is asked for, or that of the hook at hand.
func (l *Live) event(ctx context.Context, charm *host.Charm, hook *model.Context, tools hooktool.Runner) (modeltest.Event, error) {
	if l.Event != nil {
		return l.Event(charm)
	}
	if hook.DispatchPath == "" {
		return modeltest.Event{}, errors.New("this hook context has no event of its own: say which is to be planned, for instance starcharm plan config-changed")
	}
	name, action := simulate.ParseEventName(hook.DispatchPath)
	e := modeltest.Event{
		Name: name, Action: action, ActionID: hook.ActionUUID, SecretID: hook.SecretID, SecretRevision: hook.SecretRevision,
		NoticeID: hook.NoticeID, NoticeType: hook.NoticeType, NoticeKey: hook.NoticeKey, CheckName: hook.CheckName,
	}
	if hook.RelationID >= 0 {
		e.RelationID = &hook.RelationID
		application := -1
		e.RemoteUnit, e.DepartingUnit = number(hook.RemoteUnit), number(hook.DepartingUnit)
		if e.RemoteUnit == nil && strings.HasSuffix(name, "-relation-changed") {
			e.RemoteUnit = &application
		}
		e.Departing = hook.DepartingUnit == hook.UnitName && hook.UnitName != ""
	}
	if hook.StorageIndex >= 0 {
		e.StorageIndex = &hook.StorageIndex
	}
	if !action {
		return e, nil
	}
	m := model.New(ctx, model.Config{Context: hook, Metadata: charm.Metadata, Tools: tools})
	var err error
	e.Params, err = m.ActionParams()
	return e, err
}

// number is a unit's; nil for none.
func number(unit string) *int {
	_, digits, ok := strings.Cut(unit, "/")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return nil
	}
	return &n
}
