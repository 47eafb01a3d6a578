package storage

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// abortWork writes random transactions to a log, cuts, compacts and stops it in all ways, and knows which were aborted.
type abortWork struct {
	t       *testing.T
	r       *rand.Rand
	disk    *vfs.Memory
	d       *Directory
	l       *Log
	compact bool
	history []txnStep
}

// txnStep is one batch of a producer.
type txnStep struct {
	id, offset     int64
	marker, commit bool
}

// TestAbortedTransactionsAreThoseOfAModel compares what the log says was aborted, in any range of offsets, with what was.
func TestAbortedTransactionsAreThoseOfAModel(t *testing.T) {
	t.Parallel()
	first, count := seedRange(t, 60)
	for seed := first; seed < first+count && !t.Failed(); seed++ {
		w := &abortWork{t: t, r: rand.New(rand.NewPCG(seed, 7)), disk: vfs.NewMemory(nil), compact: seed%3 == 2}
		w.open()
		for range 1200 {
			w.step()
		}
		w.check()
		must(t, w.d.Close())
		if t.Failed() {
			t.Logf("CHRONIK_SEED=%d repeats this failure", seed)
		}
	}
}

func (w *abortWork) open() {
	cfg := testConfig(w.disk)
	cfg.DefaultLogConfig.SegmentBytes = 48 << 10
	cfg.DefaultLogConfig.Compact, cfg.DefaultLogConfig.CompactOnly, cfg.DefaultLogConfig.MinCleanableRatio = w.compact, w.compact, 0
	w.d = openDir(w.t, cfg)
	if w.l = w.d.Log("topic", 0); w.l == nil {
		w.l = newLogIn(w.t, w.d)
	}
	w.cut(w.l.EndOffset())
}

func (w *abortWork) cut(end int64) {
	for n := len(w.history); n > 0 && w.history[n-1].offset >= end; n-- {
		w.history = w.history[:n-1]
	}
}

func (w *abortWork) step() {
	switch n := w.r.IntN(400); {
	case n < 190:
		w.put(txnStep{id: int64(1 + w.r.IntN(5))})
	case n < 370:
		w.end()
	case n < 380:
		must(w.t, w.d.Checkpoint())
	case n < 385:
		end := max(w.l.EndOffset()-w.r.Int64N(60), 0)
		if w.compact { // what is compacted is below the high watermark
			end = max(end, w.l.active().base)
		}
		must(w.t, w.l.Truncate(end))
		w.cut(end)
	case n < 389:
		must(w.t, w.d.Close())
		w.open()
	case n < 393:
		waitConfirmed(w.t, w.l)
		next := w.disk.Kill()
		if w.r.IntN(2) == 0 {
			next = w.disk.Crash(w.r.Uint64())
		}
		_ = w.d.Close() // without its disk
		w.disk = next
		w.open()
	case n < 396 && w.compact:
		must(w.t, w.d.Checkpoint())
		testCleaner(w.t, w.d, w.d.cfg.Clock).Clean(w.t.Context())
	default:
		w.check()
	}
}

// put appends a batch of a transaction, or its marker.
func (w *abortWork) put(s txnStep) {
	batch := keyed(string(rune('a'+w.r.IntN(20))), "value")
	attributes, kind := int16(attrTransactional), int16(markerAbort)
	if s.marker {
		if s.commit {
			kind = markerCommit
		}
		batch, attributes = markerBatch(kind, 1), attrTransactional|attrControl
	}
	r, err := w.l.Append(sign(batch, s.id, 0, -1, attributes), AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
	must(w.t, err)
	s.offset = r.BaseOffset
	w.history = append(w.history, s)
}

// end commits or aborts one of the open transactions.
func (w *abortWork) end() {
	open := map[int64]bool{}
	for _, s := range w.history {
		open[s.id] = !s.marker
	}
	for id := int64(1 + w.r.IntN(5)); id <= 5; id++ {
		if open[id] {
			w.put(txnStep{id: id, marker: true, commit: w.r.IntN(3) == 0})
			return
		}
	}
}

// aborted are the aborted transactions in the order of their markers.
func (w *abortWork) aborted() (list []AbortedTransaction) {
	first := map[int64]int64{}
	for _, s := range w.history {
		from, open := first[s.id]
		switch {
		case !s.marker && !open:
			first[s.id] = s.offset
		case s.marker:
			delete(first, s.id)
			if !s.commit {
				list = append(list, AbortedTransaction{ProducerID: s.id, FirstOffset: from, LastOffset: s.offset})
			}
		}
	}
	return list
}

// check compares a few ranges. Compaction takes the transactions of which nothing is left from the log's list.
func (w *abortWork) check() {
	all := w.aborted()
	var left []header
	if w.compact {
		for _, b := range split(readAll(w.t, w.l)) {
			h, _ := parseHeader(b)
			left = append(left, h)
		}
	}
	for range 20 {
		from := w.r.Int64N(w.l.EndOffset() + 1)
		upTo := from + w.r.Int64N(w.l.EndOffset()-from+1)
		got := abortedIn(w.t, w.l, from, upTo)
		want := slices.DeleteFunc(slices.Clone(all), func(a AbortedTransaction) bool {
			if a.LastOffset < from || a.FirstOffset >= upTo {
				return true
			}
			gone := w.compact && !slices.ContainsFunc(left, func(h header) bool {
				return h.producerID == a.ProducerID && !h.control() && h.count > 0 && h.base >= a.FirstOffset && h.last() < a.LastOffset
			})
			return gone && !slices.Contains(got, a)
		})
		if from == upTo {
			want = want[:0]
		}
		if !slices.Equal(got, want) {
			w.t.Fatalf("from %d up to %d of %d: %d are aborted, and not %d: %v instead of %v", from, upTo, w.l.EndOffset(), len(got), len(want), got, want)
		}
	}
}
