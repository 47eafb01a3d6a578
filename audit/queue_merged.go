package audit

import "time"

// merge counts an event that is beyond its client's budget. It returns an event that was written at once, as the first of its interval.
func (q *queue) merge(who *subject, m *merged, at time.Time) (first *merged, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return nil, ErrClosed
	case q.failing:
		return nil, ErrLogFails
	}
	from, _ := q.budget.take(who, at)
	if first = q.budget.merge(from, m, !q.full(true)); first != nil {
		_, err = q.push(first, at)
	}
	return first, err
}

// writeMerged writes what one client has merged, whatever room there is, since there are few of these. While the log fails it stays merged. It
// returns false when there is no more.
func (q *queue) writeMerged(at time.Time) (written []*merged, found bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failing {
		return nil, false
	}
	return q.pushMerged(at)
}

// pushMerged is writeMerged of who has the lock.
func (q *queue) pushMerged(at time.Time) (written []*merged, found bool) {
	written, found = q.budget.close()
	for _, m := range written {
		if _, err := q.push(m, at); err != nil {
			q.lost += m.count
		}
	}
	return written, found
}

func (q *queue) mergedTotals() (counts map[string]uint64, clients int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.budget.totals()
}
