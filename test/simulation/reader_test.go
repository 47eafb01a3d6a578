package simulation

import (
	"time"

	"github.com/chronik-stream/chronik/test/history"
)

// reader reads all accounts, over and over, until clients have been quiet for a while.
type reader struct {
	w         *world
	number    int
	committed bool
	positions [accounts]int64
}

func (w *world) startReader(committed bool) *reader {
	w.clients++
	r := &reader{w: w, number: w.clients, committed: committed}
	for i := range accounts {
		r.assign(i, 0)
	}
	r.next()
	return r
}

func (r *reader) next() {
	if r.w.now.After(r.w.quiet.Add(3 * txnTimeout)) {
		return
	}
	r.w.after(r.w.upTo(20*time.Millisecond), func() {
		i := r.w.r.IntN(accounts)
		switch {
		case r.w.broker == nil:
			r.next()
		case r.w.trouble(50):
			r.assign(i, r.w.r.Int64N(r.positions[i]+1))
			r.next()
		case r.w.oneIn(10):
			ev := history.Event{Client: r.number, Op: history.Stable, Topic: account(i).Topic, Offset: r.w.disk.partition(account(i)).stable()}
			r.w.after(r.w.upTo(5*time.Millisecond), func() { r.w.record(ev); r.next() })
		default:
			ev := r.read(i)
			r.w.after(r.w.upTo(5*time.Millisecond), func() { r.w.record(ev); r.next() })
		}
	})
}

func (r *reader) assign(i int, position int64) {
	r.positions[i] = position
	r.w.record(history.Event{Client: r.number, Op: history.Assign, Topic: account(i).Topic, Offset: position})
}

// read reads some of what is there, and moves on.
func (r *reader) read(i int) history.Event {
	l := r.w.disk.partition(account(i))
	end := l.confirmed()
	if r.committed {
		end = l.stable()
	}
	from := r.positions[i]
	end = min(end, from+1+r.w.r.Int64N(20))
	ev := history.Event{Client: r.number, Op: history.Poll, Topic: account(i).Topic, Committed: r.committed, Next: end}
	if from < end {
		ev.Records = l.read(from, end, r.committed)
		r.positions[i] = end
	}
	return ev
}
