package audit

import (
	"maps"
	"slices"
)

// merging is what is merged at a time, by account.
type merging struct {
	// open are the accounts that went beyond their budget in this interval, in order; aggregates is how many events they will make.
	open       []*account
	aggregates int
	// counts is how many events were merged since the start, by kind.
	counts map[string]uint64
}

// merge counts an event that is beyond the budget of its account. It returns the event that is to be written at once: the account's first of
// this interval, where it is urgent. So a crash loses counts, and never the fact.
func (b *budget) merge(a *account, m *merged, urgent bool) *merged {
	b.counts[m.of] += m.count
	b.begin(a)
	if urgent && !a.told {
		a.told = true
		if m.key == "" {
			return m.coarser(a.who)
		}
		return m
	}
	b.add(a, m)
	return nil
}

// begin notes that an account is beyond its budget in this interval.
func (b *budget) begin(a *account) {
	if !a.told && len(a.merged) == 0 {
		b.open = append(b.open, a)
	}
}

// add counts an event with those that are alike. Where there is no room for what is unlike all others it is counted with the account's events
// of its kind, and where there is none for that, with everybody's.
func (b *budget) add(a *account, m *merged) {
	room := b.aggregates < maxAggregates
	switch {
	case a.join(m):
		return
	case m.key != "" && room && a.keeps(m.of):
		b.hold(a, m)
		return
	}
	m = m.coarser(a.who)
	switch {
	case a.join(m):
	case room:
		b.hold(a, m)
	default:
		b.addToAll(m.coarser(subject{}))
	}
}

// addToAll counts an event with everybody's of its kind. There are few kinds, so that these always find room.
func (b *budget) addToAll(m *merged) {
	b.begin(&b.others)
	if !b.others.join(m) {
		b.hold(&b.others, m)
	}
}

func (b *budget) hold(a *account, m *merged) {
	a.merged = append(a.merged, m)
	b.aggregates++
}

// close takes what the first open account has merged, and opens the next interval for it. It returns false where none is open.
func (b *budget) close() (done []*merged, found bool) {
	if len(b.open) == 0 {
		return nil, false
	}
	a := b.open[0]
	b.open = slices.Delete(b.open, 0, 1)
	done = a.merged
	b.aggregates -= len(done)
	a.merged, a.told = nil, false
	return done, true
}

// totals are how many events of which kind were merged since the start, and how many clients are beyond their budgets now.
func (b *budget) totals() (counts map[string]uint64, clients int) {
	return maps.Clone(b.counts), len(b.open)
}

// join counts an event with one of its key, and reports whether there is one.
func (a *account) join(m *merged) bool {
	i := slices.IndexFunc(a.merged, func(x *merged) bool { return x.key == m.key })
	if i < 0 || m.key == "" {
		return false
	}
	a.merged[i].absorb(m)
	return true
}

// keeps reports whether another event of a kind is kept with its details. Each kind has room for a few, whatever there is of the others: nobody hides
// what he was allowed behind what he was denied.
func (a *account) keeps(kind string) bool {
	all, alike := 0, 0
	for _, m := range a.merged {
		if m.by != mergedAlike {
			continue
		}
		all++
		if m.of == kind {
			alike++
		}
	}
	return all < aggregatesAlike || alike < aggregatesAlikeOfKind
}
