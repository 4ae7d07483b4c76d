package daemon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// A notice is one of the State, which occurred last, for the daemon, when it was
// told of it.
type notice struct {
	given *pebbletest.Notice
	last  time.Time
}

// customNotices are the custom notices of the daemon, by their ids.
func (d *Daemon) customNotices(ctx context.Context) ([]*pebble.Notice, error) {
	found, err := d.client.Notices(ctx, pebble.NoticesOptions{AllUsers: true, Types: []string{pebble.NoticeCustom}})
	if err != nil {
		return nil, d.lost(err)
	}
	// The daemon has them by their time.
	slices.SortStableFunc(found, func(a, b *pebble.Notice) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// keptNotices are the custom notices; those that did not occur again are as the
// State has them.
func (d *Daemon) keptNotices(ctx context.Context) ([]*pebbletest.Notice, error) {
	found, err := d.customNotices(ctx)
	if err != nil {
		return nil, err
	}
	var kept []*pebbletest.Notice
	for _, n := range found {
		now := &pebbletest.Notice{
			ID: n.ID, Key: n.Key, Type: n.Type, UserID: n.UserID,
			FirstOccurred: n.FirstOccurred, LastOccurred: n.LastOccurred, LastRepeated: n.LastRepeated,
			Occurrences: n.Occurrences, LastData: n.LastData,
		}
		for _, field := range []struct {
			text string
			to   *pebble.Duration
		}{{n.RepeatAfter, &now.RepeatAfter}, {n.ExpireAfter, &now.ExpireAfter}} {
			if field.text == "" {
				continue
			}
			duration, err := time.ParseDuration(field.text)
			if err != nil {
				return nil, fmt.Errorf("the notice %s: %w", n.Key, err)
			}
			*field.to = pebble.Duration(duration)
		}
		if known := d.notices[n.ID]; known != nil {
			unchanged := *known.given
			unchanged.ID = n.ID
			if known.last.Equal(n.LastOccurred) {
				now = &unchanged
			} else {
				now.UserID, now.FirstOccurred = unchanged.UserID, unchanged.FirstOccurred
				now.Occurrences += unchanged.Occurrences - 1
			}
		}
		kept = append(kept, now)
	}
	return kept, nil
}
