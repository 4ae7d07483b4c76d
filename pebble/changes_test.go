package pebble_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const readyChange = `{"type":"sync","result":{"id":"7","kind":"start","status":"Done","ready":true}}`

func TestWaitChangeLoopsOverTimeouts(t *testing.T) {
	var asked atomic.Int32
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/changes/7/wait", r.URL.Path)
		assert.Equal(t, "4.000s", r.URL.Query().Get("timeout"))
		if asked.Add(1) < 3 {
			answerJSON(w, 504, `{"type":"error","status-code":504,"result":{"message":"timed out"}}`)
			return
		}
		answerJSON(w, 200, readyChange)
	})
	change, err := client.WaitChange(context.Background(), "7", pebble.WaitOptions{Delay: time.Millisecond})
	require.NoError(t, err)
	assert.True(t, change.Ready)
	assert.EqualValues(t, 3, asked.Load())
}

func TestWaitChangeTimeout(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"held":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"answering": func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 504, `{"type":"error"}`) },
		"no wait": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/wait") {
				answerJSON(w, 404, `{"type":"error","result":{"message":"no such endpoint"}}`)
				return
			}
			answerJSON(w, 200, `{"type":"sync","result":{"id":"7","status":"Doing","ready":false}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				handler(w, r)
			})
			begin := time.Now()
			_, err := client.WaitChange(context.Background(), "7", pebble.WaitOptions{Timeout: 50 * time.Millisecond, Delay: 10 * time.Millisecond})
			assert.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
			assert.EqualError(t, err, "timed out waiting for change 7 (0.050s)")
			assert.Less(t, time.Since(begin), 4*time.Second)
			assert.Less(t, asked.Load(), int32(20), "it must not ask without a pause")
		})
	}
}

func TestWaitChangePolls(t *testing.T) {
	var asked atomic.Int32
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/wait"):
			answerJSON(w, 404, `{"type":"error","result":{"message":"no such endpoint"}}`)
		case asked.Add(1) < 3:
			answerJSON(w, 200, `{"type":"sync","result":{"id":"7","status":"Doing","ready":false}}`)
		default:
			answerJSON(w, 200, readyChange)
		}
	})
	change, err := client.WaitChange(context.Background(), "7", pebble.WaitOptions{Delay: time.Millisecond})
	require.NoError(t, err)
	assert.Equal(t, "Done", change.Status)
	assert.EqualValues(t, 3, asked.Load())
}

func TestChangeError(t *testing.T) {
	const failed = `{"type":"sync","result":{"id":"7","ready":true,"status":"Error","err":"cannot perform the following tasks:\n- Start","tasks":[null,{"id":"1","log":["A ERROR x"]}]}}`
	var waited atomic.Bool
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			answerJSON(w, 202, `{"type":"async","status-code":202,"change":"7","result":null}`)
			return
		}
		waited.Store(true)
		answerJSON(w, 200, failed)
	})
	id, err := client.Start(context.Background(), []string{"web"}, pebble.WaitOptions{NoWait: true})
	require.NoError(t, err)
	assert.Equal(t, "7", id)
	assert.False(t, waited.Load())

	_, err = client.Start(context.Background(), []string{"web"}, pebble.WaitOptions{})
	require.True(t, pebble.IsKind(err, pebble.ChangeError))
	assert.EqualError(t, err, "cannot perform the following tasks:\n- Start\n----- Logs from task 0 -----\nA ERROR x\n-----")
	assert.Equal(t, "7", asError(err).Change.ID)
}

func TestChangesAreSorted(t *testing.T) {
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "for=web&select=all", r.URL.RawQuery)
		answerJSON(w, 200, `{"type":"sync","result":[{"id":"10"},null,{"id":"9"},{"id":"2"}]}`)
	})
	changes, err := client.Changes(context.Background(), pebble.ChangesOptions{Select: pebble.SelectAll, Service: "web"})
	require.NoError(t, err)
	var ids []string
	for _, change := range changes {
		ids = append(ids, change.ID)
	}
	assert.Equal(t, []string{"2", "9", "10"}, ids)
}

func TestIDsAreEscaped(t *testing.T) {
	client := serve(t, pebble.Config{}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/changes/a%2F..%3Fb", r.URL.EscapedPath())
		answerJSON(w, 404, `{"type":"error","result":{"message":"no"}}`)
	})
	_, err := client.Change(context.Background(), "a/..?b")
	assert.EqualError(t, err, "no")
}

func FuzzChange(f *testing.F) {
	f.Add(readyChange)
	f.Add(`{"type":"sync","result":{"id":"1","tasks":[null,{"log":[null],"progress":null}],"spawn-time":null,"data":{"exit-code":1}}}`)
	f.Add(`{"type":"error","result":{"message":3}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, answer string) {
		client := pebble.New(pebble.Config{Transport: answering{"application/json", answer}})
		change, err := client.Change(context.Background(), "1")
		if err != nil {
			if !pebble.IsKind(err, pebble.RootError) {
				t.Fatalf("not a pebble.Error: %v", err)
			}
			return
		}
		if !json.Valid([]byte(answer)) || change.ID == "" {
			t.Fatalf("%q is no change", answer)
		}
		_ = (&pebble.Error{Kind: pebble.ChangeError, Change: change}).Error()
	})
}
