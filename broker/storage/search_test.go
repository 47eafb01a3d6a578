package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// timed is a record of the model.
type timed struct {
	segment      int // the place of its segment
	offset, time int64
}

// TestTimesAreFoundAsByAScan compares the searches by time with a scan over everything that follows Apache Kafka's rule: the first
// segment that has a time as late as that; there the first record from the log's start on. Batches of all codecs, markers, both
// timestamp types and records without a time stand in no order of time, over many segments.
func TestTimesAreFoundAsByAScan(t *testing.T) {
	for seed := range uint64(20) {
		disk := vfs.NewMemory(nil)
		d := openDir(t, testConfig(disk))
		l := newLogIn(t, d)
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // reproducible
		for range 80 {
			if _, err := l.Append(randomBatch(t, random), AppendInfo{LeaderEpoch: 1, Origin: Coordinator}); err != nil {
				t.Fatal(err)
			}
		}
		if seed%3 > 0 {
			waitConfirmed(t, l)
			must(t, l.DeleteRecordsBefore(random.Int64N(l.EndOffset())))
		}
		compareSearches(t, seed, l, random)
		must(t, d.Close())
		d = openDir(t, testConfig(disk))
		compareSearches(t, seed, d.Log("topic", 0), random)
		must(t, d.Close())
	}
}

// randomBatch is one of 1 to 20 records, a marker, or one with the time of its append.
func randomBatch(t *testing.T, random *rand.Rand) []byte {
	t.Helper()
	const start = 1000
	if random.IntN(10) == 0 {
		b, at := markerBatch(markerCommit, 0), uint64(start+random.Int64N(400))
		binary.BigEndian.PutUint64(b[27:], at)
		binary.BigEndian.PutUint64(b[35:], at)
		return sign(b, 7, 0, -1, attrControl|attrTransactional)
	}
	var b record.Builder
	for i := range 1 + random.IntN(20) {
		at := start + random.Int64N(300)
		if random.IntN(20) == 0 {
			at = -1
		}
		b.Add(at, fmt.Appendf(nil, "%d", i), make([]byte, random.IntN(200)))
	}
	plain := b.Batch()
	if random.IntN(6) == 0 {
		plain[22] |= attrLogAppendTime
		binary.BigEndian.PutUint64(plain[35:], uint64(start+random.Int64N(400)))
		binary.BigEndian.PutUint32(plain[17:], crc32.Checksum(plain[21:], castagnoli))
	}
	out, err := record.NewWalker().Encode(nil, plain, record.Codec(random.IntN(5)), 3, plain.Records())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compareSearches asks for every time, with an end somewhere.
func compareSearches(t *testing.T, seed uint64, l *Log, random *rand.Rand) {
	t.Helper()
	all, largest := scanTimes(t, l)
	for ts := int64(990); ts < 1410; ts++ {
		upTo := l.EndOffset()
		if random.IntN(3) == 0 {
			upTo = random.Int64N(upTo + 1)
		}
		want := firstAt(all, largest, ts, l.StartOffset(), upTo)
		got, ok, err := l.OffsetForTimestamp(ts, upTo)
		if err != nil || ok != (want != nil) || ok && (got.Offset != want.offset || got.Timestamp != want.time || got.LeaderEpoch != 1) {
			t.Fatalf("seed %d, time %d below %d: %+v %v %v, want %+v", seed, ts, upTo, got, ok, err, want)
		}
	}
	best := 0
	for i := range largest {
		if largest[i] > largest[best] {
			best = i
		}
	}
	for _, r := range all {
		if r.segment == best && r.time == largest[best] {
			got, ok, err := l.MaxTimestamp(l.EndOffset())
			if err != nil || !ok || got.Offset != r.offset || got.Timestamp != r.time {
				t.Fatalf("seed %d: the largest time is %+v %v %v, want %+v", seed, got, ok, err, r)
			}
			return
		}
	}
}

// scanTimes lists the records of the segments with their times, and the largest time of each segment.
func scanTimes(t *testing.T, l *Log) (all []timed, largest []int64) {
	t.Helper()
	w := record.NewWalker()
	for i, s := range *l.segments.Load() {
		largest = append(largest, -1)
		data := make([]byte, s.size.Load())
		f, err := l.d.cfg.FS.Open(s.name(logSuffix), vfs.ReadWrite)
		must(t, err)
		must(t, readFull(f, data, 0))
		must(t, f.Close())
		record.Batches(data, func(b record.Batch) bool {
			largest[i] = max(largest[i], b.MaxTimestamp())
			must(t, w.Records(b, func(r record.Record) bool {
				all = append(all, timed{i, r.Offset, r.Timestamp})
				return true
			}))
			return true
		})
	}
	return all, largest
}

func firstAt(all []timed, largest []int64, ts, from, upTo int64) *timed {
	segment := 0
	for segment < len(largest) && largest[segment] < ts {
		segment++
	}
	for i := range all {
		if r := &all[i]; r.segment == segment && r.time >= ts && r.offset >= from {
			if r.offset < upTo {
				return r
			}
			return nil
		}
	}
	return nil
}
