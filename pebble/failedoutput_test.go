package pebble_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/testdata/peers"
)

// TestOutputOfFailedService: the genuine daemon's task says only that the
// command cannot be run; what the service wrote before comes with the failure.
func TestOutputOfFailedService(t *testing.T) {
	w, stop := genuineWorld(t, peers.Pebble(t), "output")
	defer stop()
	layer := parseLayer(`services: {web: {override: replace, startup: enabled, command: "sh -c 'echo ready; exec sleep 100'"}}`)
	_, err := w.client.Ensure(t.Context(), pebble.EnsureOptions{Label: "l", Layer: layer})
	require.NoError(t, err)
	layer.Services["web"].Command = "/no/such/program"
	require.NoError(t, w.client.AddLayer(t.Context(), "l", layer, pebble.AddLayerOptions{Combine: true}))
	_, err = w.client.Replan(t.Context(), pebble.WaitOptions{})
	require.True(t, pebble.IsKind(err, pebble.ChangeError), "%v", err)
	e := asError(err)
	require.Len(t, e.Output, 1)
	assert.Equal(t, "web", e.Output[0].Service)
	assert.Equal(t, "ready", e.Output[0].Message)
	assert.Regexp(t, `\n----- Newest output of the services that failed -----\n\S+ \[web\] ready\n-----$`, err.Error())
}
