package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// modelBatch is a batch as the slow, obvious model of compaction sees it.
type modelBatch struct {
	base, last       int64
	producer         int64
	sequence         int32
	epoch            int16
	txn, control     bool
	abort            bool // an abort marker
	emptied          bool // it had records once
	codec            record.Codec
	stamped          bool
	horizon, maximum int64
	records          []modelRecord
}

type modelRecord struct {
	text string // offset, key and value
	at   int64
	key  string
	// keyless: null key. empty: null value.
	keyless, empty bool
	offset         int64
}

// modelOf reads a log, with its checksums verified.
func modelOf(t testing.TB, l *Log) (batches []modelBatch) {
	t.Helper()
	walker := record.NewWalker()
	for _, raw := range split(readAll(t, l)) {
		b := record.Batch(raw)
		if b.CRC() != b.ComputeCRC() {
			t.Fatalf("the batch at %d has a wrong checksum", b.BaseOffset())
		}
		m := modelBatch{
			base: b.BaseOffset(), last: b.LastOffset(), producer: b.ProducerID(), sequence: b.BaseSequence(), epoch: b.ProducerEpoch(),
			txn: b.Transactional(), control: b.Control(), emptied: b.Count() == 0, codec: b.Codec(), stamped: b.LogAppendTime(),
			horizon: b.DeleteHorizon(), maximum: b.MaxTimestamp(),
		}
		h, _ := parseHeader(b)
		if mark, ok := parseMarker(b, &h); ok {
			m.abort = mark.kind == markerAbort
		}
		must(t, walker.Records(b, func(r record.Record) bool {
			m.records = append(m.records, modelRecord{textOf(&r), r.Timestamp, string(r.Key), r.Key == nil, r.Value == nil, r.Offset})
			return true
		}))
		batches = append(batches, m)
	}
	return batches
}

// modelCompact does what a round of compaction over [from, upTo) should do to all batches of a log.
func modelCompact(all []modelBatch, from, upTo, now, deleteRetention int64, last map[int64]lastRecord) (kept []modelBatch) {
	newest := map[string]int64{}
	for i, b := range all {
		for _, r := range b.records {
			if r.offset >= from && b.base < upTo && !b.control && !r.keyless && !modelAborted(all, i) {
				newest[r.key] = r.offset
			}
		}
	}
	for i, b := range all {
		if b.base >= upTo {
			kept = append(kept, b)
			continue
		}
		spent := b.control && (b.emptied || !modelHasData(all, i))
		gone := modelAborted(all, i) || spent && b.horizon >= 0 && b.horizon <= now
		out := b
		out.records = nil
		tombstones := false
		for _, r := range b.records {
			stays := b.control || !r.keyless && r.offset >= newest[r.key] && (!r.empty || b.horizon < 0 || now < b.horizon)
			if gone || !stays {
				continue
			}
			out.records = append(out.records, r)
			tombstones = tombstones || r.empty
		}
		known, active := last[b.producer]
		active = active && b.producer >= 0 && modelLasts(all, i, from, upTo, known)
		switch {
		case len(out.records) > 0:
			if (tombstones || spent) && b.horizon < 0 {
				out.horizon = now + deleteRetention
			}
			if !b.stamped {
				out.maximum = slices.MaxFunc(out.records, func(x, y modelRecord) int { return int(x.at - y.at) }).at
			}
			kept = append(kept, out)
		case active || b.last+1 == upTo:
			out.emptied, out.codec, out.horizon, out.abort = true, record.None, record.NoHorizon, false
			kept = append(kept, out)
		}
	}
	return kept
}

// modelLasts says whether batch i tells the sequence, or the epoch, of a producer that is known.
func modelLasts(all []modelBatch, i int, from, upTo int64, known lastRecord) bool {
	b := all[i]
	switch {
	case known.offset < 0:
		return b.control && known.epoch == b.epoch
	case b.control:
		return false
	case known.offset < upTo:
		return b.last == known.offset
	}
	dirty := int64(-1)
	for _, o := range all {
		if o.producer == b.producer && !o.control && o.last >= from && o.base < upTo {
			dirty = o.last
		}
	}
	return b.last == dirty || dirty < 0 && (known.below < 0 || b.last == known.below)
}

// modelAborted says whether batch i holds records of a transaction whose next marker is an abort.
func modelAborted(all []modelBatch, i int) bool {
	if !all[i].txn || all[i].control {
		return false
	}
	for _, b := range all[i+1:] {
		if b.control && b.producer == all[i].producer && !b.emptied {
			return b.abort
		}
	}
	return false
}

