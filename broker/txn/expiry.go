package txn

import (
	"math"
	"slices"
	"strings"
	"time"
)

// abortOverdue aborts transactions that run for longer than their producer asked for, and fences it.
func (m *Machine) abortOverdue() {
	for _, t := range m.idle(func(t *transaction) bool { return t.overdue(m.now) }) {
		m.fence(0, t)
	}
}

// goesOn says how long a transaction that was loaded has run. It began now at the latest: if the log says that it will begin, the clock
// has gone back, and nobody could wait for it to come there again.
func (t *transaction) goesOn(now time.Time) {
	// Nothing runs for longer than any time-out.
	millis := min(max(now.UnixMilli()-t.startMillis, 0), math.MaxInt32)
	t.began = now.Add(-time.Duration(millis) * time.Millisecond)
}

// overdue reports whether the transaction has run for too long. The largest time-out belongs to transactions that somebody else decides
// about (KIP-939).
func (t *transaction) overdue(now time.Time) bool {
	if t.state != Ongoing || t.timeoutMillis == math.MaxInt32 {
		return false
	}
	if now.Before(t.began) {
		t.began = now
	}
	return now.Sub(t.began) > time.Duration(t.timeoutMillis)*time.Millisecond
}

// removeExpired forgets transactional ids that nobody has used for long.
func (m *Machine) removeExpired() {
	oldest := m.now.Add(-m.cfg.IDExpiration).UnixMilli()
	var records []Record
	for _, t := range m.idle(func(t *transaction) bool { return t.expired(oldest) }) {
		records = append(records, Record{Key: recordKey(t.id)})
		delete(m.transactions, t.id)
	}
	m.append(records...)
}

func (t *transaction) expired(oldestMillis int64) bool {
	return t.state != Ongoing && !t.state.decided() && t.updatedMillis <= oldestMillis
}

// idle returns, in order, the chosen ones of the transactional ids that do not wait for a producer id.
func (m *Machine) idle(choose func(*transaction) bool) []*transaction {
	var chosen []*transaction
	for _, t := range m.transactions {
		if choose(t) && !m.busy(t.id) {
			chosen = append(chosen, t)
		}
	}
	slices.SortFunc(chosen, func(a, b *transaction) int { return strings.Compare(a.id, b.id) })
	return chosen
}
