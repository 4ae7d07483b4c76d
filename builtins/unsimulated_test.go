package builtins

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// trouble is a machine in a state that no simulation describes.
type trouble struct{ machine.Machine }

func (trouble) Resolve(context.Context, string) ([]netip.Addr, error) {
	return nil, errors.New("server misbehaving")
}

func (trouble) Run(context.Context, machine.Command) (*machine.Result, error) {
	return &machine.Result{Stdout: []byte("much")}, machine.ErrOutput
}

func TestTrouble(t *testing.T) {
	m, err := machinetest.New(machinetest.State{})
	require.NoError(t, err)
	_, err = runModules(t, "trouble.star", `
load("assert.star", "assert")

_, err = catch(net.resolve, "db")
assert.eq((err.kind, err.message), (net.ResolveError, 'cannot resolve "db": server misbehaving'))
assert.true(err.matches(net.Error))
_, err = catch(process.run, ["flood"])
assert.eq((err.kind, err.message), (process.OutputError, 'the command "flood" wrote more than 67108864 bytes'))
assert.true(err.matches(process.Error))
`, trouble{m})
	require.NoError(t, err)
}