// modelHasData says whether there is a batch of the transaction that marker i ends.
func modelHasData(all []modelBatch, i int) bool {
	for j := i - 1; j >= 0; j-- {
		if all[j].producer == all[i].producer && all[j].txn {
			return !all[j].control
		}
	}
	return false
}

// TestCompactionDoesWhatTheModelDoes runs random rounds over random logs and compares every batch, and then every way to look for
// an offset or a time, with a slow model.
func TestCompactionDoesWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	seeds := uint64(150)
	if testing.Short() || raceDetector {
		seeds = 30
	}
	for seed := range seeds {
		what := fmt.Sprint("seed ", seed)
		r := rand.New(rand.NewPCG(seed, 11))
		disk := vfs.NewMemory(nil)
		var clock movingClock
		cfg := compactConfig(disk)
		cfg.Clock = clock.now
		cfg.DefaultLogConfig.SegmentBytes = 600 + r.Int64N(3000)
		cfg.DefaultLogConfig.IndexIntervalBytes = r.Int64N(800)
		cfg.DefaultLogConfig.DeleteRetentionMs = r.Int64N(2000)
		d := openDir(t, cfg)
		w := &compactWork{r: r, walker: record.NewWalker(), log: newLogIn(t, d), keys: 1 + r.IntN(12), keyless: true}
		c := testCleaner(t, d, cfg.Clock)
		for range 2 + r.IntN(5) {
			for range r.IntN(60) {
				w.nowMs = clock.now().UnixMilli()
				must(t, w.append())
			}
			waitConfirmed(t, w.log)
			clock.pass(time.Duration(r.IntN(1500)) * time.Millisecond)
			modelRound(t, what, c, w, clock.now())
			if r.IntN(4) == 0 {
				must(t, d.Close())
				d = openDir(t, cfg)
				w.log, c = d.Log("topic", 0), testCleaner(t, d, cfg.Clock)
			}
		}
		must(t, d.Close())
	}
}

func modelRound(t *testing.T, what string, c *Cleaner, w *compactWork, now time.Time) {
	t.Helper()
	l := w.log
	before := modelOf(t, l)
	must(t, l.d.Checkpoint())
	stable := l.Confirmed()
	if first, ok := l.FirstUnstable(stable); ok {
		stable = min(stable, first)
	}
	span := l.dirt(now, stable, true)
	l.mu.Lock()
	last := l.producers.lastRecords(span.upTo)
	l.mu.Unlock()
	done := c.Clean(context.Background())
	if done != (span.dirty > 0) {
		t.Fatalf("%s: %d bytes are dirty, compacted is %t", what, span.dirty, done)
	}
	want := before
	if done {
		want = modelCompact(before, span.from, span.upTo, now.UnixMilli(), l.Config().DeleteRetentionMs, last)
	}
	got := modelOf(t, l)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
			t.Fatalf("%s: compacted %d to %d: batch %d\nis   %+v\nwant %+v", what, span.from, span.upTo, i, at(got, i), at(want, i))
		}
	}
	w.check(t, what, nil)
	lookUp(t, what, l, got)
}

func at(b []modelBatch, i int) any {
	if i < len(b) {
		return b[i]
	}
	return "none"
}

// lookUp reads from every offset and looks for times.
func lookUp(t *testing.T, what string, l *Log, batches []modelBatch) {
	t.Helper()
	for offset := l.StartOffset(); offset < l.EndOffset(); offset++ {
		data, err := l.Read(offset, 1, l.EndOffset(), true, nil)
		must(t, err)
		i := slices.IndexFunc(batches, func(b modelBatch) bool { return b.last >= offset })
		if first := record.Batch(data).BaseOffset(); first != batches[i].base {
			t.Fatalf("%s: a read from %d begins at %d, not %d", what, offset, first, batches[i].base)
		}
	}
	for ts := testTime.UnixMilli(); ts < testTime.UnixMilli()+9000; ts += 97 {
		want := int64(-1)
		for _, b := range batches {
			for _, r := range b.records {
				if r.at >= ts && want < 0 {
					want = r.offset
				}
			}
		}
		found, ok, err := l.OffsetForTimestamp(ts, l.EndOffset())
		must(t, err)
		if ok != (want >= 0) || ok && found.Offset != want {
			t.Fatalf("%s: the time %d is found at %d (%t), not %d", what, ts, found.Offset, ok, want)
		}
	}
}
