package storage

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// ofTransaction is a batch of a record in a transaction of producer 7.
func ofTransaction(epoch int16, sequence int32) []byte {
	return sign(batchOf(1, 10, testTime.UnixMilli()), 7, epoch, sequence, attrTransactional)
}

func endOf(epoch int16, commit bool, coordinatorEpoch int32) []byte {
	return record.MarkerBatch(record.EndTxn{ProducerID: 7, Epoch: epoch, Commit: commit, CoordinatorEpoch: coordinatorEpoch}, testTime.UnixMilli())
}

func coordinator() AppendInfo { return AppendInfo{LeaderEpoch: 1, Origin: Coordinator} }

// TestMarkersAreJudgedByTheirVersion covers what ProducerAppendInfo of Apache Kafka says of markers: those of transaction version 2 raise
// the producer's epoch, unless they come again.
func TestMarkersAreJudgedByTheirVersion(t *testing.T) {
	const known, coordinatorEpoch = 4, 9
	for _, c := range []struct {
		name        string
		known       int16
		open        bool
		version     int8
		epoch       int16
		coordinator int32
		code        int16
	}{
		{"version 0, the same epoch", known, true, 0, known, coordinatorEpoch, wire.None},
		{"version 1, the same epoch", known, true, 1, known, coordinatorEpoch, wire.None},
		{"version 1, a later epoch", known, true, 1, known + 1, coordinatorEpoch, wire.None},
		{"version 1, an older epoch", known, true, 1, known - 1, coordinatorEpoch, wire.InvalidProducerEpoch},
		{"version 1, nothing open", known, false, 1, known, coordinatorEpoch, wire.None},
		{"version 2, the next epoch", known, true, 2, known + 1, coordinatorEpoch, wire.None},
		{"version 2, the same epoch: a late marker of the transaction before", known, true, 2, known, coordinatorEpoch, wire.InvalidProducerEpoch},
		{"version 2, the same epoch again", known, false, 2, known, coordinatorEpoch, wire.None},
		{"version 2, an older epoch again", known, false, 2, known - 1, coordinatorEpoch, wire.InvalidProducerEpoch},
		{"version 2, no epoch is left", fencingEpoch, true, 2, fencingEpoch, coordinatorEpoch, wire.None},
		{"version 1, an older coordinator", known, true, 1, known, coordinatorEpoch - 1, wire.TransactionCoordinatorFenced},
		{"version 2, an older coordinator", known, true, 2, known + 1, coordinatorEpoch - 1, wire.TransactionCoordinatorFenced},
		{"a later coordinator", known, true, 2, known + 1, coordinatorEpoch + 1, wire.None},
		{"the epoch comes before the coordinator", known, true, 2, known - 1, coordinatorEpoch - 1, wire.InvalidProducerEpoch},
	} {
		d := openDir(t, testConfig(vfs.NewMemory(nil)))
		l := newLogIn(t, d)
		_, err := l.Append(endOf(c.known, true, coordinatorEpoch), coordinator())
		must(t, err)
		if c.open {
			appendTo(t, l, ofTransaction(c.known, 0))
		}
		info := coordinator()
		info.TransactionVersion = c.version
		if _, err := l.Append(endOf(c.epoch, false, c.coordinator), info); wire.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, open := l.producers.open[7]; open != (c.open && c.code != wire.None) {
			t.Errorf("%s: open %t", c.name, open)
		}
		must(t, d.Close())
	}
}

// TestAnUnknownProducersMarkerIsTaken: its records may have been deleted.
func TestAnUnknownProducersMarkerIsTaken(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	info := coordinator()
	info.TransactionVersion = 2
	_, err := l.Append(endOf(0, false, 0), info)
	must(t, err)
	if got := l.Producers(); len(got) != 1 || got[0] != (ProducerState{ID: 7, LastSequence: -1, LastTimestamp: testTime.UnixMilli(), TxnStart: -1}) {
		t.Errorf("producers %+v", got)
	}
	must(t, d.Close())
}

// refusedBatches are batches that a log refuses whose producer 7 has a transaction of epoch 4 open, and sent sequences 0 and 1.
var refusedBatches = []struct {
	name  string
	batch []byte
	info  AppendInfo
	code  int16
}{
	{"a gap", ofTransaction(4, 7), client(), wire.OutOfOrderSequenceNumber},
	{"a client's old epoch", ofTransaction(3, 2), client(), wire.InvalidProducerEpoch},
	{"a coordinator's old epoch", ofTransaction(3, -1), coordinator(), wire.InvalidProducerEpoch},
	{"a marker's old epoch", endOf(3, true, 9), coordinator(), wire.InvalidProducerEpoch},
	{"a marker that does not raise the epoch", endOf(4, true, 9), AppendInfo{Origin: Coordinator, TransactionVersion: 2}, wire.InvalidProducerEpoch},
	{"a batch outside of the transaction", sign(batchOf(1, 10, 1), 7, 4, 2, 0), client(), wire.InvalidTxnState},
	{"an older coordinator's marker", endOf(4, true, 8), coordinator(), wire.TransactionCoordinatorFenced},
}

