package pebble_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]string{"60s": "1m0s", "1500ms": "1.5s", "168h": "168h0m0s", "0": "0s", "0s": "0s", "-1s": "-1s"} {
		d, err := pebble.ParseDuration(text)
		require.NoError(t, err)
		assert.Equal(t, want, d.String())
	}
	for _, text := range []string{"", "10", "s", "1 s", "1d", "99999999999h"} {
		_, err := pebble.ParseDuration(text)
		assert.Error(t, err, text)
	}
}

// A timeout of less than a millisecond must not become one without end.
func TestTimeoutIsNeverZero(t *testing.T) {
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "0.001s", r.URL.Query().Get("timeout"))
		answerJSON(w, 200, `{"type":"sync","result":[]}`)
	})
	notices, err := client.Notices(context.Background(), pebble.NoticesOptions{Timeout: time.Microsecond})
	require.NoError(t, err)
	assert.Empty(t, notices)
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"1s", "1h2m3s", "-5ms", "1.5h", "10", "1e3s", "µs"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := pebble.ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := pebble.ParseDuration(d.String()); err != nil || again != d {
			t.Fatalf("%q: %v, and then %v, %v", text, d, again, err)
		}
	})
}

func FuzzPlan(f *testing.F) {
	f.Add(fullLayer)
	f.Add(checksLayer)
	f.Add("services: {x: &a {override: replace, command: 'a \"b\"'}, y: *a}")
	f.Add("services: {x: {override: merge, requires: [x]}}\nother: {1: 2}")
	f.Fuzz(func(t *testing.T, text string) {
		layer, err := pebble.Parse[pebble.Layer]([]byte(text))
		if err != nil || layer.Validate() != nil {
			return
		}
		yaml, err := pebble.ToYAML(layer)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pebble.Parse[pebble.Layer]([]byte(yaml))
		if err != nil {
			t.Fatalf("%q: %v", yaml, err)
		}
		if _, err := pebble.CombineLayers([]pebble.LabeledLayer{{Label: "a", Layer: layer}}); err != nil {
			return
		}
		if !again.Equal(layer) {
			t.Fatalf("%q is not what %q says", yaml, text)
		}
	})
}
