package main

import (
	"time"

	"github.com/juju/juju/core/leadership"
)

// tracker tells the hook context whether the unit leads, as the world says at the time of the question.
type tracker struct{ c *Controller }

var _ leadership.Tracker = tracker{}

func (t tracker) ApplicationName() string        { return t.c.app }
func (t tracker) ClaimDuration() time.Duration   { return time.Minute }
func (t tracker) ClaimLeader() leadership.Ticket { return ticket(t.leader()) }
func (t tracker) WaitLeader() leadership.Ticket  { return ticket(t.leader()) }
func (t tracker) WaitMinion() leadership.Ticket  { return ticket(!t.leader()) }

func (t tracker) leader() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.c.world.Leader
}

// ticket is an answer that is ready at once.
type ticket bool

func (t ticket) Wait() bool { return bool(t) }

func (t ticket) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}
