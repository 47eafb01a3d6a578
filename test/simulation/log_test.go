package simulation

import (
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/test/history"
)

// modelDisk keeps logs in memory, by the rules of broker/storage.
type modelDisk struct {
	w    *world
	logs map[txn.TopicPartition]*log
}

func newModelDisk(w *world) *modelDisk {
	d := &modelDisk{w: w, logs: map[txn.TopicPartition]*log{}}
	for _, at := range w.places() {
		d.logs[at] = &log{w: w, known: producers{}}
	}
	return d
}

func (d *modelDisk) open() error { return nil }
func (d *modelDisk) close()      {}

func (d *modelDisk) failed() bool { return false }

func (d *modelDisk) crash() {
	for _, at := range d.w.places() {
		d.logs[at].crash()
	}
}

func (d *modelDisk) partition(at txn.TopicPartition) partition { return d.logs[at] }

// log is the partition of a modelDisk. An entry has one offset: its index.
type log struct {
	w       *world
	entries []entry
	// synced is how many entries survive a crash, sure how many count as if they did.
	synced, sure int
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
	l.sure = max(l.sure, end)
	l.known.confirm(int64(l.sure))
	for len(l.waiting) > 0 && l.waiting[0].end <= l.sure {
		run := l.waiting[0].run
		l.waiting = l.waiting[1:]
		l.w.after(0, run)
	}
}

// crash loses some of what is not synced, and all that is in memory only.
func (l *log) crash() {
	l.entries = l.entries[:l.synced+l.w.r.IntN(len(l.entries)-l.synced+1)]
	l.synced, l.sure = len(l.entries), len(l.entries)
	l.syncAt, l.waiting, l.known = time.Time{}, nil, producers{}
	for i := range l.entries {
		l.known.take(int64(i), &l.entries[i])
	}
	l.known.confirm(int64(len(l.entries)))
}

func (l *log) end() int64       { return int64(len(l.entries)) }
func (l *log) confirmed() int64 { return int64(l.sure) }

func (l *log) stable() int64 {
	if l.w.faults.stableIsEnd {
		return l.confirmed()
	}
	return min(l.confirmed(), l.known.firstUnstable())
}

func (l *log) put(value string) {
	l.append(func() {}, entry{value: value, producer: txn.Producer{ID: -1}, sequence: -1})
}

func (l *log) read(from, to int64, committed bool) (records []history.Record) {
	for o := from; o < to; o++ {
		if e := &l.entries[o]; e.marker == nil && (!committed || !l.known.isAborted(e.producer.ID, o)) {
			records = append(records, history.Record{Offset: o, Value: e.value})
		}
	}
	return records
}

func (l *log) replay(yield func(coordinator.Entry) error) error {
	for i := range l.entries {
		e := &l.entries[i]
		if err := yield(coordinator.Entry{
			Record: e.record, Transactional: e.transactional, ProducerID: e.producer.ID, Marker: e.marker,
		}); err != nil {
			return err
		}
	}
	return nil
}
