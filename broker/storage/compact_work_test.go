package storage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
)

// written is one batch as the test has appended it.
type written struct {
	base, last int64
	producer   int64 // -1 for none
	sequence   int32 // of the last record
	txn        bool
	// marker ends the producer's transaction; commit says how.
	marker, commit bool
	records        []writtenRecord
}

type writtenRecord struct {
	offset         int64
	key, value     string
	keyless, empty bool // null key, tombstone
}

func (r *writtenRecord) String() string {
	switch {
	case r.keyless:
		return fmt.Sprintf("%d:(null)=%s", r.offset, r.value)
	case r.empty:
		return fmt.Sprintf("%d:%s", r.offset, r.key)
	}
	return fmt.Sprintf("%d:%s=%s", r.offset, r.key, r.value)
}

// compactWork appends random batches of few keys to a log: all codecs, idempotent and transactional producers, tombstones, and
// records without key.
type compactWork struct {
	r       *rand.Rand
	walker  *record.Walker
	log     *Log
	history []written
	counter int
	nowMs   int64
	keys    int
	// keyless lets records without key appear.
	keyless bool
}

// compactProducer is a producer as its client knows it: the sequence that it uses next, its epoch, and where its last batch is.
type compactProducer struct {
	open  bool
	next  int32
	epoch int16
	base  int64
}

// raisesEpoch is the producer whose transactions are of version 2: each marker has the next epoch.
const raisesEpoch = 12

// producers are those that have written.
func (w *compactWork) producers() map[int64]compactProducer {
	all := map[int64]compactProducer{}
	for i := range w.history {
		h := &w.history[i]
		if h.producer < 0 {
			continue
		}
		p := all[h.producer]
		switch {
		case h.marker && h.producer == raisesEpoch:
			p.open, p.epoch, p.next = false, p.epoch+1, 0
		case h.marker:
			p.open = false
		default:
			p.open, p.next, p.base = h.txn, h.sequence+1, h.base
		}
		all[h.producer] = p
	}
	return all
}

// append appends one random batch; the error is that of the log.
func (w *compactWork) append() error {
	producers := w.producers()
	for _, id := range []int64{10, 11, raisesEpoch} {
		if p := producers[id]; p.open && w.r.IntN(5) == 0 {
			return w.end(id, w.r.IntN(2) == 0)
		}
	}
	h := written{producer: -1}
	attributes := int16(0)
	switch n := w.r.IntN(10); {
	case n < 3:
		h.producer = int64(1 + w.r.IntN(3))
	case n < 6:
		h.producer, h.txn = int64(10+w.r.IntN(3)), true
		attributes |= attrTransactional
	case n == 6:
		attributes |= attrLogAppendTime
	}
	var b record.Builder
	for range 1 + w.r.IntN(4) {
		r := w.record()
		var key, value []byte
		if !r.keyless {
			key = []byte(r.key)
		}
		if !r.empty {
			value = []byte(r.value)
		}
		b.Add(w.nowMs+w.r.Int64N(50), key, value, record.Header{Key: "h", Value: key})
		h.records = append(h.records, r)
	}
	batch := []byte(b.Batch())
	codec := record.Codec(w.r.IntN(5))
	batch, err := w.walker.Encode(nil, batch, codec, 3, batch[batchHeaderBytes:])
	if err != nil {
		return err
	}
	epoch, sequence := int16(-1), int32(-1)
	if h.producer >= 0 {
		epoch, sequence = producers[h.producer].epoch, producers[h.producer].next
		h.sequence = sequence + int32(len(h.records)) - 1
	}
	return w.put(sign(batch, h.producer, epoch, sequence, attributes|int16(codec)), h, client())
}

func (w *compactWork) record() writtenRecord {
	w.counter++
	r := writtenRecord{key: fmt.Sprint("key ", w.r.IntN(w.keys)), value: fmt.Sprint("value ", w.counter)}
	r.empty = w.r.IntN(5) == 0
	if r.empty {
		r.value = ""
	}
	r.keyless = w.keyless && w.r.IntN(30) == 0
	return r
}

// end ends a transaction.
func (w *compactWork) end(id int64, commit bool) error {
	m, info := record.EndTxn{ProducerID: id, Epoch: w.producers()[id].epoch, Commit: commit, CoordinatorEpoch: 1}, AppendInfo{Origin: Coordinator}
	if id == raisesEpoch {
		m.Epoch++
		info.TransactionVersion = 2
	}
	return w.put(record.MarkerBatch(m, testTime.UnixMilli()), written{producer: id, txn: true, marker: true, commit: commit}, info)
}

