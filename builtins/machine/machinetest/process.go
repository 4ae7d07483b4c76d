package machinetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
)

// A Process is what a command does.
type Process struct {
	// CommandPrefix is how the command begins; the longest that fits counts,
	// and an empty one fits every command. Several of one prefix have their
	// turns in order, and the last of them ever after.
	CommandPrefix []string `yaml:"command_prefix"`
	ExitCode      int      `yaml:"exit_code,omitempty"`
	Stdout        string   `yaml:"stdout,omitempty"`
	Stderr        string   `yaml:"stderr,omitempty"`
	// Missing is set for a program that the machine does not have.
	Missing bool `yaml:"missing,omitempty"`
	// Hangs is set for a command that ends by its timeout only.
	Hangs bool `yaml:"hangs,omitempty"`
	// Handler, unless nil, is the command. What else is said of it does not
	// count then.
	Handler Handler `yaml:"-"`
}

// A Handler is a command in Go.
type Handler interface {
	// Run runs the command, which has that environment.
	Run(ctx context.Context, c machine.Command, environment map[string]string) (*machine.Result, error)
}

// Run is what the State says of the command.
func (m *Machine) Run(ctx context.Context, c machine.Command) (*machine.Result, error) {
	p := m.process(c.Args)
	switch {
	case p == nil:
		return nil, &machine.UndescribedError{
			What: "the command " + c.Line(),
			Cure: fmt.Sprintf("add it to processes, {command_prefix: [%s], …}", strings.Join(quoted(c.Args), ", ")),
		}
	case p.Handler != nil:
		environment := m.Environment()
		maps.Copy(environment, c.Env)
		return p.Handler.Run(ctx, c, environment)
	case p.Missing:
		return nil, fmt.Errorf("exec: %q: executable file not found in $PATH", c.Args[0])
	}
	result := &machine.Result{ExitCode: p.ExitCode, Stdout: []byte(p.Stdout), Stderr: []byte(p.Stderr)}
	switch {
	case len(p.Stdout) > c.MaxOutput || len(p.Stderr) > c.MaxOutput:
		return result, machine.ErrOutput
	case p.Hangs:
		return result, machine.ErrTimeout
	}
	return result, nil
}

func quoted(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = fmt.Sprintf("%q", word)
	}
	return all
}

// process returns what a command does, nil if the State does not say.
func (m *Machine) process(command []string) *Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	var turns []*Process
	for _, p := range m.processes {
		n := len(p.CommandPrefix)
		switch {
		case n > len(command) || !slices.Equal(p.CommandPrefix, command[:n]):
		case len(turns) == 0 || n > len(turns[0].CommandPrefix):
			turns = []*Process{p}
		case n == len(turns[0].CommandPrefix):
			turns = append(turns, p)
		}
	}
	if len(turns) == 0 {
		return nil
	}
	key := strings.Join(turns[0].CommandPrefix, "\x00")
	turn := min(m.ran[key], len(turns)-1)
	m.ran[key]++
	return turns[turn]
}
