package storage

import (
	"cmp"
	"slices"
)

// txnTrail follows the transactions of a log while its batches are read from the first to the last (CleanedTransactionMetadata of
// Apache Kafka): records of aborted ones go at once, and a marker goes no sooner than the records that it ends.
type txnTrail struct {
	// aborted has the aborted transactions that are still to come, by their first offset.
	aborted []abortedTxn
	// open has the aborted transactions whose marker is still to come, by producer id.
	open map[int64]*openAbort
	// committed has the producers that wrote transactional records, which no abort is known of, since their last marker.
	committed map[int64]struct{}
}

// openAbort is an aborted transaction while its batches are read.
type openAbort struct {
	txn abortedTxn
	// seen says that there was a batch of it.
	seen bool
}

// newTxnTrail follows a log in which these transactions were aborted.
func newTxnTrail(aborted []abortedTxn) *txnTrail {
	sorted := slices.Clone(aborted)
	slices.SortFunc(sorted, func(a, b abortedTxn) int { return cmp.Compare(a.first, b.first) })
	return &txnTrail{aborted: sorted, open: map[int64]*openAbort{}, committed: map[int64]struct{}{}}
}

// reach opens the transactions that begin at or before an offset.
func (t *txnTrail) reach(offset int64) {
	for len(t.aborted) > 0 && t.aborted[0].first <= offset {
		a := t.aborted[0]
		t.aborted = t.aborted[1:]
		if t.open[a.producerID] == nil {
			t.open[a.producerID] = &openAbort{txn: a}
		}
	}
}

// data takes a batch of records, and says whether it was aborted.
func (t *txnTrail) data(h *header) (aborted bool) {
	t.reach(h.last())
	if !h.transactional() {
		return false
	}
	if a := t.open[h.producerID]; a != nil {
		a.seen = true
		return true
	}
	t.committed[h.producerID] = struct{}{}
	return false
}

// control takes a control batch. spent says that it is a marker that may go, since no batch of its transaction is left. Where
// the marker of an aborted transaction has to stay, abort is the entry of the .txnindex that stays with it.
func (t *txnTrail) control(h *header, m *marker) (spent bool, abort *abortedTxn) {
	t.reach(h.last())
	switch {
	case h.count == 0:
		return true, nil // its record is gone already
	case m == nil:
		return false, nil
	case m.kind == markerAbort:
		a := t.open[h.producerID]
		delete(t.open, h.producerID)
		if a != nil && a.seen {
			return false, &a.txn
		}
		return true, nil
	}
	_, seen := t.committed[h.producerID]
	delete(t.committed, h.producerID)
	return !seen, nil
}
