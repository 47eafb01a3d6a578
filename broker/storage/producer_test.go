package storage

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// sign sets the producer fields and attributes of a batch, and its checksum.
func sign(b []byte, id int64, epoch int16, sequence int32, attributes int16) []byte {
	binary.BigEndian.PutUint64(b[43:], uint64(id))
	binary.BigEndian.PutUint16(b[51:], uint16(epoch))
	binary.BigEndian.PutUint32(b[53:], uint32(sequence))
	binary.BigEndian.PutUint16(b[21:], uint16(attributes))
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

func idempotent(n int, epoch int16, sequence int32) []byte {
	return sign(batchOf(n, 10, testTime.UnixMilli()), 7, epoch, sequence, 0)
}

func TestSequences(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	steps := []struct {
		name     string
		n        int
		epoch    int16
		sequence int32
		code     int16
		base     int64
		again    bool
	}{
		{"an unknown producer starts anywhere", 2, 3, 40, wire.None, 0, false},
		{"the next one", 3, 3, 42, wire.None, 2, false},
		{"a gap", 1, 3, 46, wire.OutOfOrderSequenceNumber, 0, false},
		{"the last one again", 3, 3, 42, wire.None, 2, true},
		{"the first one again", 2, 3, 40, wire.None, 0, true},
		{"part of one again", 1, 3, 42, wire.OutOfOrderSequenceNumber, 0, false},
		{"an older epoch", 1, 2, 45, wire.InvalidProducerEpoch, 0, false},
		{"a newer epoch that does not start at 0", 1, 4, 45, wire.OutOfOrderSequenceNumber, 0, false},
		{"a newer epoch", 1, 4, 0, wire.None, 5, false},
		{"the older epoch again", 3, 3, 42, wire.InvalidProducerEpoch, 0, false},
	}
	for _, s := range steps {
		r, err := l.Append(idempotent(s.n, s.epoch, s.sequence), client())
		if wire.CodeOf(err) != s.code {
			t.Fatalf("%s: %v", s.name, err)
		}
		if err == nil && (r.BaseOffset != s.base || r.LastOffset != s.base+int64(s.n)-1 || r.Duplicate != s.again) {
			t.Fatalf("%s: %+v", s.name, r)
		}
	}
	if l.EndOffset() != 6 {
		t.Fatalf("the log ends at %d", l.EndOffset())
	}
	must(t, d.Close())
}

func TestFiveBatchesAreRememberedAcrossRestarts(t *testing.T) {
	for _, clean := range []bool{true, false} {
		for _, others := range []int{0, 1, 90} { // batches of another producer that come between, over several segments
			disk := vfs.NewMemory(nil)
			d := openDir(t, testConfig(disk))
			l := newLogIn(t, d)
			bases := map[int32]int64{}
			for i := range int32(8) {
				bases[i] = appendTo(t, l, idempotent(1, 0, i)).BaseOffset
				for n := range others {
					appendTo(t, l, sign(batchOf(1, 800, testTime.UnixMilli()), 8, 0, i*int32(others)+int32(n), 0))
				}
			}
			waitConfirmed(t, l)
			if !clean {
				disk = disk.Kill()
			}
			err := d.Close()
			if clean {
				must(t, err)
			}
			d = openDir(t, testConfig(disk))
			l = d.Log("topic", 0)
			for i := int32(3); i < 8; i++ {
				r, err := l.Append(idempotent(1, 0, i), client())
				if err != nil || !r.Duplicate || r.BaseOffset != bases[i] {
					t.Fatalf("clean %v, %d others: batch %d again: %+v, %v", clean, others, i, r, err)
				}
			}
			if _, err := l.Append(idempotent(1, 0, 9), client()); wire.CodeOf(err) != wire.OutOfOrderSequenceNumber {
				t.Fatalf("clean %v: a gap: %v", clean, err)
			}
			must(t, d.Close())
		}
	}
}

func TestSequencesWrap(t *testing.T) {
	for _, c := range []struct{ s, n, want int32 }{{0, 1, 1}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 3, 1}, {5, 0, 5}} {
		if got := addSequence(c.s, c.n); got != c.want {
			t.Errorf("%d + %d is %d", c.s, c.n, got)
		}
		if got := subtractSequence(c.want, c.n); got != c.s {
			t.Errorf("%d - %d is %d", c.want, c.n, got)
		}
	}
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	appendTo(t, l, idempotent(3, 0, math.MaxInt32-1)) // ends at sequence 0
	appendTo(t, l, idempotent(1, 0, 1))
	must(t, d.Close())
}

