package storage

import (
	"cmp"
	"slices"
)

// ProducerState is what a log knows of a producer, as DescribeProducers tells it (KIP-664). What there is none of is -1.
type ProducerState struct {
	ID            int64
	Epoch         int16
	LastSequence  int32
	LastTimestamp int64
	// CoordinatorEpoch is that of the last transaction marker.
	CoordinatorEpoch int32
	// TxnStart is the first offset of the open transaction.
	TxnStart int64
}

// Producers lists the producers that the log knows, by their ids.
func (l *Log) Producers() []ProducerState {
	l.mu.Lock()
	list := make([]ProducerState, 0, len(l.producers.byID))
	for id, p := range l.producers.byID {
		state := ProducerState{
			ID: id, Epoch: p.epoch, LastSequence: -1, LastTimestamp: p.lastTimestamp, CoordinatorEpoch: p.coordinatorEpoch, TxnStart: p.txnFirst,
		}
		if last := p.lastBatch(); last != nil {
			state.LastSequence = last.lastSequence
		}
		list = append(list, state)
	}
	l.mu.Unlock()
	slices.SortFunc(list, func(a, b ProducerState) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
