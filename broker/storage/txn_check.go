package storage

// txnCheck follows the transactions of a log while its batches are read in order, by the records that are left of them.
type txnCheck struct {
	// open has the offset of the first record of each transaction that no marker has ended, by producer id.
	open map[int64]int64
	// ended has the offset of each producer's last marker.
	ended map[int64]int64
}

func newTxnCheck() *txnCheck { return &txnCheck{open: map[int64]int64{}, ended: map[int64]int64{}} }

// txnAbort is a transaction that ends with an abort.
type txnAbort struct {
	// entry is what the .txnindex has of it where nothing of the log is gone.
	entry abortedTxn
	// after is the offset of the producer's marker before; -1 if none is known.
	after int64
	// due says that there has to be an entry, since the transaction has records.
	due bool
}

// batch takes a batch. It returns a transaction that it aborts, or nil.
func (c *txnCheck) batch(h *header, b []byte) *txnAbort {
	if !h.control() {
		if _, open := c.open[h.producerID]; !open && h.transactional() && h.count > 0 {
			c.open[h.producerID] = h.base
		}
		return nil
	}
	m, ok := parseMarker(b, h)
	if !ok {
		return nil
	}
	a := &txnAbort{entry: abortedTxn{producerID: h.producerID, last: h.base, stable: h.base + 1}, after: -1}
	a.entry.first, a.due = c.open[h.producerID]
	if after, known := c.ended[h.producerID]; known {
		a.after = after
	}
	delete(c.open, h.producerID)
	c.ended[h.producerID] = h.base
	if m.kind != markerAbort {
		return nil
	}
	for _, first := range c.open {
		a.entry.stable = min(a.entry.stable, first)
	}
	return a
}

// told says whether an entry may be that of the transaction. What retention or compaction has taken may have made it begin earlier, though
// not before the marker of another one, and may have held the last stable offset back.
func (a *txnAbort) told(t *abortedTxn) bool {
	return a != nil && t.producerID == a.entry.producerID && t.last == a.entry.last && t.first > a.after &&
		(!a.due || t.first <= a.entry.first) && t.stable >= 0 && t.stable <= a.entry.stable
}

// txnsAt is what is known of the transactions that are open where a segment begins.
func (l *Log) txnsAt(base int64) (*txnCheck, error) {
	state, err := l.producersAt(base)
	if err != nil {
		return nil, err
	}
	from, check := base, newTxnCheck()
	for _, first := range state.open {
		from = min(from, first)
	}
	return check, l.eachBatch(from, base, func(h *header, b []byte) error {
		check.batch(h, b)
		return nil
	})
}
