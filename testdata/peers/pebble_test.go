package peers_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/testdata/peers"
)

func TestPebbleRuns(t *testing.T) {
	command := exec.Command(peers.Pebble(t), "version", "--client")
	command.Env = []string{"PEBBLE=" + t.TempDir()}
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.NotEmpty(t, output)
}
