package simulation

import (
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// call carries out what a machine wants done.
func (h *host) call(m machine, c coordinator.Call) {
	switch what := c.What.(type) {
	case txn.WantProducerID:
		h.giveProducerID(m, c.ID)
	case txn.SendMarkers:
		h.sendMarkers(m, c.ID, what)
	default:
		h.w.breaks("a call for %T", c.What)
	}
}

func (h *host) giveProducerID(m machine, call uint64) {
	result := txn.ProducerID{Code: wire.CoordinatorNotAvailable}
	if !h.w.trouble(10) {
		h.w.producerIDs++
		result = txn.ProducerID{ID: h.w.producerIDs}
	}
	h.w.after(h.w.upTo(10*time.Millisecond), func() { h.step(m, coordinator.Returned{ID: call, Result: result}) })
}

// sendMarkers writes each marker at a time of its own. The call returns when all are confirmed or refused; some results are lost on the way.
func (h *host) sendMarkers(m machine, call uint64, s txn.SendMarkers) {
	var results txn.Marked
	missing := len(s.Partitions)
	done := func(p txn.TopicPartition, code int16) {
		if missing--; !h.w.trouble(10) {
			results = append(results, txn.MarkedPartition{TopicPartition: p, Code: code})
		}
		if missing == 0 {
			h.step(m, coordinator.Returned{ID: call, Result: results})
		}
	}
	for i, p := range s.Partitions {
		marker := coordinator.Marker{
			ProducerID: s.ProducerID, Epoch: s.Epoch, Commit: s.Commit, CoordinatorEpoch: s.CoordinatorEpoch, Level: int8(s.Level), //nolint:gosec // 0 to 2
		}
		h.w.after(h.w.upTo(10*time.Millisecond), func() {
			switch {
			case h.machine != m:
			case h.w.trouble(10):
				done(p, wire.NotLeaderForPartition)
			case h.w.faults.marksFirstOnly && i > 0 || h.w.faults.losesMarkers && h.w.oneIn(20):
				done(p, wire.None)
			default:
				if h.w.faults.mixesOutcomes && i > 0 {
					marker.Commit = !marker.Commit
				}
				h.broker.mark(p, marker, func(code int16) { done(p, code) })
			}
		})
	}
}

// mark writes a marker; in the log of the groups, their coordinator does.
func (b *broker) mark(at txn.TopicPartition, m coordinator.Marker, done func(code int16)) {
	switch {
	case at == offsetsPartition:
		b.endOffsets(m, done)
	case b.w.faults.marksEarly:
		b.w.disk.partition(at).take(coordinator.Append{Marker: &m}, func() {})
		done(wire.None)
	default:
		if code := b.w.disk.partition(at).take(coordinator.Append{Marker: &m}, func() { done(wire.None) }); code != wire.None {
			done(code)
		}
	}
}
