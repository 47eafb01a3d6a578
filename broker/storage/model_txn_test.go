package storage

import (
	"errors"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// producerKind is how a producer of the model does its transactions.
type producerKind int64

const (
	// ofVersion1 producers keep their epoch from one transaction to the next, ofVersion2 ones get the next epoch with each marker.
	ofVersion1 producerKind = iota
	ofVersion2
	// ofCoordinator are producers whose batches a coordinator writes, always in transactions, and without a sequence.
	ofCoordinator
)

func kindOf(id int64) producerKind { return producerKind(id % 3) }

// beginTxn draws whether the next batch of a producer is in a transaction, and has the log verify the first one of each.
func (m *model) beginTxn(l *modelLog, id int64, p *modelProducer) (info AppendInfo, attributes int16) {
	info.Origin = Client
	if kindOf(id) == ofCoordinator {
		info.Origin = Coordinator
	}
	if !p.inTxn && info.Origin == Client && m.r.IntN(3) > 0 {
		return info, 0
	}
	if !p.inTxn {
		m.run(func() {
			guard, err := l.log.StartVerification(id, p.epoch, p.next, kindOf(id) == ofVersion2)
			if err != nil || guard == 0 {
				m.t.Errorf("%s: verify producer %d in epoch %d: guard %d, %v", m.life, id, p.epoch, guard, err)
			}
			info.Guard = guard
		})
	}
	p.inTxn = true
	return info, attrTransactional
}

// endTxn commits or aborts a transaction.
func (m *model) endTxn(l *modelLog) {
	for _, id := range slices.Sorted(maps.Keys(l.producers)) {
		p := l.producers[id]
		if !p.inTxn {
			continue
		}
		info := AppendInfo{Origin: Coordinator, TransactionVersion: 1}
		if kindOf(id) == ofVersion2 {
			info.TransactionVersion = 2
			p.epoch, p.next, p.sent = p.epoch+1, 0, nil
		}
		if m.r.IntN(4) == 0 {
			p.coordinatorEpoch++
		}
		p.markedAt = l.log.EndOffset()
		mark := &marker{kind: int16(m.r.IntN(2)), coordinatorEpoch: p.coordinatorEpoch}
		ts := m.clock.now().UnixMilli()
		raw := endBatch(id, p.epoch, mark, ts)
		m.put(l, sentBatch{raw: raw, times: []int64{ts}, marker: mark}, info)
		p.inTxn = false
		return
	}
}

func endBatch(id int64, epoch int16, m *marker, timestamp int64) []byte {
	end := record.EndTxn{ProducerID: id, Epoch: epoch, Commit: m.kind == markerCommit, CoordinatorEpoch: m.coordinatorEpoch}
	return record.MarkerBatch(end, timestamp)
}

// zombie sends what nobody may send any more: a marker or a batch of an older epoch, or a marker of an older coordinator. It leaves no
// trace.
func (m *model) zombie(l *modelLog) {
	for _, id := range slices.Sorted(maps.Keys(l.producers)) {
		p := l.producers[id]
		if p.epoch == 0 || p.coordinatorEpoch == 0 || len(p.sent) == 0 || p.markedAt < l.log.StartOffset() {
			continue // the log may have forgotten what makes it one
		}
		raw, info := endBatch(id, p.epoch-1, &marker{coordinatorEpoch: p.coordinatorEpoch}, 0), AppendInfo{Origin: Coordinator, LeaderEpoch: l.epoch}
		switch m.r.IntN(3) {
		case 0:
			raw, info.Origin = sign(m.newBatch().raw, id, p.epoch-1, p.next, attrTransactional), Client
		case 1:
			raw = endBatch(id, p.epoch, &marker{coordinatorEpoch: p.coordinatorEpoch - 1}, 0)
		}
		m.run(func() {
			_, err := l.log.Append(raw, info)
			var refusal *ProducerRefusal
			switch {
			case wire.CodeOf(err) == wire.KafkaStorageError:
				l.home.failed = true
			case !errors.As(err, &refusal):
				m.t.Errorf("%s: a zombie of producer %d, epoch %d: %v", m.life, id, p.epoch, err)
			}
		})
		return
	}
}
