package storage

import (
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestProducersAreJudgedInKafkasOrder covers what ProducerAppendInfo of Apache Kafka says where several things are wrong.
func TestProducersAreJudgedInKafkasOrder(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	appendTo(t, l, sign(batchOf(2, 10, 1), 7, 3, 0, attrTransactional))
	coordinator := AppendInfo{LeaderEpoch: 1, Origin: Coordinator}
	for _, c := range []struct {
		name     string
		epoch    int16
		sequence int32
		bits     int16
		info     AppendInfo
		code     int16
	}{
		{"an older epoch comes before a gap", 2, 9, 0, client(), wire.InvalidProducerEpoch},
		{"a gap comes before a missing transaction", 3, 9, 0, client(), wire.OutOfOrderSequenceNumber},
		{"a missing transaction", 3, 2, 0, client(), wire.InvalidTxnState},
		{"a new epoch begins at 0", 4, 1, 0, client(), wire.OutOfOrderSequenceNumber},
		{"an older epoch's transaction is open", 4, 0, attrTransactional, client(), wire.InvalidTxnState},
		{"a coordinator has no sequence", 3, -1, attrTransactional, coordinator, wire.None},
		{"a coordinator has an epoch", 2, -1, attrTransactional, coordinator, wire.InvalidProducerEpoch},
		{"a replica takes what its leader took", 1, 77, attrTransactional, AppendInfo{Origin: Replication}, wire.None},
	} {
		b := sign(batchOf(1, 10, 1), 7, c.epoch, c.sequence, c.bits)
		if c.info.Origin == Replication {
			patch(b, l.EndOffset(), 1)
		}
		if _, err := l.Append(b, c.info); wire.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	must(t, d.Close())
}

// TestEpochBumpsBeginAnew follows KIP-360: a producer that has lost track bumps its epoch and begins at 0; retries of the old
// epoch are fenced, and the sequences of the new one are checked and wrap as ever.
func TestEpochBumpsBeginAnew(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	appendTo(t, l, idempotent(3, 0, math.MaxInt32-3))
	appendTo(t, l, idempotent(2, 0, math.MaxInt32)) // sequences 2147483647 and 0
	appendTo(t, l, idempotent(1, 0, 1))
	if again := appendTo(t, l, idempotent(2, 0, math.MaxInt32)); !again.Duplicate || again.BaseOffset != 3 {
		t.Errorf("a batch across the wrap, again: %+v", again)
	}
	appendTo(t, l, idempotent(1, 1, 0))
	if again := appendTo(t, l, idempotent(1, 1, 0)); !again.Duplicate {
		t.Errorf("the first batch of the new epoch, again: %+v", again)
	}
	if _, err := l.Append(idempotent(1, 1, 2), client()); wire.CodeOf(err) != wire.OutOfOrderSequenceNumber {
		t.Errorf("a gap in the new epoch: %v", err)
	}
	appendTo(t, l, idempotent(1, 1, 1))
	if _, err := l.Append(idempotent(1, 0, 2), client()); wire.CodeOf(err) != wire.InvalidProducerEpoch {
		t.Errorf("the old epoch goes on: %v", err)
	}
	must(t, d.Close())
}

// TestIdleProducersAreForgotten by the directory's time and by one that was changed at run time; then any sequence is accepted.
// One with an open transaction is not idle.
func TestIdleProducersAreForgotten(t *testing.T) {
	var clock movingClock
	cfg := testConfig(vfs.NewMemory(nil))
	cfg.Clock = clock.now
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	at := func() int64 { return clock.now().UnixMilli() }
	send := func(id int64, sequence int32, bits int16, code int16) {
		t.Helper()
		if _, err := l.Append(sign(batchOf(1, 10, at()), id, 0, sequence, bits), client()); wire.CodeOf(err) != code {
			t.Errorf("producer %d, sequence %d: %v", id, sequence, err)
		}
	}
	send(1, 0, 0, wire.None)
	send(2, 0, attrTransactional, wire.None)
	clock.pass(DefaultProducerIDExpiration - time.Millisecond)
	d.expireProducers(clock.now())
	send(1, 40, 0, wire.OutOfOrderSequenceNumber)
	clock.pass(time.Millisecond)
	d.expireProducers(clock.now())
	send(1, 40, 0, wire.None)
	send(1, 42, 0, wire.OutOfOrderSequenceNumber)
	send(2, 40, attrTransactional, wire.OutOfOrderSequenceNumber)

	changed := l.Config()
	changed.ProducerIDExpirationMs = 1000
	l.SetConfig(changed)
	clock.pass(999 * time.Millisecond)
	d.expireProducers(clock.now())
	send(1, 42, 0, wire.OutOfOrderSequenceNumber)
	clock.pass(time.Millisecond)
	d.expireProducers(clock.now())
	send(1, 99, 0, wire.None)
	must(t, d.Close())
}

// TestExpiryRunsAtItsInterval waits for the directory's own goroutine.
func TestExpiryRunsAtItsInterval(t *testing.T) {
	cfg := testConfig(vfs.NewMemory(nil))
	cfg.ProducerIDExpirationInterval = time.Millisecond
	later := atomic.Int64{}
	cfg.Clock = func() time.Time { return testTime.Add(time.Duration(later.Load())) }
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	appendTo(t, l, idempotent(1, 0, 0))
	later.Store(int64(DefaultProducerIDExpiration + time.Hour))
	ctx, tick := t.Context(), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for known := true; known; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the producer is still known")
		}
		l.mu.Lock()
		_, known = l.producers.byID[7]
		l.mu.Unlock()
	}
	must(t, d.Close())
}

