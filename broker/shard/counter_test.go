package shard

import (
	"context"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
)

// counter is a small machine: it counts what it is asked to add, and answers with the sum when that is in the log.
type counter struct {
	outbox coordinator.Outbox
	sum    uint64
	// doubtful is what the log may still refuse.
	doubtful uint64
	wake     time.Time
	alarm    uint64
	epoch    int32
	calls    map[uint64]uint64
	level    uint64
}

// wish is a request to counter; each but park is answered.
type wish struct {
	add   uint64
	alarm time.Duration
	park  bool
	boom  bool
	// producer adds in its name, end writes a marker.
	producer *coordinator.Producer
	end      *coordinator.Marker
	// call is answered with what the call returns.
	call any
	// epoch is answered with the epoch that the machine was made with, level with what tell told last.
	epoch, level bool
	tell         uint64
}

func newCounter(_, epoch int32) Machine { return &counter{epoch: epoch, calls: map[uint64]uint64{}} }

func added(n uint64) coordinator.Record {
	return coordinator.Record{Key: []byte("add"), Value: []byte{byte(n)}}
}

func (c *counter) Replay(e coordinator.Entry) error {
	if e.Marker != nil {
		return nil
	}
	if string(e.Key) == "boom" {
		panic("boom")
	}
	if string(e.Key) != "add" {
		return fmt.Errorf("key %q", e.Key)
	}
	c.sum += uint64(e.Value[0])
	return nil
}

func (c *counter) Step(ev coordinator.Event, now time.Time) []coordinator.Effect {
	if refused, ok := ev.(coordinator.Refused); ok {
		c.sum -= c.doubtful
		c.outbox.Refuse(refused.Code)
	}
	c.doubtful = 0
	switch ev := ev.(type) {
	case coordinator.Asked[wish]:
		c.ask(ev.Ticket, ev.Request, now)
	case coordinator.Appended:
		c.outbox.Confirm(ev.Seq)
	case coordinator.Failed:
		c.outbox.Fail(ev.Code)
	case coordinator.Woken:
		c.outbox.Woken()
		c.wake = time.Time{}
		c.outbox.Reply(coordinator.Reply{Ticket: c.alarm, Answer: now})
	case coordinator.Returned:
		c.outbox.Reply(coordinator.Reply{Ticket: c.calls[ev.ID], Answer: ev.Result})
	}
	return c.outbox.Take(c.wake)
}

func (c *counter) ask(ticket uint64, w wish, now time.Time) {
	reply := coordinator.Reply{Ticket: ticket}
	switch {
	case w.boom:
		panic("boom")
	case w.park:
		return
	case w.alarm > 0:
		c.alarm, c.wake = ticket, now.Add(w.alarm)
		return
	case w.call != nil:
		c.calls[c.outbox.Call(w.call)] = ticket
		return
	case w.tell > 0:
		c.level = w.tell
	case w.end != nil:
		c.outbox.AppendMarker(*w.end)
	case w.producer != nil:
		c.sum, c.doubtful = c.sum+w.add, w.add
		c.outbox.AppendFor(*w.producer, added(w.add))
	case w.add > 0:
		c.sum += w.add
		c.outbox.Append(1<<20, added(w.add))
	}
	reply.Answer = c.sum
	if w.epoch {
		reply.Answer = c.epoch
	}
	if w.level {
		reply.Answer = c.level
	}
	c.outbox.Reply(reply)
}

// echo is a call that returns itself, once the channel inside it, where it is one, is closed.
func echo(ctx context.Context, _ int32, what any) any {
	switch what := what.(type) {
	case chan struct{}:
		select {
		case <-what:
		case <-ctx.Done():
		}
	case error:
		panic(what)
	}
	return what
}
