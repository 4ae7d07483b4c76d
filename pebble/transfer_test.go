package pebble_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowReader gives a few bytes at a time, with a pause before each.
type slowReader struct {
	ctx   context.Context
	from  io.Reader
	pause time.Duration
}

func (r slowReader) Read(p []byte) (int, error) {
	select {
	case <-time.After(r.pause):
		return r.from.Read(p[:min(len(p), 64)])
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
}

// slow is a transport that reads and answers slowly.
type slow struct {
	pause  time.Duration
	answer answering
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, slowReader{r.Context(), r.Body, s.pause}); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: 200,
		Header:     http.Header{"Content-Type": {s.answer.contentType}},
		Body:       io.NopCloser(slowReader{r.Context(), strings.NewReader(s.answer.body), s.pause}),
	}, nil
}

// A transfer may take as long as it likes while it goes on.
func TestSlowTransfers(t *testing.T) {
	content := strings.Repeat("x", 1000)
	for pause, fine := range map[time.Duration]bool{20 * time.Second: true, 40 * time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			got, err := pullAll(pebble.New(pebble.Config{Transport: slow{pause, answering{formType, readAnswer(fileX, content, verdict, good)}}}))
			pushErr := pebble.New(pebble.Config{Transport: slow{pause, answering{"application/json", good}}}).
				Push(context.Background(), "/x", strings.NewReader(content), pebble.PushOptions{})
			if fine {
				require.NoError(t, err)
				assert.Equal(t, content, got)
				require.NoError(t, pushErr)
				assert.Greater(t, time.Since(begin), 5*time.Minute)
				return
			}
			assert.True(t, pebble.IsKind(err, pebble.TimeoutError), "%v", err)
			assert.True(t, pebble.IsKind(pushErr, pebble.TimeoutError), "%v", pushErr)
			assert.Equal(t, time.Minute, time.Since(begin))
		})
	}
}

// TestLargeFile: the time that a large file takes has a bound, and it is not
// held in memory.
func TestLargeFile(t *testing.T) {
	w := genuine(t)
	ctx := t.Context()
	const size = 64 << 20
	require.NoError(t, w.client.Push(ctx, w.dir+"/large", io.LimitReader(endless{}, size), pebble.PushOptions{}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	file, err := w.client.Pull(ctx, w.dir+"/large")
	require.NoError(t, err)
	defer file.Close()
	n, err := io.Copy(io.Discard, file)
	require.NoError(t, err)
	assert.EqualValues(t, size, n)
	assert.Less(t, time.Since(begin), 20*time.Second)
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/8), "it is not held in memory")
}
