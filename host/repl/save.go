package repl

import (
	"context"
	"fmt"

	"github.com/google/renameio/v2"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins"
)

// yaml writes the world as a state file.
func (p *Simulated) yaml() ([]byte, error) {
	return p.state.YAML(func(text string) string { return text })
}

func (p *Simulated) save(in builtins.Invocation) (starlark.Value, error) {
	var path string
	if err := in.Unpack("path", &path); err != nil {
		return nil, err
	}
	err := p.aside("", func(context.Context) error {
		text, err := p.yaml()
		if err == nil {
			err = renameio.WriteFile(path, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("cannot save the state: %w", err)
		}
		return nil
	})
	return starlark.None, named(in, err)
}
