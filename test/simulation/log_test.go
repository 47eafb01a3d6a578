package simulation

import (
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
)

// log is one partition's log. An entry has one offset: its index.
type log struct {
	w       *world
	at      txn.TopicPartition
	entries []entry
	// synced is how many entries survive a crash, confirmed how many count as if they did.
	synced, confirmed int
	// syncAt is when the last sync that is under way ends.
	syncAt  time.Time
	waiting []waiter
	known   producers
}

// entry is a client's record, a coordinator's, or a marker.
type entry struct {
	value  string
	record coordinator.Record
	// producer has the ID -1 where there is none; sequence is -1 where there is none.
	producer      txn.Producer
	sequence      int32
	transactional bool
	marker        *coordinator.Marker
}

// waiter is told when so many entries are confirmed.
type waiter struct {
	end int
	run func()
}

func (w *world) addLog(at txn.TopicPartition) {
	l := &log{w: w, at: at, known: producers{}}
	w.logs[at] = l
	w.inOrder = append(w.inOrder, l)
}

// append adds entries, which become confirmed after a while, and then calls the function. A crash forgets the function.
func (l *log) append(confirmed func(), entries ...entry) (offset int64) {
	offset = int64(len(l.entries))
	for i := range entries {
		l.known.take(int64(len(l.entries)), &entries[i])
		l.entries = append(l.entries, entries[i])
	}
	end := len(l.entries)
	l.waiting = append(l.waiting, waiter{end, confirmed})
	at := l.w.now.Add(l.w.upTo(10 * time.Millisecond))
	if at.Before(l.syncAt) {
		at = l.syncAt
	}
	l.syncAt = at
	owner := l.w.broker
	l.w.after(at.Sub(l.w.now), func() {
		if l.w.broker == owner {
			l.synced = max(l.synced, end)
			l.confirm(end)
		}
	})
	if l.w.faults.confirmsEarly {
		l.confirm(end)
	}
	return offset
}

func (l *log) confirm(end int) {
	l.confirmed = max(l.confirmed, end)
	l.known.confirm(int64(l.confirmed))
	for len(l.waiting) > 0 && l.waiting[0].end <= l.confirmed {
		run := l.waiting[0].run
		l.waiting = l.waiting[1:]
		l.w.after(0, run)
	}
}

// crash loses some of what is not synced, and all that is in memory only.
func (l *log) crash() {
	l.entries = l.entries[:l.synced+l.w.r.IntN(len(l.entries)-l.synced+1)]
	l.synced, l.confirmed = len(l.entries), len(l.entries)
	l.syncAt, l.waiting, l.known = time.Time{}, nil, producers{}
	for i := range l.entries {
		l.known.take(int64(i), &l.entries[i])
	}
	l.known.confirm(int64(len(l.entries)))
}

// lastStable is up to where read-committed readers read.
func (l *log) lastStable() int64 {
	if l.w.faults.stableIsEnd {
		return int64(l.confirmed)
	}
	return min(int64(l.confirmed), l.known.firstUnstable())
}
