package pebbletest

import (
	"io"
	"strings"
	"sync"
)

// An Execution is a command that was run, and what became of it.
type Execution struct {
	// Command has the arguments, environment, directory, user and timeout.
	*Command
	// Unknown says that the container does not have the command: nothing was
	// run.
	Unknown bool
	// ExitCode is -1 for a command that timed out or has not ended.
	ExitCode int
	// Input is what the command read; Output and Errors what it wrote. Of each
	// the first MiB is kept.
	Input, Output, Errors string
}

// maxKept is how much is kept of each stream of an execution, in bytes.
const maxKept = 1 << 20

// Executions returns the commands that were asked for, in order, as they are
// now.
func (s *Server) Executions() []Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Execution, len(s.executions))
	for i, e := range s.executions {
		all[i] = *e
	}
	return all
}

// watch keeps what goes through the command's streams.
func (p *process) watch(c *Command) {
	keep := func(field *string) *kept {
		return &kept{text: func(text string) {
			p.server.mu.Lock()
			*field = text
			p.server.mu.Unlock()
		}}
	}
	combined := c.Stderr == c.Stdout
	c.Stdin = io.TeeReader(c.Stdin, keep(&p.record.Input))
	c.Stdout = io.MultiWriter(keep(&p.record.Output), c.Stdout)
	if c.Stderr = io.MultiWriter(keep(&p.record.Errors), c.Stderr); combined {
		c.Stderr = c.Stdout
	}
}

// kept holds the beginning of what is written to it.
type kept struct {
	mu   sync.Mutex
	b    strings.Builder
	text func(string)
}

func (k *kept) Write(data []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if room := maxKept - k.b.Len(); room > 0 {
		k.b.Write(data[:min(room, len(data))])
		k.text(k.b.String())
	}
	return len(data), nil
}
