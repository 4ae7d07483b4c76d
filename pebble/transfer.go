package pebble

import (
	"context"
	"io"
	"time"
)

// watchdog ends a context when a transfer makes no progress.
type watchdog struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func newWatchdog(ctx context.Context, timeout time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{timeout: timeout, cancel: cancel}
	w.timer = time.AfterFunc(timeout, func() {
		cancel(lapse("no progress for %s", timeout))
	})
	return ctx, w
}

// progress notes that the transfer goes on.
func (w *watchdog) progress() { w.timer.Reset(w.timeout) }

// stop ends the context.
func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}

// progressReader tells a watchdog of each read that got something, be it the
// end.
type progressReader struct {
	from io.Reader
	idle *watchdog
}

func (r *progressReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if n > 0 || err == io.EOF {
		r.idle.progress()
	}
	return n, err
}

// budgetReader bounds what is read on the way to something, such as the header
// of a part.
type budgetReader struct {
	from    io.Reader
	bounded bool
	left    int
}

func (r *budgetReader) limit(n int) { r.bounded, r.left = true, n }
func (r *budgetReader) unlimited()  { r.bounded = false }

func (r *budgetReader) Read(p []byte) (int, error) {
	if !r.bounded {
		return r.from.Read(p)
	}
	if r.left <= 0 {
		return 0, protocolError("Pebble's answer goes on for more than %d MiB where it should end", maxAnswer>>20)
	}
	n, err := r.from.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}
