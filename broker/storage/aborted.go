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
	return l.aborted(from, upTo)
}

// aborted lists the aborted transactions that have records at offsets from from up to below upTo, in the order of their markers.
func (l *Log) aborted(from, upTo int64) (list []AbortedTransaction, err error) {
	err = l.eachAborted(from, upTo, func(t abortedTxn) {
		list = append(list, AbortedTransaction{ProducerID: t.producerID, FirstOffset: t.first, LastOffset: t.last})
	})
	return list, err
}

// eachAborted is aborted without a list (collectAbortedTxns of Apache Kafka). It does not hold the log's lock: what is removed or cut
// meanwhile makes it fail, or changes the count of cuts.
func (l *Log) eachAborted(from, upTo int64, yield func(abortedTxn)) error {
	if from >= upTo {
		return nil
	}
	segments := *l.segments.Load()
	for _, s := range segments[max(find(segments, from), 0):] {
		complete := false
		err := s.eachAborted(from, func(t abortedTxn) bool {
			if t.first < upTo {
				yield(t)
			}
			complete = t.stable >= upTo // later markers end transactions that begin behind it
			return !complete
		})
		if err != nil || complete {
			return err
		}
	}
	return nil
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

// addAborted takes in the aborted transaction that ends at the end of a segment. Where the entries were written their file may have been
// made, of which a flush that is under way does not know: the next one has to make its name durable.
func (l *Log) addAborted(s *segment, t *abortedTxn) error {
	err := s.addAborted(t)
	if s.txns.waiting() == 0 {
		l.entries.change()
	}
	return err
}

// addMissingAborted is addAborted where the segment may know the transaction already.
func (l *Log) addMissingAborted(s *segment, t *abortedTxn) error {
	last, err := s.lastAborted()
	if err != nil || last >= t.last {
		return err
	}
	return l.addAborted(s, t)
}
