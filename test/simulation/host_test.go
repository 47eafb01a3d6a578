package simulation

import (
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// machine is a coordinator of transactions or of groups.
type machine interface {
	Replay(e coordinator.Entry) error
	Step(ev coordinator.Event, now time.Time) []coordinator.Effect
}

// host runs a coordinator's machine, one after the other.
type host struct {
	w       *world
	broker  *broker
	at      txn.TopicPartition
	make    func() machine
	machine machine
	tickets map[uint64]func(int16, any)
	ticket  uint64
	wakes   int
}

// newTransactions returns a coordinator of transactions.
func (b *broker) newTransactions() machine {
	return transactions{txn.New(txn.Config{
		MaxTimeout: time.Minute, AbortInterval: abortInterval, IDExpiration: b.w.draw.expiry, ExpiryInterval: time.Second,
		MarkerRetryMin: 10 * time.Millisecond, MarkerRetryMax: 200 * time.Millisecond, MaxAppendBytes: 4096,
	}, b.epoch, b.w.level)}
}

type transactions struct{ *txn.Machine }

func (m transactions) Replay(e coordinator.Entry) error { return m.Machine.Replay(e.Record) }

// load makes the machine anew, as after a start or a failed append.
func (h *host) load() {
	m := h.make()
	switch err := h.w.disk.partition(h.at).replay(m.Replay); {
	case err == nil:
	case h.w.disk.failed(): // the power went before, or meanwhile
		h.reload()
		return
	default:
		h.w.breaks("replay %v: %v", h.at, err)
	}
	h.machine, h.tickets, h.wakes = m, map[uint64]func(int16, any){}, h.wakes+1
	h.step(m, coordinator.Loaded{})
}

// ask hands over a request: the event of a ticket.
func (h *host) ask(request func(ticket uint64) coordinator.Event, reply func(int16, any)) {
	if h.machine == nil {
		reply(wire.CoordinatorLoadInProgress, nil)
		return
	}
	h.ticket++
	h.tickets[h.ticket] = reply
	h.step(h.machine, request(h.ticket))
}

// step has a machine take a step, if it is still the one at work, which its own effects may change.
func (h *host) step(m machine, ev coordinator.Event) {
	if h.machine != m {
		return
	}
	refused := wire.None
	for _, e := range m.Step(ev, h.w.now) {
		if h.machine != m {
			return
		}
		switch e := e.(type) {
		case coordinator.Append:
			refused = h.append(m, e)
		case coordinator.Reply:
			h.reply(e)
		case coordinator.WakeAt:
			h.wakeAt(m, e.At)
		case coordinator.Call:
			h.call(m, e)
		}
	}
	if refused != wire.None {
		h.step(m, coordinator.Refused{Code: refused})
	}
}

func (h *host) reply(r coordinator.Reply) {
	back := h.tickets[r.Ticket]
	if back == nil {
		h.w.breaks("ticket %d is answered that is not open", r.Ticket)
		return
	}
	delete(h.tickets, r.Ticket)
	owner := h.broker
	h.w.after(0, func() {
		if h.w.broker == owner {
			back(r.Code, r.Answer)
		}
	})
}

func (h *host) wakeAt(m machine, at time.Time) {
	h.wakes++
	wake := h.wakes
	if at.IsZero() || h.w.faults.neverWakes {
		return
	}
	h.w.after(max(at.Sub(h.w.now), 1), func() {
		if h.wakes == wake {
			h.step(m, coordinator.Woken{})
		}
	})
}

// append writes what the machine wants written, or ends the machine's life or the broker's, before or after. It returns why the log does not
// take an append.
func (h *host) append(m machine, a coordinator.Append) int16 {
	fails, crashes := h.w.trouble(h.w.draw.crash), h.w.trouble(h.w.draw.crash)
	if written := !fails && !crashes || h.w.oneIn(2); written {
		if code := h.w.disk.partition(h.at).take(a, func() { h.step(m, coordinator.Appended{Seq: a.Seq}) }); code != wire.None {
			return code
		}
	}
	switch {
	case crashes:
		h.w.crash()
	case fails:
		h.fail(m)
	}
	return wire.None
}

// fail has the machine end because an append has failed, and loads another one when nothing of it is under way any more: what its calls
// have not done by now, they never do.
func (h *host) fail(m machine) {
	for _, e := range m.Step(coordinator.Failed{Code: wire.NotCoordinator}, h.w.now) {
		if r, ok := e.(coordinator.Reply); ok {
			h.reply(r)
		}
	}
	h.machine = nil
	h.reload()
}

// reload loads a machine when all that it is going to read is confirmed: it acts on it at once.
func (h *host) reload() {
	h.w.after(h.w.upTo(20*time.Millisecond), func() {
		p := h.w.disk.partition(h.at)
		switch {
		case h.w.broker != h.broker:
		case p.confirmed() < p.end():
			h.reload()
		default:
			h.load()
		}
	})
}
