package pebbletest_test

import (
	"context"
	"testing"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const webLayer = `
services:
  web: {override: replace, command: sleep 1, startup: enabled}
`

func connect(t *testing.T, state *pebbletest.State) (*pebbletest.Server, *pebble.Client) {
	t.Helper()
	server := pebbletest.New(pebbletest.Config{State: state})
	client := pebble.New(pebble.Config{SocketPath: "/pebble.socket", Transport: server.Transport()})
	t.Cleanup(client.Close)
	return server, client
}

func TestAddLayerAndReplan(t *testing.T) {
	ctx := context.Background()
	server, client := connect(t, nil)
	_, asked := server.LastRequest()
	assert.False(t, asked)

	info, err := client.SystemInfo(ctx)
	require.NoError(t, err)
	assert.Equal(t, pebbletest.Version, info.Version)

	layer, err := pebble.Parse[pebble.Layer]([]byte(webLayer))
	require.NoError(t, err)
	require.NoError(t, client.AddLayer(ctx, "web", layer, pebble.AddLayerOptions{}))
	plan, err := client.Plan(ctx)
	require.NoError(t, err)
	assert.Equal(t, "sleep 1", plan.Services["web"].Command)

	_, err = client.Replan(ctx, pebble.WaitOptions{})
	require.NoError(t, err)
	services, err := client.Services(ctx, "web")
	require.NoError(t, err)
	require.Len(t, services, 1)
	assert.True(t, services[0].Running())

	var summaries []string
	for _, request := range server.Requests() {
		summaries = append(summaries, request.Summary)
	}
	assert.Equal(t, []string{"system-info", "add-layer web", "plan", "replan", "wait 1", "services web"}, summaries)
	last, asked := server.LastRequest()
	assert.True(t, asked)
	assert.Equal(t, "services web", last.Summary)
	assert.Equal(t, pebble.ServiceActive, server.State().ServiceStatuses["web"])
}

func TestNotConnectable(t *testing.T) {
	no := false
	server, client := connect(t, &pebbletest.State{Name: "web", CanConnect: &no})
	_, err := client.SystemInfo(context.Background())
	require.True(t, pebble.IsKind(err, pebble.ConnectionError))
	assert.EqualError(t, err, "Could not connect to Pebble: socket not found at '/pebble.socket' (container restarted?)")
	assert.False(t, server.State().Reachable())

	server.SetConnectable(true)
	_, err = client.SystemInfo(context.Background())
	assert.NoError(t, err)
}