// markerBatch ends a transaction of producer 7 in epoch 0.
func markerBatch(kind int16, coordinatorEpoch int32) []byte {
	return endOf(0, kind == markerCommit, coordinatorEpoch)
}

func TestTransactions(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	transactional := func(sequence int32) []byte { return sign(batchOf(2, 10, 1), 7, 0, sequence, attrTransactional) }
	coordinator := AppendInfo{LeaderEpoch: 1, Origin: Coordinator}
	appendTo(t, l, transactional(0))
	if first, ok := l.FirstUnstable(2); !ok || first != 0 {
		t.Fatalf("open transaction: %d, %v", first, ok)
	}
	if _, err := l.Append(idempotent(1, 0, 2), client()); wire.CodeOf(err) != wire.InvalidTxnState {
		t.Fatalf("a batch outside of the open transaction: %v", err)
	}
	_, err := l.Append(markerBatch(markerAbort, 5), coordinator)
	must(t, err)
	if first, ok := l.FirstUnstable(2); !ok || first != 0 {
		t.Fatalf("the marker is not below the high watermark: %d, %v", first, ok)
	}
	if first, ok := l.FirstUnstable(3); ok {
		t.Fatalf("the transaction is over: %d", first)
	}
	if _, err := l.Append(markerBatch(markerCommit, 4), coordinator); wire.CodeOf(err) != wire.TransactionCoordinatorFenced {
		t.Fatalf("a marker of an older coordinator: %v", err)
	}
	appendTo(t, l, transactional(2))
	_, err = l.Append(markerBatch(markerCommit, 5), coordinator)
	must(t, err)
	want := abortedTxn{producerID: 7, first: 0, last: 2, stable: 3}
	if got := entriesOf(t, l.active()); len(got) != 1 || got[0] != want {
		t.Fatalf("aborted transactions: %+v", got)
	}
	waitConfirmed(t, l)
	next := disk.Crash(5)
	_ = d.Close() // without power
	d = openDir(t, testConfig(next))
	l = d.Log("topic", 0)
	if got := entriesOf(t, l.active()); len(got) != 1 || got[0] != want {
		t.Fatalf("aborted transactions after a crash: %+v", got)
	}
	must(t, d.Close())
}

// TestEndedTransactionsAreForgotten: nobody may ask for the last stable offset, and retention looks at each log.
func TestEndedTransactionsAreForgotten(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	for i := range int32(3) {
		appendTo(t, l, sign(batchOf(1, 10, testTime.UnixMilli()), 7, 0, i, attrTransactional))
		_, err := l.Append(markerBatch(markerCommit, 5), AppendInfo{LeaderEpoch: 1, Origin: Coordinator})
		must(t, err)
	}
	waitConfirmed(t, l)
	const last = 5 // offset of the last marker
	_, err := l.Retain(testTime, last)
	must(t, err)
	if n := len(l.producers.closed); n != 1 {
		t.Fatalf("%d ended transactions, and one has its marker at the high watermark", n)
	}
	must(t, d.Close())
}

func TestSnapshotsAreChecked(t *testing.T) {
	s := newProducers()
	h, _ := parseHeader(idempotent(2, 1, 5))
	s.update(&h, nil)
	data := s.encode()
	if _, err := decodeProducers(data, 0, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] ^= 1
		if _, err := decodeProducers(data, 0, math.MaxInt64); err == nil {
			t.Fatalf("byte %d is damaged and nobody noticed", i)
		}
		data[i] ^= 1
	}
	for n := range data {
		if _, err := decodeProducers(data[:n], 0, math.MaxInt64); err == nil {
			t.Fatalf("cut to %d bytes and nobody noticed", n)
		}
	}
	idle, err := decodeProducers(data, testTime.UnixMilli()+1000, 500)
	must(t, err)
	if len(idle.byID) != 0 {
		t.Fatal("an idle producer was not forgotten")
	}
}
