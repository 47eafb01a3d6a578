package storage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
)

// check compares the directories with what they may hold.
func (m *model) check() {
	for _, h := range m.dirs {
		m.checkUnknown(h)
	}
	for _, topic := range slices.Sorted(maps.Keys(m.logs)) {
		l := m.logs[topic]
		home, log := m.find(topic, l.id)
		if log == nil {
			if l.leaves() > 0 && !l.deleting {
				m.fatalf("log %s is gone, confirmed up to %d", topic, l.leaves())
			}
			delete(m.logs, topic)
			continue
		}
		m.checkLog(topic, l, log)
		l.home = home
	}
}

// checkUnknown looks for logs that should not be there.
func (m *model) checkUnknown(h *modelDir) {
	for _, log := range slices.Collect(h.d.Logs) {
		if h.deleted[log.TopicID()] {
			m.fatalf("the deleted log %s of topic id %x is there again", log.Topic(), log.TopicID())
		}
		if l := m.logs[log.Topic()]; l == nil || l.id != log.TopicID() {
			// Its deletion was not confirmed, or its creation not heard of. The owner of the metadata deletes it.
			must(m.t, m.do(func() error { return h.d.Delete(log.TopicID(), 0) }))
		}
	}
}

// leaves is the end that the last crash must have left.
func (l *modelLog) leaves() int64 {
	if l.home.killed {
		return l.confirmed
	}
	return l.durable
}

func (m *model) checkLog(topic string, l *modelLog, log *Log) {
	start, end := log.StartOffset(), log.EndOffset()
	minEnd, minStart := l.leaves(), l.durableStart
	if l.home.killed {
		minStart = l.minStart
	}
	if end < minEnd || start < minStart || start > max(l.maxStart, minStart) || log.Confirmed() != end {
		m.fatalf("log %s is %d to %d, confirmed %d; surely there up to %d, start between %d and %d", topic, start, end, log.Confirmed(), minEnd, minStart, l.maxStart)
	}
	got := split(readAll(m.t, log))
	may := [][]sentBatch{l.batches}
	if l.alternative != nil {
		may = append(may, l.alternative)
	}
	may = slices.DeleteFunc(may, func(batches []sentBatch) bool { return !fits(got, batches, start, end) })
	if len(may) == 0 {
		m.fatalf("log %s, %d to %d, holds %s; appended were %s or %s", topic, start, end, offsetsOf(got), rangesOf(l.batches), rangesOf(l.alternative))
	}
	now := m.clock.now().UnixMilli()
	stamps := []int64{0, now + 1, now - m.r.Int64N(1000), now - m.r.Int64N(10*time.Hour.Milliseconds())}
	before := *l
	var errs []error
	for _, batches := range may { // where nothing can be read, the rest tells which it is
		*l = before.as(batches, log)
		err := errors.Join(l.checkProducers(log, start, end, now), l.checkEpochs(log, start, end), l.checkTimes(log, start, end, stamps))
		if err == nil {
			errs = nil
			break
		}
		errs = append(errs, fmt.Errorf("with %s: %w", rangesOf(l.batches), err))
	}
	if err := errors.Join(append(errs, checkFiles(m.disk, log))...); err != nil {
		m.fatalf("log %s, %d to %d: %v", topic, start, end, err)
	}
	l.resume(now)
}

// as is what is known of a log that has these batches after a crash, as far as it goes.
func (l *modelLog) as(batches []sentBatch, log *Log) modelLog {
	start, end := log.StartOffset(), log.EndOffset()
	kept := 0
	for kept < len(batches) && batches[kept].h.last() < end {
		kept++
	}
	return modelLog{
		id: l.id, home: l.home, epoch: l.epoch, batches: slices.Clone(batches[:kept]), confirmed: end, durable: end,
		minStart: start, durableStart: start, maxStart: start, log: log, nextProducer: l.nextProducer,
	}
}

// resume lets the producers go on whose last batches can still be read.
func (l *modelLog) resume(now int64) {
	l.started = now
	l.producers = map[int64]*modelProducer{}
	for id, p := range derive(l.batches, l.log.StartOffset()).producers {
		if len(p.sent) > 0 && p.sent[len(p.sent)-1].h.last() >= l.log.StartOffset() {
			l.producers[id] = p
		}
	}
}

func offsetsOf(batches [][]byte) (text string) {
	for _, b := range batches {
		text += fmt.Sprintf("%d-%d ", record.Batch(b).BaseOffset(), record.Batch(b).LastOffset())
	}
	return text
}

func split(data []byte) (batches [][]byte) {
	record.Batches(data, func(b record.Batch) bool {
		batches = append(batches, b)
		return true
	})
	return batches
}