func (w *compactWork) put(batch []byte, h written, info AppendInfo) error {
	end := w.log.EndOffset()
	info.LeaderEpoch = 1
	_, err := w.log.Append(batch, info)
	if b := record.Batch(batch); err == nil || b.BaseOffset() >= end && end > 0 { // it may be there without the journal's knowing
		h.base, h.last = end, end+int64(b.LastOffsetDelta())
		for i := range h.records {
			h.records[i].offset = end + int64(i)
		}
		w.history = append(w.history, h)
	}
	return err
}

// cut forgets what is at an offset or behind.
func (w *compactWork) cut(end int64) {
	for n := len(w.history); n > 0 && w.history[n-1].last >= end; n-- {
		w.history = w.history[:n-1]
	}
}

// outcome says of a batch of a transaction how it ended: decided is false while it is open.
func (w *compactWork) outcome(i int) (aborted, decided bool) {
	if !w.history[i].txn {
		return false, true
	}
	for j := i + 1; j < len(w.history); j++ {
		if w.history[j].marker && w.history[j].producer == w.history[i].producer {
			return !w.history[j].commit, true
		}
	}
	return false, false
}

// committed reads the log as a read-committed consumer does: records of transactions on the broker's list of aborted ones are left
// out until the marker.
func committed(t testing.TB, l *Log) map[int64]string {
	t.Helper()
	aborted := abortedIn(t, l, l.StartOffset(), l.EndOffset())
	slices.SortFunc(aborted, func(a, b AbortedTransaction) int { return int(a.FirstOffset - b.FirstOffset) })
	skipping := map[int64]bool{}
	found := map[int64]string{}
	walker := record.NewWalker()
	for _, b := range split(readAll(t, l)) {
		b := record.Batch(b)
		for len(aborted) > 0 && aborted[0].FirstOffset <= b.LastOffset() {
			skipping[aborted[0].ProducerID] = true
			aborted = aborted[1:]
		}
		if b.Control() {
			h, _ := parseHeader(b)
			if m, ok := parseMarker(b, &h); ok && m.kind == markerAbort {
				delete(skipping, b.ProducerID())
			}
			continue
		}
		if b.Transactional() && skipping[b.ProducerID()] {
			continue
		}
		must(t, walker.Records(b, func(r record.Record) bool {
			found[r.Offset] = textOf(&r)
			return true
		}))
	}
	return found
}

func textOf(r *record.Record) string {
	w := writtenRecord{offset: r.Offset, key: string(r.Key), value: string(r.Value), keyless: r.Key == nil, empty: r.Value == nil}
	return w.String()
}

// check compares what a read-committed consumer sees with what was written. lost are offsets whose records may be missing for
// another reason than compaction.
func (w *compactWork) check(t testing.TB, what string, lost map[int64]bool) {
	t.Helper()
	start := w.log.StartOffset()
	seen := committed(t, w.log)
	latest := map[string]*writtenRecord{} // of what is decided
	known := map[int64]string{}
	for i := range w.history {
		aborted, decided := w.outcome(i)
		for j := range w.history[i].records {
			r := &w.history[i].records[j]
			if aborted {
				continue
			}
			known[r.offset] = r.String()
			if decided && !r.keyless {
				latest[r.key] = r
			}
			if !decided && seen[r.offset] == "" && r.offset >= start && !lost[r.offset] {
				t.Fatalf("%s: the record %s of an open transaction is gone", what, r)
			}
		}
	}
	for offset, text := range seen {
		if known[offset] != text {
			t.Fatalf("%s: %s was not written, or was aborted; that was %q", what, text, known[offset])
		}
	}
	for key, r := range latest {
		if !r.empty && seen[r.offset] == "" && r.offset >= start && !lost[r.offset] {
			t.Fatalf("%s: the newest value of %s is gone: %s", what, key, r)
		}
		if r.empty && seen[r.offset] == "" && r.offset >= start && !lost[r.offset] {
			w.checkDeleted(t, what, r, seen)
		}
	}
}

// checkDeleted sees to it that no older value is back where a tombstone has gone.
func (w *compactWork) checkDeleted(t testing.TB, what string, tombstone *writtenRecord, seen map[int64]string) {
	t.Helper()
	for i := range w.history {
		for j := range w.history[i].records {
			r := &w.history[i].records[j]
			if r.key == tombstone.key && !r.keyless && r.offset < tombstone.offset && seen[r.offset] != "" {
				t.Fatalf("%s: %s is back, its tombstone at %d has gone", what, r, tombstone.offset)
			}
		}
	}
}
