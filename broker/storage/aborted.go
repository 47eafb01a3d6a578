package storage

// AbortedTransaction is a transaction that ended with an abort marker, which stands at LastOffset.
type AbortedTransaction struct{ ProducerID, FirstOffset, LastOffset int64 }

// Aborted lists the aborted transactions that have records at offsets from from up to below upTo, in the order of their markers:
// what a read-committed consumer has to leave out of these batches (collectAbortedTxns of Apache Kafka).
func (l *Log) Aborted(from, upTo int64) []AbortedTransaction {
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
