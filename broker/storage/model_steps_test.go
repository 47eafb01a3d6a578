package storage

import (
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
)

func (m *model) step(topic string) {
	l := m.logs[topic]
	if l == nil {
		m.create(topic)
		return
	}
	if l.frozen || !l.home.up() {
		return
	}
	switch n := m.r.IntN(208); {
	case n < 150:
		m.append(l)
	case n < 158:
		m.truncate(l)
	case n < 160:
		m.reset(l)
	case n < 166:
		m.remove(topic, l)
	case n < 174:
		m.startEpoch(l)
	case n < 180:
		m.deleteRecords(l)
	case n < 186:
		m.finishSyncs()
		m.run(func() { _, _ = l.log.Retain(m.clock.now(), l.log.Confirmed()) }) // the log start rises on its own account
		l.maxStart = max(l.maxStart, l.log.Confirmed())
	case n < 190:
		m.clock.move(time.Duration(m.r.Int64N(int64(4*time.Hour))) - time.Hour)
	case n < 193:
		m.finishSyncs()
		m.run(func() { l.home.d.reap(m.clock.now().Add(time.Hour)) })
	case n < 196:
		m.pass()
	case n < 200:
		m.startFlush(l.home)
	case n < 204:
		m.scrub(l)
	default:
		m.moveOn(l)
	}
}

func (m *model) create(topic string) {
	up := m.up()
	h := up[m.r.IntN(len(up))]
	m.finishFlush(true)
	m.ids++
	id := TopicID{m.ids}
	m.run(func() {
		log, err := h.d.Create(id, topic, 0, h.d.cfg.DefaultLogConfig)
		h.failed = err != nil
		if err == nil {
			m.logs[topic] = &modelLog{id: id, home: h, log: log, producers: map[int64]*modelProducer{}}
		}
	})
}

// remove deletes a log. It is durable with whatever is confirmed later.
func (m *model) remove(topic string, l *modelLog) {
	m.finishFlush(true)
	m.run(func() {
		if err := l.home.d.Delete(l.id, 0); err != nil {
			l.deleting, l.home.failed = true, true
			return
		}
		delete(m.logs, topic)
		l.home.deleted[l.id] = false
	})
}

func (m *model) startEpoch(l *modelLog) {
	l.epoch++
	m.run(func() { l.home.failed = l.log.StartEpoch(l.epoch) != nil })
}

func (m *model) deleteRecords(l *modelLog) {
	start := l.log.StartOffset()
	to := start + m.r.Int64N(max(l.log.Confirmed()-start, 0)+1)
	l.maxStart = max(l.maxStart, to)
	m.finishFlush(true)
	m.run(func() {
		if l.log.DeleteRecordsBefore(to) != nil {
			l.home.failed = true
			return
		}
		l.minStart = max(l.minStart, to)
		if m.draw.policy == journal.FlushAcks {
			l.durableStart = max(l.durableStart, to)
		}
	})
}

// truncate cuts a log. An interrupted cut leaves what was there before, or what is there behind it.
func (m *model) truncate(l *modelLog) {
	start := l.log.StartOffset()
	to := start + m.r.Int64N(l.log.EndOffset()-start+1)
	m.finishFlush(true)
	m.noteConfirmed()
	before := append([]sentBatch{}, l.batches...) // not nil, even if there are none
	i := 0
	for i < len(l.batches) && l.batches[i].h.last() < to {
		i++
	}
	err := m.do(func() error { return l.log.Truncate(to) })
	l.batches = l.batches[:i:i]
	end := int64(0)
	if i > 0 {
		end = min(to, l.batches[i-1].h.last()+1)
	}
	l.lower(end)
	l.resume(m.clock.now().UnixMilli())
	if err != nil {
		l.alternative, l.home.failed = before, true
	}
}

// reset drops all of a log and starts it anew behind a gap.
func (m *model) reset(l *modelLog) {
	to := l.log.EndOffset() + m.r.Int64N(5)
	m.finishFlush(true)
	m.noteConfirmed()
	before := append([]sentBatch{}, l.batches...)
	err := m.do(func() error { return l.log.Reset(to) })
	l.batches = nil
	l.maxStart = max(l.maxStart, to+1) // by way of one offset behind the end
	if err != nil {
		l.alternative, l.home.failed = before, true
		l.lower(0)
		return
	}
	l.confirmed, l.durable, l.minStart, l.durableStart = to, to, to, to
	l.resume(m.clock.now().UnixMilli())
}

// lower notes that a log may end, and start, as low as at an offset.
func (l *modelLog) lower(end int64) {
	l.confirmed, l.durable = min(l.confirmed, end), min(l.durable, end)
	l.minStart, l.durableStart = min(l.minStart, end), min(l.durableStart, end) // a batch that reaches below goes as a whole
}
