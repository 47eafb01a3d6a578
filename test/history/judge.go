package history

import (
	"cmp"
	"slices"
	"sort"
)

// judge looks for what is wrong in a partition, when all events are taken in.
func (c *checker) judge(p *part) {
	slices.SortStableFunc(p.records, func(a, b *send) int { return cmp.Compare(a.offset, b.offset) })
	dirty := map[*txn]bool{}
	for _, s := range p.records {
		c.judgeSight(s)
		if !dirty[s.txn] {
			dirty[s.txn] = c.judgeStable(p, s)
		}
	}
	missed := map[*send]bool{}
	for i := range p.passes {
		c.judgePass(p, &p.passes[i], missed)
	}
	c.judgeOrder(p, missed)
}

// judgeSight looks at who was given a record that should not be seen.
func (c *checker) judgeSight(s *send) {
	if s.phase == Fail && s.lastSeen != never {
		c.add(Phantom, []int{s.ended, s.lastSeen}, "%q at offset %d of %v was seen, and its Send has failed", s.value, s.offset, s.at)
	}
	if s.txn != nil && s.firstCommitted != never && !s.txn.committable() {
		c.add(AbortedRead, []int{s.invoked, s.firstCommitted}, "%q at offset %d of %v was seen, and transaction %d is not committed", s.value, s.offset, s.at, s.txn.id)
	}
}

// committable says that the transaction may be committed.
func (t *txn) committable() bool { return t.invoked != never && t.commit && t.phase != Fail }

// committed says that the transaction is committed, by its acknowledgement or by what was seen of it.
func (t *txn) committed() bool { return t.committable() && (t.phase == OK || t.seen != never) }

// judgeStable reports whether the partition was taken for stable beyond a record while the record's transaction was open.
func (c *checker) judgeStable(p *part, s *send) bool {
	t := s.txn
	if t == nil || t.invoked == never || !t.committed() && (t.commit || t.phase != OK) {
		return false
	}
	first := sort.Search(len(p.stable), func(i int) bool { return p.stable[i].offset > s.offset })
	if first == len(p.stable) || p.stable[first].event > t.invoked {
		return false
	}
	c.add(DirtyStable, []int{s.invoked, p.stable[first].event, t.invoked}, "offset %d of %v was taken for stable, and %q at %d was of transaction %d, still open",
		p.stable[first].offset, p.at, s.value, s.offset, t.id)
	return true
}

// judgePass looks for what the reader should have been given on its way. It adds to what was missed.
func (c *checker) judgePass(p *part, way *pass, missed map[*send]bool) {
	first := sort.Search(len(p.records), func(i int) bool { return p.records[i].offset >= way.from })
	given := c.events[way.event].Records
	next := 0
	for _, s := range p.records[first:] {
		if s.offset >= way.next {
			return
		}
		for next < len(given) && given[next].Offset < s.offset {
			next++
		}
		if s.visible(way.committed) && !missed[s] && !holds(given[next:], s) {
			missed[s] = true
			c.add(s.missKind(way.event), s.contradicting(way.event), "%q at offset %d of %v was passed by a reader on its way from %d to %d",
				s.value, s.offset, s.at, way.from, way.next)
		}
	}
}

// holds reports whether a record is among those that begin with its offset; with offsets out of order it may be anywhere.
func holds(given []Record, s *send) bool {
	for _, r := range given {
		if r.Value == s.value {
			return true
		}
		if r.Offset > s.offset {
			return false
		}
	}
	return false
}

// visible says that a reader that passes the record has to be given it.
func (s *send) visible(committed bool) bool { return !committed || s.txn == nil || s.txn.committed() }

// missKind says what it is that an event passed over the record.
func (s *send) missKind(event int) Kind {
	switch {
	case s.lastSeen > event:
		return LostThenSeen
	case s.lastSeen != never:
		return PollSkip
	case s.txn != nil && s.txn.phase != OK && s.txn.seen != never:
		return TornTransaction
	default:
		return LostWrite
	}
}

// contradicting are the events that tell of the record, and the one that passed it.
func (s *send) contradicting(event int) []int {
	events := []int{s.invoked, event}
	for _, other := range []int{s.ended, s.lastSeen} {
		if other != never {
			events = append(events, other)
		}
	}
	slices.Sort(events)
	return events
}
