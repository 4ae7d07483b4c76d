package pebbletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

const (
	maxNoticeKey  = 256
	maxNoticeData = 4096
	noticeExpiry  = 7 * 24 * time.Hour
)

// notice is a notice with what the wire shows as text.
type notice struct {
	pebble.Notice
	repeatAfter time.Duration
	expireAfter time.Duration
	// sequence orders occurrences that the clock does not tell apart.
	sequence int
	// given is set when the notice is a charm's or the State's, rather than
	// the daemon's own.
	given bool
}

// notify records an occurrence and returns its notice.
func (s *Server) notify(user *int, kind, key string, data map[string]string, repeatAfter time.Duration) *notice {
	now := s.now()
	var n *notice
	for _, candidate := range s.notices {
		sameUser := (user == nil) == (candidate.UserID == nil) && (user == nil || *user == *candidate.UserID)
		if sameUser && candidate.Type == kind && candidate.Key == key {
			n = candidate
		}
	}
	repeated := n == nil
	if n == nil {
		s.lastNotice++
		n = &notice{expireAfter: noticeExpiry}
		n.ID, n.UserID, n.Type, n.Key, n.FirstOccurred = strconv.Itoa(s.lastNotice), user, kind, key, now
		s.notices = append(s.notices, n)
	} else if repeatAfter == 0 || now.After(n.LastRepeated.Add(repeatAfter)) {
		repeated = true
	}
	n.Occurrences++
	n.LastOccurred, n.LastData, n.repeatAfter = now, maps.Clone(data), repeatAfter
	if repeated {
		n.LastRepeated = now
		n.sequence = s.nextSequence()
	}
	return n
}

func (s *Server) nextSequence() int {
	last := 0
	for _, n := range s.notices {
		last = max(last, n.sequence)
	}
	return last + 1
}

// wire returns the notice as the API shows it.
func (n *notice) wire() pebble.Notice {
	w := n.Notice
	w.ExpireAfter = n.expireAfter.String()
	if n.repeatAfter != 0 {
		w.RepeatAfter = n.repeatAfter.String()
	}
	return w
}

