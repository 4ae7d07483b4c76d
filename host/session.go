package host

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"strings"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/stdlib"
)

// A Session is a charm whose scripts are loaded and stay so, for someone who
// looks around in its model by hand: what starcharm repl evaluates in. It is for
// one goroutine at a time.
type Session struct {
	d *dispatch
	// charm has the files that were loaded by hand, too.
	charm *Charm
}

// sessionFile is the file that a session's own load statements are in.
const sessionFile = "session.star"

// NewSession loads the scripts of the charm in the hook of that environment.
// o.Thread is what is evaluated on. The error is about the charm's own files.
func (c *Charm) NewSession(ctx context.Context, o Options) (*Session, error) {
	own := *c
	own.modules = maps.Clone(c.modules)
	s := &Session{d: own.newDispatch(ctx, o), charm: &own}
	err := s.d.guarded(s.d.loadScripts)
	if err = errors.Join(err, s.d.state.close()); err != nil {
		s.d.hook.End()
		return nil, err
	}
	s.d.hook.Renew()
	return s, nil
}

// Globals are the names that the charm's entry script can use and defines.
func (s *Session) Globals() starlark.StringDict {
	all := maps.Clone(s.d.program.predeclared)
	maps.Copy(all, s.d.program.loaded[s.charm.entry])
	return all
}

// Turn does one thing in the session, like a hook: when f succeeds, what it
// wrote is sent and saved, else it is forgotten. Afterwards the model is asked
// anew.
func (s *Session) Turn(f func(*starlark.Thread) error) (err error) {
	s.d.thread.Load = s.load
	defer func() {
		err = errors.Join(err, s.d.state.close())
		*s.d.state = state{ctx: s.d.state.ctx, choose: s.d.chooseStore}
		s.d.hook.Renew()
	}()
	return s.d.place(s.d.guarded(func() error {
		if err := f(s.d.thread); err != nil {
			return err
		}
		return s.Send()
	}))
}

// Send sends and saves what was written so far, and has the model asked anew.
func (s *Session) Send() error {
	if err := s.d.model.Flush(); err != nil {
		return err
	}
	if s.d.model.RemovesSecrets() {
		if err := s.d.removeSecrets(); err != nil {
			return err
		}
	}
	if err := s.d.state.commit(); err != nil {
		return err
	}
	err := s.d.state.close()
	*s.d.state = state{ctx: s.d.state.ctx, choose: s.d.chooseStore}
	s.d.hook.Renew()
	return err
}

// load implements starlark.Thread.Load, also for files that the charm itself
// does not load. Labels are as in a file in the charm's root.
func (s *Session) load(thread *starlark.Thread, label string) (starlark.StringDict, error) {
	if m, ok := s.charm.modules[thread.CallFrame(0).Pos.Filename()]; ok {
		return s.d.program.run(thread, m.loads[label])
	}
	name, err := ResolveLabel(sessionFile, label)
	if err != nil {
		return nil, err
	}
	f := s.d.hook.Framework
	if s.charm.modules[name] == nil {
		l := loader{charm: s.charm}
		err := l.load(name, nil)
		if err = errors.Join(append(l.errs, err)...); err != nil {
			delete(s.charm.modules, name)
			return nil, err
		}
	}
	f.Loading = true
	defer func() { f.Loading = false }()
	return s.d.program.run(thread, name)
}

// Mask is text without the values of the secrets that were read.
func (s *Session) Mask(text string) string { return s.d.model.Mask(text) }

// Framework has the registrations of the charm's scripts.
func (s *Session) Framework() *builtins.Framework { return s.d.hook.Framework }

// Metadata is the charm's.
func (s *Session) Metadata() *model.Metadata { return s.charm.Metadata }

// Files are the labels of the files that are loaded, or can be: those of the
// charm and of the standard library.
func (s *Session) Files() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range s.charm.modules {
			label := name
			if !strings.HasPrefix(name, std) {
				label = "//" + name
			}
			if !yield(label) {
				return
			}
		}
		more := true
		_ = fs.WalkDir(stdlib.FS, ".", func(name string, _ fs.DirEntry, _ error) error {
			if more && strings.HasSuffix(name, ".star") {
				more = yield(std + name)
			}
			return nil
		})
	}
}

// Source returns the text of a loaded file, for messages.
func (s *Session) Source(name string) ([]byte, bool) { return s.charm.Source(name) }

// End ends what the session started.
func (s *Session) End() { s.d.hook.End() }