// meteredFS counts the bytes that are read of .log files.
type meteredFS struct {
	vfs.FS
	read *atomic.Int64
}

// Open implements vfs.FS.
func (c meteredFS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := c.FS.Open(name, mode)
	if err == nil && strings.HasSuffix(name, logSuffix) {
		f = meteredFile{f, c.read}
	}
	return f, err
}

type meteredFile struct {
	vfs.File
	read *atomic.Int64
}

// ReadAt implements io.ReaderAt.
func (c meteredFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.File.ReadAt(p, off)
	c.read.Add(int64(n))
	return n, err
}

// TestRecoveryReadsNoSealedSegments: the producers come from a snapshot, so that an opening reads the tail alone, however long the
// log is: after a clean stop, and after a kill of a directory whose segments were made durable.
func TestRecoveryReadsNoSealedSegments(t *testing.T) {
	for _, clean := range []bool{true, false} {
		disk := vfs.NewMemory(nil)
		cfg := testConfig(disk)
		cfg.DefaultLogConfig.SegmentBytes = 256 << 10
		cfg.JournalFileBytes = 32 << 20
		d := openDir(t, cfg)
		l := newLogIn(t, d)
		for i := range int32(8000) {
			appendTo(t, l, sign(batchOf(1, 2000, testTime.UnixMilli()), int64(i%50), 0, i/50, 0))
		}
		size := l.Size()
		waitConfirmed(t, l)
		if clean {
			must(t, d.Close())
		} else {
			must(t, d.Checkpoint())
			disk = disk.Kill()
			_ = d.Close() // without its disk
		}
		read := atomic.Int64{}
		cfg.FS = meteredFS{disk, &read}
		d = openDir(t, cfg)
		l = d.Log("topic", 0)
		// Enough of the last segments is read to know the five in flight of each of the 50 producers.
		if read.Load() > size/4 {
			t.Errorf("clean %v: %d bytes of %d were read", clean, read.Load(), size)
		}
		for id := range int64(50) {
			if r := appendTo(t, l, sign(batchOf(1, 2000, testTime.UnixMilli()), id, 0, 159, 0)); !r.Duplicate {
				t.Errorf("clean %v: producer %d is not known any more", clean, id)
			}
			appendTo(t, l, sign(batchOf(1, 2000, testTime.UnixMilli()), id, 0, 160, 0))
		}
		must(t, d.Close())
	}
}
