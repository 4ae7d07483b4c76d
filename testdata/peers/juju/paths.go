package main

import (
	"path/filepath"

	"github.com/juju/juju/juju/sockets"
	"github.com/juju/juju/worker/uniter/runner/context"
)

// paths are the agent's. The socket is abstract, as on every unit.
type paths struct {
	base  string
	tools string
	charm string
}

var _ context.Paths = paths{}

func (p paths) GetToolsDir() string        { return p.tools }
func (p paths) GetBaseDir() string         { return p.base }
func (p paths) GetCharmDir() string        { return p.charm }
func (p paths) GetResourcesDir() string    { return filepath.Join(p.base, "resources") }
func (p paths) GetMetricsSpoolDir() string { return filepath.Join(p.base, "metrics") }

func (p paths) GetJujucServerSocket(bool) sockets.Socket {
	return sockets.Socket{Network: "unix", Address: "@" + filepath.Join(p.base, "agent.socket")}
}

func (p paths) GetJujucClientSocket(remote bool) sockets.Socket {
	return p.GetJujucServerSocket(remote)
}
