package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmtest"
)

// watchEvery is how often the files of a charm are looked at.
const watchEvery = 300 * time.Millisecond

// watchTests runs tests whenever files change, until Ctrl-C.
func watchTests(cmd *cobra.Command, dir string, o charmtest.Options, r *testReporter) error {
	watcher, err := charmtest.NewWatcher(dir)
	if err != nil {
		return err
	}
	changes := func(ctx context.Context) ([]string, error) {
		fmt.Fprintln(cmd.ErrOrStderr(), "waiting for changes; Ctrl-C ends")
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			changed, err := watcher.Changed()
			if err != nil {
				return nil, err
			}
			if len(changed) > 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "changed: "+host.Printable(strings.Join(changed, ", ")))
				return changed, nil
			}
			select {
			case <-ctx.Done():
				return nil, nil
			case <-ticker.C:
			}
		}
	}
	err = charmtest.Watch(cmd.Context(), dir, o, changes,
		func(suite *charmtest.Suite) error {
			_, err := runTests(cmd, suite, o, r, time.Now())
			return err
		},
		func(wrong *charmtest.LoadError) error { return r.unloadable(wrong.Diagnostics) })
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