func (s *Server) addNotice(c *call) response {
	var body struct {
		Action      string          `json:"action"`
		Type        string          `json:"type"`
		Key         string          `json:"key"`
		RepeatAfter string          `json:"repeat-after"`
		Data        json.RawMessage `json:"data"`
	}
	if err := c.decode("request body", &body); err != nil {
		return badRequest(err)
	}
	c.summary = "notify " + body.Key
	keyFormat := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+(/[a-z0-9]+(-[a-z0-9]+)*)+$`)
	switch {
	case body.Action != "add":
		return badRequest(fmt.Errorf("invalid action %q", body.Action))
	case body.Type != pebble.NoticeCustom:
		return badRequest(fmt.Errorf("invalid type %q (can only add \"custom\" notices)", body.Type))
	case !keyFormat.MatchString(body.Key):
		return badRequest(fmt.Errorf("invalid key %q (must be in \"example.com/path\" format)", body.Key))
	case len(body.Key) > maxNoticeKey:
		return badRequest(fmt.Errorf("key must be %d bytes or less", maxNoticeKey))
	}
	var repeatAfter time.Duration
	if body.RepeatAfter != "" {
		var err error
		if repeatAfter, err = time.ParseDuration(body.RepeatAfter); err != nil {
			return badRequest(fmt.Errorf("invalid repeat-after: %w", err))
		}
	}
	if len(body.Data) > maxNoticeData {
		return badRequest(fmt.Errorf("total size of data must be %d bytes or less", maxNoticeData))
	}
	var data map[string]string
	if len(body.Data) > 0 {
		if err := json.Unmarshal(body.Data, &data); err != nil {
			return badRequest(fmt.Errorf("cannot decode notice data: %w", err))
		}
	}
	user := s.user()
	n := s.notify(&user, body.Type, body.Key, data, repeatAfter)
	n.given = true
	return result(map[string]string{"id": n.ID})
}

// user is the user that requests come from: root, as in a container.
func (s *Server) user() int { return 0 }

func (s *Server) getNotice(c *call) response {
	c.summary = "notice " + c.id
	for _, n := range s.notices {
		if n.ID == c.id {
			return result(n.wire())
		}
	}
	return failed(http.StatusNotFound, "", fmt.Errorf("cannot find notice with ID %q", c.id))
}

func (s *Server) listNotices(c *call) response {
	c.summary = "notices"
	var (
		err   error
		after time.Time
		user  = s.user()
	)
	users, userID := c.query.Get("users"), c.query.Get("user-id")
	if users != "" && userID != "" {
		return badRequest(errors.New(`cannot use both "users" and "user-id" parameters`))
	}
	if users != "" && users != "all" {
		return badRequest(errors.New(`invalid "users" filter: must be "all"`))
	}
	if userID != "" {
		id, err := strconv.ParseInt(userID, 10, 64)
		if err != nil {
			return badRequest(fmt.Errorf("invalid \"user-id\" filter: %w", err))
		}
		user = int(id)
	}
	types := c.list("types")
	known := slices.DeleteFunc(slices.Clone(types), func(t string) bool {
		return !slices.Contains([]string{pebble.NoticeCustom, pebble.NoticeChangeUpdate, pebble.NoticeWarning}, t)
	})
	if text := c.query.Get("after"); text != "" {
		if after, err = time.Parse(time.RFC3339, text); err != nil {
			return badRequest(fmt.Errorf("invalid \"after\" timestamp: %w", err))
		}
	}
	if text := c.query.Get("timeout"); text != "" {
		if _, err := time.ParseDuration(text); err != nil {
			return badRequest(fmt.Errorf("invalid timeout: %w", err))
		}
	}
	keys := c.list("keys")
	found := []*notice{}
	for _, n := range s.notices {
		switch {
		case len(types) > 0 && !slices.Contains(known, n.Type),
			len(keys) > 0 && !slices.Contains(keys, n.Key),
			users != "all" && n.UserID != nil && *n.UserID != user,
			!after.IsZero() && !n.LastRepeated.After(after),
			s.now().After(n.LastOccurred.Add(n.expireAfter)):
			continue
		}
		found = append(found, n)
	}
	slices.SortStableFunc(found, func(a, b *notice) int {
		if order := a.LastRepeated.Compare(b.LastRepeated); order != 0 {
			return order
		}
		return a.sequence - b.sequence
	})
	wire := make([]pebble.Notice, len(found))
	for i, n := range found {
		wire[i] = n.wire()
	}
	return result(wire)
}

// loadNotices takes the notices that state lists.
func (s *Server) loadNotices(state *State) {
	for _, given := range state.Notices {
		if id, err := strconv.Atoi(given.ID); err == nil {
			s.lastNotice = max(s.lastNotice, id)
		}
	}
	now := s.now()
	for _, given := range state.Notices {
		n := &notice{given: true, repeatAfter: time.Duration(given.RepeatAfter), expireAfter: time.Duration(given.ExpireAfter)}
		if n.expireAfter == 0 {
			n.expireAfter = noticeExpiry
		}
		n.ID, n.Key, n.Type, n.Occurrences, n.LastData = given.ID, given.Key, given.Type, max(given.Occurrences, 1), maps.Clone(given.LastData)
		if given.UserID != nil {
			user := *given.UserID
			n.UserID = &user
		}
		if n.ID == "" {
			s.lastNotice++
			n.ID = strconv.Itoa(s.lastNotice)
		}
		if n.Type == "" {
			n.Type = pebble.NoticeCustom
		}
		n.FirstOccurred, n.LastOccurred, n.LastRepeated = orNow(given.FirstOccurred, now), orNow(given.LastOccurred, now), orNow(given.LastRepeated, now)
		n.sequence = s.nextSequence()
		s.notices = append(s.notices, n)
	}
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}

// storeNotices puts the notices into state, without those of changes.
func (s *Server) storeNotices(state *State) {
	for _, n := range s.notices {
		if !n.given {
			continue
		}
		var user *int
		if n.UserID != nil {
			id := *n.UserID
			user = &id
		}
		state.Notices = append(state.Notices, &Notice{
			ID: n.ID, Key: n.Key, Type: n.Type, UserID: user,
			FirstOccurred: n.FirstOccurred, LastOccurred: n.LastOccurred, LastRepeated: n.LastRepeated,
			Occurrences: n.Occurrences, LastData: maps.Clone(n.LastData),
			RepeatAfter: pebble.Duration(n.repeatAfter), ExpireAfter: pebble.Duration(n.expireAfter),
		})
	}

}
