package storage

import (
	"cmp"
	"math"
	"slices"
)

// txnTrail follows the transactions of a log while its batches are read from the first to the last (CleanedTransactionMetadata of
// Apache Kafka): records of aborted ones go at once, and a marker goes no sooner than the records that it ends.
type txnTrail struct {
	// each lists the aborted transactions that have offsets in [from, upTo).
	each func(from, upTo int64, yield func(abortedTxn)) error
	// aborted has the aborted transactions that are still to come and begin below known, by their first offset.
	aborted []abortedTxn
	known   int64
	began   bool
	// open has the aborted transactions whose marker is still to come, by producer id.
	open map[int64]*openAbort
	// committed has the producers that wrote transactional records, which no abort is known of, since their last marker.
	committed map[int64]struct{}
}

// trailAhead is for how many offsets ahead the aborted transactions are in memory: two offsets at least are of each.
const trailAhead = 1 << 16

// openAbort is an aborted transaction while its batches are read.
type openAbort struct {
	txn abortedTxn
	// seen says that there was a batch of it.
	seen bool
}

// newTxnTrail follows a log from an offset on.
func newTxnTrail(from int64, each func(from, upTo int64, yield func(abortedTxn)) error) *txnTrail {
	return &txnTrail{each: each, known: from, open: map[int64]*openAbort{}, committed: map[int64]struct{}{}}
}

// reach opens the transactions that begin at or before an offset.
func (t *txnTrail) reach(offset int64) error {
	if offset >= t.known {
		if err := t.learn(offset + min(trailAhead, math.MaxInt64-offset)); err != nil {
			return err
		}
	}
	for len(t.aborted) > 0 && t.aborted[0].first <= offset {
		a := t.aborted[0]
		t.aborted = t.aborted[1:]
		if t.open[a.producerID] == nil {
			t.open[a.producerID] = &openAbort{txn: a}
		}
	}
	return nil
}

// learn asks for the transactions that begin below an offset. Those that the first time tells of may have begun anywhere before.
func (t *txnTrail) learn(upTo int64) error {
	from := t.known
	err := t.each(from, upTo, func(a abortedTxn) {
		if a.first >= from || !t.began {
			t.aborted = append(t.aborted, a)
		}
	})
	t.known, t.began = upTo, true
	slices.SortFunc(t.aborted, func(a, b abortedTxn) int { return cmp.Compare(a.first, b.first) })
	return err
}

// data takes a batch of records, and says whether it was aborted.
func (t *txnTrail) data(h *header) (aborted bool, err error) {
	if err := t.reach(h.last()); err != nil || !h.transactional() {
		return false, err
	}
	if a := t.open[h.producerID]; a != nil {
		a.seen = true
		return true, nil
	}
	t.committed[h.producerID] = struct{}{}
	return false, nil
}

// control takes a control batch. spent says that it is a marker that may go, since no batch of its transaction is left. Where
// the marker of an aborted transaction has to stay, abort is the entry of the .txnindex that stays with it.
func (t *txnTrail) control(h *header, m *marker) (spent bool, abort *abortedTxn, err error) {
	if err := t.reach(h.last()); err != nil {
		return false, nil, err
	}
	switch {
	case h.count == 0:
		return true, nil, nil // its record is gone already
	case m == nil:
		return false, nil, nil
	case m.kind == markerAbort:
		a := t.open[h.producerID]
		delete(t.open, h.producerID)
		if a != nil && a.seen {
			return false, &a.txn, nil
		}
		return true, nil, nil
	}
	_, seen := t.committed[h.producerID]
	delete(t.committed, h.producerID)
	return !seen, nil, nil
}
