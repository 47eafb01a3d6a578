package storage

import "fmt"

// AbortedTransaction is a transaction that ended with an abort marker, which stands at LastOffset.
type AbortedTransaction struct{ ProducerID, FirstOffset, LastOffset int64 }

// abortedWithin lists the aborted transactions that have records in batches that were read.
func (l *Log) abortedWithin(data []byte) ([]AbortedTransaction, error) {
	from, upTo := int64(-1), int64(0)
	for len(data) > 0 {
		h, ok := parseHeader(data)
		if !ok {
			return nil, fmt.Errorf("%w: no record batch where one was read", ErrCorrupt)
		}
		if from < 0 {
			from = h.base
		}
		upTo = h.last() + 1
		data = data[h.size:]
	}
	return l.aborted(from, upTo), nil
}

// aborted lists the aborted transactions that have records at offsets from from up to below upTo, in the order of their markers
// (collectAbortedTxns of Apache Kafka).
func (l *Log) aborted(from, upTo int64) []AbortedTransaction {
	if from >= upTo {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []AbortedTransaction
	segments := *l.segments.Load()
	for _, s := range segments[max(find(segments, from), 0):] {
		for _, t := range s.aborted {
			if t.last >= from && t.first < upTo {
				list = append(list, AbortedTransaction{ProducerID: t.producerID, FirstOffset: t.first, LastOffset: t.last})
			}
			if t.stable >= upTo { // later markers end transactions that begin behind it
				return list
			}
		}
	}
	return list
}

// OpenTransactions lists the transactions that have no marker yet.
func (l *Log) OpenTransactions() []OpenTransaction {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []OpenTransaction
	for id, first := range l.producers.open {
		list = append(list, OpenTransaction{ProducerID: id, FirstOffset: first})
	}
	return list
}
