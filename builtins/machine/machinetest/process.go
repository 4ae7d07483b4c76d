package machinetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
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
	// Files are those that the command writes, by absolute path, and Removes
	// those that it removes, with all that is in them.
	Files   map[string]*File `yaml:"files,omitempty"`
	Removes []string         `yaml:"removes,omitempty"`
	// Starts are the processes that it leaves running, and Ends those that it
	// ends, by their number.
	Starts []*Running `yaml:"starts,omitempty"`
	Ends   []int      `yaml:"ends,omitempty"`
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
	return result, m.affect(p)
}

// mentions says whether the State has a file at a path, or a command that
// writes one there. The machine is locked.
func (m *Machine) mentions(name string) bool {
	return m.described[name] || slices.ContainsFunc(m.processes, func(p *Process) bool { return p.Files[name] != nil })
}

// check says what no command can do.
func (p *Process) check() error {
	if p == nil {
		return errors.New("there is nothing")
	}
	for _, name := range p.Removes {
		if !path.IsAbs(name) || path.Clean(name) != name || name == "/" {
			return fmt.Errorf("it removes %q: the path must be absolute, without \".\", \"..\" and a slash at the end", name)
		}
	}
	for _, r := range p.Starts {
		if err := r.check(); err != nil {
			return fmt.Errorf("it starts what cannot run: %w", err)
		}
	}
	if _, err := New(State{HostFiles: p.Files}); err != nil {
		return fmt.Errorf("it writes what cannot be: %w", err)
	}
	return nil
}

// affect is what a command does to files and processes.
func (m *Machine) affect(p *Process) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range p.Removes {
		m.removeAll(name)
	}
	for _, pid := range p.Ends {
		m.end(pid)
	}
	for _, r := range p.Starts {
		m.start(r)
	}
	m.readAccounts(p.Files)
	return m.readFiles(p.Files)
}

// LookPath looks at the files in the directories of PATH. A program that is no
// file of the State's, and none that its commands write, is there if the State
// describes it as a command.
func (m *Machine) LookPath(program string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	removed := false
	for _, dir := range filepath.SplitList(m.environment["PATH"]) {
		at := path.Join(dir, program)
		target, err := m.follow(at)
		if n := m.nodes[target]; err == nil && path.IsAbs(at) && n != nil && n.mode.IsRegular() && n.mode&0o111 != 0 {
			return at, nil
		}
		removed = removed || m.mentions(at)
	}
	if removed {
		return "", nil
	}
	p, _ := m.turn([]string{program})
	for _, other := range m.processes {
		if p == nil && len(other.CommandPrefix) > 0 && other.CommandPrefix[0] == program {
			p, _ = m.turn(other.CommandPrefix)
		}
	}
	switch {
	case p == nil:
		return "", &machine.UndescribedError{
			What: "the program " + program,
			Cure: fmt.Sprintf("add it to processes, {command_prefix: [%q], …}, with missing: true if it is not there", program),
		}
	case p.Missing:
		return "", nil
	}
	return path.Join("/usr/bin", program), nil
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
	p, key := m.turn(command)
	if p != nil {
		m.ran[key]++
	}
	return p
}

// turn is the process whose turn it is for a command, and what its turns are
// counted by. The machine is locked.
func (m *Machine) turn(command []string) (p *Process, key string) {
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
		return nil, ""
	}
	key = strings.Join(turns[0].CommandPrefix, "\x00")
	return turns[min(m.ran[key], len(turns)-1)], key
}
