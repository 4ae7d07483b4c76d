package repl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/pebble"
)

// Live is the model of the unit in whose hook context this process runs.
type Live struct {
	// Env is the environment of the hook context. The charm is in
	// JUJU_CHARM_DIR, else in Dir.
	Env map[string]string
	Dir string
	// Write says that the model can be changed.
	Write bool

	sh      *Shell
	context *model.Context
	tools   *hooktool.Client
	session *host.Session
	turning context.Context
	// looking says that nothing is to be changed now, whatever Write says.
	looking bool
	// reveals says that values of secrets are shown.
	reveals bool
	// refused is what was refused first in this turn: the charm's code may take
	// it for a failure that it can live with.
	refused error
}

// A ReadOnlyError says that something would have changed the model.
type ReadOnlyError struct{ What string }

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("this shell only reads, and %s would change something; starcharm repl --write lets it", e.What)
}

// refuse is the error of what would change something; nil if that is allowed.
func (p *Live) refuse(what string) error {
	if p.Write && !p.looking {
		return nil
	}
	err := &ReadOnlyError{what}
	if p.refused == nil {
		p.refused = err
	}
	return err
}

func (p *Live) open(ctx context.Context, sh *Shell) (*host.Session, error) {
	hook, err := model.ParseContext(p.Env)
	switch {
	case err != nil:
		return nil, err
	case hook.UnitName == "":
		return nil, errors.New("cannot look at the unit: JUJU_UNIT_NAME is not set")
	case hook.CharmDir == "":
		hook.CharmDir = p.Dir
	}
	if hook.CharmDir, err = filepath.Abs(hook.CharmDir); err != nil {
		return nil, fmt.Errorf("cannot find the charm: %w", err)
	}
	charm, err := host.LoadDir(hook.CharmDir)
	if err != nil {
		return nil, err
	}
	if p.tools, err = hooktool.Open(maps.Clone(p.Env), hooktool.Options{}); err != nil {
		return nil, err
	}
	p.sh, p.context, p.turning = sh, hook, ctx
	o := host.Options{
		Context: hook,
		Tools:   liveTools{p},
		Pebble: func(path string) *pebble.Client {
			return pebble.New(pebble.Config{SocketPath: path, Wrap: func(next http.RoundTripper) http.RoundTripper { return liveTransport{next, p} }})
		},
		Machine: machine.Real(),
		Store:   liveStore{host.FileStore(hook.CharmDir, p.storeIsBusy), p},
		Stderr:  sh.Err,
		Thread:  sh.thread,
	}
	if !p.Write {
		o.Machine = machine.ReadOnly(o.Machine, p.refuse)
	}
	if p.session, err = charm.NewSession(context.WithoutCancel(ctx), o); err != nil {
		return nil, errors.Join(err, p.tools.Close())
	}
	return p.session, nil
}

func (p *Live) storeIsBusy() {
	fmt.Fprintln(p.sh.Err, "a hook of the unit runs; waiting for it to end (Ctrl-C gives up)")
}

func (p *Live) turn(ctx context.Context, f func(*starlark.Thread) error) error {
	p.turning, p.reveals, p.refused = ctx, false, nil
	err := p.session.Turn(f)
	if err == nil {
		err = p.refused
	}
	return err
}

func (p *Live) look(ctx context.Context, f func(*starlark.Thread) error) error {
	p.looking = true
	defer func() { p.looking = false }()
	return p.turn(ctx, f)
}

// liveTools are Juju's, or those of them that read.
type liveTools struct{ p *Live }

func (t liveTools) Run(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
	p := t.p
	if call.Name == "juju-log" {
		if !p.looking {
			showLog(p.sh, call)
		}
		if !p.Write || p.looking {
			return hooktool.Result{}, nil
		}
	}
	ctx, cancel := joined(ctx, p.turning)
	defer cancel()
	return hooktool.Guard{Runner: p.tools, Write: func(ctx context.Context, call hooktool.Call) (hooktool.Result, error) {
		if err := p.refuse(call.Name); err != nil {
			return hooktool.Result{}, err
		}
		return p.tools.Run(ctx, call)
	}}.Run(ctx, call)
}

// A liveTransport carries requests to a Pebble, or those that read.
type liveTransport struct {
	next http.RoundTripper
	p    *Live
}

func (t liveTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		if err := t.p.refuse("a request to Pebble, " + req.Method + " " + req.URL.Path + ","); err != nil {
			return nil, err
		}
	}
	return t.next.RoundTrip(req)
}

// A liveStore keeps the unit's state, or only reads it.
type liveStore struct {
	host.Store
	p *Live
}

func (s liveStore) Load(ctx context.Context) ([]byte, error) {
	ctx, cancel := joined(ctx, s.p.turning)
	defer cancel()
	return s.Store.Load(ctx)
}

func (s liveStore) Save(ctx context.Context, document []byte) error {
	if err := s.p.refuse("stored state"); err != nil {
		return err
	}
	return s.Store.Save(ctx, document)
}

var liveTable = builtins.NewTable("live", "The model of this unit, as its charm sees it now. Without --write nothing of it can be changed.",
	builtins.Member[*Live]{Name: "reveal", Sig: "(value: any)", Doc: "Shows a value with the values of secrets in it, which are <secret> everywhere else.",
		Call: func(p *Live, in builtins.Invocation) (starlark.Value, error) {
			var v starlark.Value
			if err := in.Unpack("value", &v); err != nil {
				return nil, err
			}
			p.reveals = true
			p.sh.show(v)
			p.reveals = false
			return starlark.None, nil
		}},
)

func (p *Live) functions() (string, starlark.HasAttrs, builtins.TypeDoc) {
	return "live", builtins.NewModule(liveTable, p).(starlark.HasAttrs), liveTable.Document()
}

func (p *Live) mode() string {
	if p.Write {
		return "write"
	}
	return "read-only"
}

func (p *Live) prompt() string { return fmt.Sprintf("%s [%s] >>> ", p.context.UnitName, p.mode()) }

func (p *Live) banner() string {
	text := "what is typed only reads it; --write lets it change"
	if p.Write {
		text = "what is typed can change it; Juju keeps that when this hook context ends with success"
	}
	return fmt.Sprintf("The unit %s, live: %s. help() says what there is; Ctrl-D leaves.\n", p.context.UnitName, text)
}

func (p *Live) mask(text string) string {
	if p.reveals || p.session == nil {
		return text
	}
	return p.session.Mask(text)
}

func (p *Live) close() error {
	p.session.End()
	return p.tools.Close()
}

var _ Place = (*Live)(nil)