// TestRefusedProducersWriteNothing: whoever keeps a state beside the log may go on from there after a ProducerRefusal.
func TestRefusedProducersWriteNothing(t *testing.T) {
	codes := map[int16]bool{}
	synctest.Test(t, func(t *testing.T) {
		disk := &recorder{FS: vfs.NewMemory(nil)}
		d := openDir(t, testConfig(disk))
		l := newLogIn(t, d)
		_, err := l.Append(endOf(4, true, 9), coordinator())
		must(t, err)
		appendTo(t, l, ofTransaction(4, 0))
		appendTo(t, l, ofTransaction(4, 1))
		synctest.Wait()
		before, state := disk.noted(), l.producers.encode()
		for _, c := range refusedBatches {
			var refusal *ProducerRefusal
			if _, err := l.Append(bytes.Clone(c.batch), c.info); wire.CodeOf(err) != c.code || !errors.As(err, &refusal) {
				t.Errorf("%s: %v", c.name, err)
			}
			codes[c.code] = true
			synctest.Wait()
			if diff := cmp.Diff(before, disk.noted(), cmp.AllowUnexported(call{})); diff != "" {
				t.Errorf("%s: the disk is called: %s", c.name, diff)
			}
			if !bytes.Equal(state, l.producers.encode()) || l.EndOffset() != 3 {
				t.Errorf("%s: the producers are others, or the end, %d", c.name, l.EndOffset())
			}
		}
		if r := appendTo(t, l, ofTransaction(4, 2)); r.BaseOffset != 3 {
			t.Errorf("the next batch is at %d", r.BaseOffset)
		}
		must(t, d.Close())
	})
	for _, code := range []int16{wire.OutOfOrderSequenceNumber, wire.InvalidProducerEpoch, wire.InvalidTxnState, wire.TransactionCoordinatorFenced} {
		if !codes[code] {
			t.Errorf("nothing is refused with %s", wire.CodeName(code))
		}
	}
}

// TestOtherErrorsAreNoRefusalsOfProducers, whether something was written or not.
func TestOtherErrorsAreNoRefusalsOfProducers(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	large := sign(batchOf(1, 20<<10, 1), 7, 0, 0, 0)
	small := func() []byte { return idempotent(1, 0, 0) }
	check := func(name string, batch []byte, info AppendInfo, code int16) {
		t.Helper()
		var refusal *ProducerRefusal
		if _, err := l.Append(batch, info); wire.CodeOf(err) != code || errors.As(err, &refusal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	appendTo(t, l, small())
	check("half a batch", small()[:70], client(), wire.CorruptMessage)
	check("a batch beyond a segment", large, client(), wire.RecordListTooLarge)
	check("a batch that does not continue the log", small(), AppendInfo{Origin: Replication}, wire.OffsetOutOfRange)
	must(t, d.Close())
	check("a closed log", small(), client(), wire.KafkaStorageError)
}

// TestProducersAreListed as DescribeProducers tells of them.
func TestProducersAreListed(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	at := testTime.UnixMilli()
	appendTo(t, l, batchOf(1, 10, at))
	appendTo(t, l, sign(batchOf(3, 10, at), 9, 2, 5, attrTransactional))
	appendTo(t, l, sign(batchOf(1, 10, at+5), 8, 0, 0, attrTransactional))
	_, err := l.Append(record.MarkerBatch(record.EndTxn{ProducerID: 8, CoordinatorEpoch: 3}, at+6), coordinator())
	must(t, err)
	want := []ProducerState{
		{ID: 8, LastTimestamp: at + 6, CoordinatorEpoch: 3, TxnStart: -1},
		{ID: 9, Epoch: 2, LastSequence: 7, LastTimestamp: at + 2, CoordinatorEpoch: -1, TxnStart: 1},
	}
	if diff := cmp.Diff(want, l.Producers()); diff != "" {
		t.Error(diff)
	}
	must(t, d.Close())
}

// TestTransactionsNeedAProducer: what is in a request's marker or transactional commit may be any number, and what nobody can be could
// never be ended. A leader's batches are taken as they are.
func TestTransactionsNeedAProducer(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	for _, c := range []struct {
		producerID int64
		epoch      int16
		code       int16
	}{{-1, 0, wire.InvalidProducerIDMapping}, {-7, 0, wire.InvalidProducerIDMapping}, {7, -1, wire.InvalidProducerEpoch}} {
		var refusal *ProducerRefusal
		marker := record.MarkerBatch(record.EndTxn{ProducerID: c.producerID, Epoch: c.epoch}, testTime.UnixMilli())
		if _, err := l.Append(marker, coordinator()); wire.CodeOf(err) != c.code || !errors.As(err, &refusal) {
			t.Errorf("marker of %d/%d: %v", c.producerID, c.epoch, err)
		}
		batch := sign(batchOf(1, 10, testTime.UnixMilli()), c.producerID, c.epoch, 0, attrTransactional)
		if _, err := l.Append(batch, coordinator()); wire.CodeOf(err) != c.code || !errors.As(err, &refusal) {
			t.Errorf("batch of %d/%d: %v", c.producerID, c.epoch, err)
		}
	}
	if end := l.EndOffset(); end != 0 {
		t.Errorf("%d offsets were written", end)
	}
	appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
	must(t, d.Close())
}
