package storage

import (
	"bytes"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// append adds a batch of one of the kinds.
func (m *model) append(l *modelLog) {
	switch n := m.r.IntN(21); {
	case n < 6:
		m.put(l, m.newBatch(), AppendInfo{Origin: Client})
	case n < 8:
		b := m.newBatch()
		patch(b.raw, l.log.EndOffset()+m.r.Int64N(3), l.epoch)
		m.put(l, b, AppendInfo{Origin: Replication})
	case n < 9:
		m.sendAgain(l)
	case n < 11:
		m.endTxn(l)
	case n < 12:
		m.zombie(l)
	default:
		m.produce(l)
	}
}

// newBatch is one without a producer.
func (m *model) newBatch() sentBatch {
	var builder record.Builder
	var b sentBatch
	size := m.r.IntN(700)
	for i := range 1 + m.r.IntN(3) {
		ts := m.clock.now().UnixMilli() + m.r.Int64N(2000) - 1000
		builder.Add(ts, []byte{byte(i)}, bytes.Repeat([]byte{byte('a' + m.r.IntN(26))}, size))
		b.times = append(b.times, ts)
	}
	b.raw = builder.Batch()
	return b
}

// put appends a batch, and takes note of it where it stands in the log, whether it was confirmed or not.
func (m *model) put(l *modelLog, b sentBatch, info AppendInfo) {
	end := l.log.EndOffset()
	var waiting int64
	m.run(func() {
		if err := l.log.Pace(m.t.Context()); err == nil {
			waiting = l.home.d.journal.Waiting()
		}
	})
	b.h, _ = parseHeader(b.raw)
	if b.h.base = end; l.log.goesRound(&b.h, waiting) {
		m.finishFlush(true) // it waits for syncs of its own
	}
	var err error
	info.LeaderEpoch = l.epoch
	m.run(func() { _, err = l.log.Append(b.raw, info) })
	l.home.failed = l.home.failed || err != nil
	b.h, _ = parseHeader(b.raw)
	if err == nil || b.h.base >= end && wire.CodeOf(err) == wire.KafkaStorageError {
		l.batches = append(l.batches, b)
	}
}

// produce sends the next batch of a producer, in a transaction or not.
func (m *model) produce(l *modelLog) {
	id := m.r.Int64N(4)
	ids := slices.Sorted(maps.Keys(l.producers))
	if int(id) >= len(ids) {
		l.nextProducer++
		id = l.nextProducer
		l.producers[id] = &modelProducer{}
	} else {
		id = ids[id]
	}
	p := l.producers[id]
	if !p.inTxn && m.r.IntN(15) == 0 {
		p.epoch, p.next, p.sent = p.epoch+1, 0, nil
	}
	if kindOf(id) == ofVersion1 && p.next == 0 && len(p.sent) == 0 && p.epoch == 0 && m.r.IntN(5) == 0 {
		p.next = 1<<31 - 3 // the numbers wrap soon
	}
	b := m.newBatch()
	info, attributes := m.beginTxn(l, id, p)
	sign(b.raw, id, p.epoch, p.next, attributes)
	if kindOf(id) != ofCoordinator {
		p.next = addSequence(p.next, int32(len(b.times)))
	}
	m.put(l, b, info)
	if l.home.failed {
		return
	}
	p.sent = append(p.sent, l.batches[len(l.batches)-1])
	if len(p.sent) > rememberedBatches {
		p.sent = p.sent[1:]
	}
}

// sendAgain repeats one of a producer's last five batches, as a client does that has not heard of its acknowledgement.
func (m *model) sendAgain(l *modelLog) {
	ids := slices.Sorted(maps.Keys(l.producers))
	if len(ids) == 0 {
		return
	}
	id := ids[m.r.IntN(len(ids))]
	p := l.producers[id]
	if len(p.sent) == 0 || l.home.failed || kindOf(id) == ofCoordinator {
		return
	}
	n := m.r.IntN(len(p.sent))
	b := p.sent[n]
	if b.h.base < l.log.StartOffset() || !p.recalled(n, l.started) {
		return
	}
	m.run(func() {
		r, err := l.log.Append(slices.Clone(b.raw), AppendInfo{LeaderEpoch: l.epoch, Origin: Client})
		switch {
		case wire.CodeOf(err) == wire.KafkaStorageError:
			l.home.failed = true
		case err != nil || !r.Duplicate || r.BaseOffset != b.h.base || r.LastOffset != b.h.last():
			m.t.Errorf("%s: the batch at %d, sent again: %+v, %v", m.life, b.h.base, r, err)
		}
	})
}
