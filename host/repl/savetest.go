package repl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host/charmtest"
)

// testTimeout is how long a test that was written may take, and testSteps how
// many steps of the interpreter.
const (
	testTimeout = time.Minute
	testSteps   = 100_000_000
)

func (p *Simulated) saveTest(in builtins.Invocation) (starlark.Value, error) {
	var name string
	if err := in.Unpack("name", &name); err != nil {
		return nil, err
	}
	err := p.aside("", func(ctx context.Context) error {
		hooks := make([]charmtest.Ran, len(p.hooks))
		for i, h := range p.hooks {
			hooks[i] = charmtest.Ran{Event: h.event, Before: h.before, After: h.after, Outcome: h.outcome}
		}
		text, err := charmtest.WriteTest(name, p.Charm.Metadata, hooks)
		if err != nil {
			return fmt.Errorf("cannot save a test: %w", err)
		}
		return p.writeTest(ctx, name, text)
	})
	return starlark.None, named(in, err)
}

// writeTest writes a test into the charm, and runs it.
func (p *Simulated) writeTest(ctx context.Context, name, text string) error {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return fmt.Errorf("cannot save a test: %w", err)
	}
	defer root.Close()
	if err := root.Mkdir("tests", 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot save a test: %w", err)
	}
	file := filepath.Join("tests", name+"_test.star")
	f, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot save a test: %s is there already", file)
	}
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot save a test: %w", err)
	}
	full := filepath.ToSlash(file) + ":test_" + name
	suite, err := charmtest.Load(ctx, p.Dir, charmtest.Options{
		Run: regexp.MustCompile("^" + regexp.QuoteMeta(full) + "$"), Jobs: 1, Timeout: testTimeout, MaxSteps: testSteps,
	})
	if err != nil {
		return fmt.Errorf("%s was written, and cannot be run: %w", file, err)
	}
	var result *charmtest.Result
	suite.Run(ctx, func(r *charmtest.Result) { result = r })
	switch {
	case result == nil:
		return fmt.Errorf("%s was written, and did not run", file)
	case result.Status != charmtest.Passed:
		fmt.Fprint(p.sh.Err, result.Render(p.sh.Color, false))
		return fmt.Errorf("%s was written, and fails", file)
	}
	fmt.Fprintf(p.sh.Out, "%s passes: %d hooks, %d lines\n", file, len(p.hooks), strings.Count(text, "\n"))
	return nil
}
