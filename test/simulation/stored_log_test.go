package simulation

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/history"
)

// storedLog is the partition of a storedDisk.
type storedLog struct {
	disk    *storedDisk
	replica *replica.Replica
	waiting []waiter
}

func (l *storedLog) end() int64       { return l.replica.LogEnd() }
func (l *storedLog) confirmed() int64 { return l.replica.HighWatermark() }
func (l *storedLog) stable() int64    { return l.replica.LastStable() }

// wait calls back when what was appended is confirmed. The journal has taken notice before anything else happens, so that it does not depend on
// how goroutines are scheduled what is written together.
func (l *storedLog) wait(a replica.Appended, run func()) {
	synctest.Wait()
	l.waiting = append(l.waiting, waiter{int(a.LastOffset) + 1, run})
	l.disk.plan()
}

// confirm calls back for what is confirmed, and reports whether nothing is left.
func (l *storedLog) confirm() bool {
	var left []waiter
	for _, one := range l.waiting {
		if int64(one.end) <= l.confirmed() {
			l.disk.w.after(0, one.run)
			continue
		}
		left = append(left, one)
	}
	l.waiting = left
	return len(left) == 0
}

func (l *storedLog) verify(p *producing) (guard uint64, code int16) {
	guard, err := l.replica.StartVerification(p.producer.ID, p.producer.Epoch, p.sequence, p.level >= 2)
	return guard, l.code(err)
}

// code is what a refused append is answered. Any other error is one too many.
func (l *storedLog) code(err error) int16 {
	if err != nil && !replica.Refused(err) {
		l.disk.w.breaks("append to %s: %v", l.replica.Topic(), err)
	}
	return wire.CodeOf(err)
}

func (l *storedLog) produce(p *producing, guard uint64, reply func(answer)) {
	w := l.disk.w
	var b record.Builder
	b.Add(w.now.UnixMilli(), nil, []byte(p.value))
	b.Transaction(p.producer.ID, p.producer.Epoch)
	batch := b.Batch()
	const sequenceAt, crcAt, attributesAt = 53, 17, 21
	binary.BigEndian.PutUint32(batch[sequenceAt:], uint32(p.sequence)) //nolint:gosec // it is not negative
	binary.BigEndian.PutUint32(batch[crcAt:], crc32.Checksum(batch[attributesAt:], crc32.MakeTable(crc32.Castagnoli)))
	a, err := l.replica.Append(batch, true, true, guard, w.now)
	if err != nil {
		reply(answer{code: l.code(err)})
		return
	}
	l.wait(a, func() { reply(answer{offset: a.BaseOffset}) })
}

func (l *storedLog) take(what coordinator.Append, confirmed func()) int16 {
	a, err := l.append(what)
	if err != nil {
		return l.code(err)
	}
	l.wait(a, confirmed)
	return wire.None
}

func (l *storedLog) append(what coordinator.Append) (replica.Appended, error) {
	now := l.disk.w.now
	if m := what.Marker; m != nil {
		return l.replica.AppendMarker(record.EndTxn{
			ProducerID: m.ProducerID, Epoch: m.Epoch, Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch,
		}, m.Level, now)
	}
	var b record.Builder
	for _, r := range what.Records {
		b.Add(now.UnixMilli(), r.Key, r.Value)
	}
	if p := what.Producer; p != nil {
		b.Transaction(p.ID, p.Epoch)
		return l.replica.AppendTransactional(b.Batch(), p.Guard, now)
	}
	return l.replica.AppendOwn(b.Batch(), now)
}

func (l *storedLog) put(value string) {
	l.take(coordinator.Append{Records: []coordinator.Record{{Value: []byte(value)}}}, func() {})
}

// read reads as a client does, which leaves out what the answer says to be aborted.
func (l *storedLog) read(from, to int64, committed bool) (records []history.Record) {
	var p kmsg.FetchResponseTopicPartition
	var err error
	o := kgo.ProcessFetchPartitionOpts{Offset: from, Topic: l.replica.Topic(), IsolationLevel: kgo.ReadUncommitted()}
	if committed {
		o.IsolationLevel = kgo.ReadCommitted()
		var aborted []kmsg.FetchResponseTopicPartitionAbortedTransaction
		p.RecordBatches, aborted, err = l.readCommitted(from)
		p.AbortedTransactions = aborted
	} else {
		p.RecordBatches, err = l.replica.Read(from, 1<<20, true, nil)
	}
	if err != nil {
		l.disk.w.breaks("read %s from %d: %v", l.replica.Topic(), from, err)
		return nil
	}
	got, _ := kgo.ProcessFetchPartition(o, &p, nil, nil)
	if got.Err != nil {
		l.disk.w.breaks("read %s from %d: %v", l.replica.Topic(), from, got.Err)
	}
	for _, r := range got.Records {
		if r.Offset < to {
			records = append(records, history.Record{Offset: r.Offset, Value: string(r.Value)})
		}
	}
	return records
}

func (l *storedLog) readCommitted(from int64) ([]byte, []kmsg.FetchResponseTopicPartitionAbortedTransaction, error) {
	data, list, err := l.replica.ReadCommitted(from, 1<<20, true, nil)
	var aborted []kmsg.FetchResponseTopicPartitionAbortedTransaction
	for _, a := range list {
		aborted = append(aborted, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.ProducerID, FirstOffset: a.FirstOffset})
	}
	return data, aborted, err
}

func (l *storedLog) replay(yield func(coordinator.Entry) error) error {
	return l.replica.EachEntry(context.Background(), 0, func(e replica.Entry) error {
		entry := coordinator.Entry{
			Record: coordinator.Record{Key: e.Key, Value: e.Value}, Transactional: e.Transactional, ProducerID: e.ProducerID,
		}
		if m := e.Marker; m != nil {
			entry.Marker = &coordinator.Marker{ProducerID: m.ProducerID, Epoch: m.Epoch, Commit: m.Commit, CoordinatorEpoch: m.CoordinatorEpoch}
		}
		return yield(entry)
	})
}
