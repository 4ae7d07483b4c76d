package pebbletest_test

import (
	"context"
	"testing"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// BenchmarkHook is what a hook of a charm commonly asks of Pebble.
func BenchmarkHook(b *testing.B) {
	state, err := pebbletest.ParseState([]byte("name: web\nfiles: {/etc/web.conf: a}"))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for b.Loop() {
		server := pebbletest.New(pebbletest.Config{State: state})
		client := pebble.New(pebble.Config{Transport: server.Transport()})
		if _, err := client.SystemInfo(ctx); err != nil {
			b.Fatal(err)
		}
		if err := client.AddLayerYAML(ctx, "web", webLayer, pebble.AddLayerOptions{Combine: true}); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Replan(ctx, pebble.WaitOptions{}); err != nil {
			b.Fatal(err)
		}
		server.State()
	}
}
