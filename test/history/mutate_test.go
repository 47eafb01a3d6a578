package history

import (
	"slices"

	"pgregory.net/rapid"
)

// mutations are ways to spoil a good history, and what has to be found then. Those that do not fit a history report false.
var mutations = map[string]struct {
	want   Kind
	change func(*mutator) bool
}{
	"a record is taken from all polls":           {LostWrite, (*mutator).lose},
	"a record is taken from the first poll":      {LostThenSeen, func(m *mutator) bool { return m.hide(0) }},
	"a record is taken from the last poll":       {PollSkip, func(m *mutator) bool { return m.hide(-1) }},
	"a commit is in doubt and a record is taken": {TornTransaction, (*mutator).tear},
	"an aborted record is given to a reader":     {AbortedRead, (*mutator).showAborted},
	"a record is given again":                    {Duplicate, (*mutator).repeat},
	"two records of a poll change places":        {OutOfOrder, (*mutator).swapInPoll},
	"two records of a client change places":      {OutOfOrder, (*mutator).swapInLog},
	"the stable offset is told too high":         {DirtyStable, (*mutator).raiseStable},
	"a record is made up":                        {Phantom, (*mutator).makeUp},
	"a record is acknowledged at another's place": {
		Diverged, (*mutator).acknowledgeElsewhere,
	},
}

// mutator changes a history in place.
type mutator struct {
	t      *rapid.T
	events []Event
}

// one draws one of the indices of the events that fit.
func (m *mutator) one(what string, fits func(i int, ev *Event) bool) (int, bool) {
	var all []int
	for i := range m.events {
		if fits(i, &m.events[i]) {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	return rapid.SampledFrom(all).Draw(m.t, what), true
}

func acknowledged(ev *Event) bool { return ev.Op == Send && ev.Phase == OK && ev.Offset >= 0 }

// end is how a transaction ended, and when that began; nil if it never did.
func (m *mutator) end(txn int64) (invoke, end *Event) {
	for i := range m.events {
		if ev := &m.events[i]; ev.Op == End && ev.Txn == txn {
			if ev.Phase == Invoke {
				invoke = ev
			} else {
				end = ev
			}
		}
	}
	return invoke, end
}

// surelyThere says that readers have to see an acknowledged record.
func (m *mutator) surelyThere(ev *Event) bool {
	if ev.Txn == 0 {
		return true
	}
	_, end := m.end(ev.Txn)
	return end != nil && end.Commit && end.Phase == OK
}

// sights are the polls that returned a value.
func (m *mutator) sights(value string) []int {
	var all []int
	for i := range m.events {
		if slices.ContainsFunc(m.events[i].Records, func(r Record) bool { return r.Value == value }) {
			all = append(all, i)
		}
	}
	return all
}

// take takes a record from a poll, whose position stays what it was.
func (m *mutator) take(poll int, value string) {
	ev := &m.events[poll]
	ev.Next = max(ev.Next, ev.Records[len(ev.Records)-1].Offset+1)
	ev.Records = slices.DeleteFunc(slices.Clone(ev.Records), func(r Record) bool { return r.Value == value })
}

func (m *mutator) lose() bool {
	i, ok := m.one("send", func(_ int, ev *Event) bool {
		return acknowledged(ev) && m.surelyThere(ev) && len(m.sights(ev.Value)) > 0
	})
	if !ok {
		return false
	}
	for _, poll := range m.sights(m.events[i].Value) {
		m.take(poll, m.events[i].Value)
	}
	return true
}

// hide takes a record from the first or the last of several polls.
func (m *mutator) hide(which int) bool {
	i, ok := m.one("send", func(_ int, ev *Event) bool {
		return acknowledged(ev) && m.surelyThere(ev) && len(m.sights(ev.Value)) > 1
	})
	if !ok {
		return false
	}
	polls := m.sights(m.events[i].Value)
	m.take(polls[(which+len(polls))%len(polls)], m.events[i].Value)
	return true
}

func (m *mutator) tear() bool {
	committedSights := func(value string) bool {
		return slices.ContainsFunc(m.sights(value), func(i int) bool { return m.events[i].Committed })
	}
	i, ok := m.one("send", func(_ int, ev *Event) bool {
		return acknowledged(ev) && ev.Txn != 0 && m.surelyThere(ev) && len(m.sights(ev.Value)) > 0 && slices.ContainsFunc(m.events, func(other Event) bool {
			return other.Txn == ev.Txn && acknowledged(&other) && other.Value != ev.Value && committedSights(other.Value)
		})
	})
	if !ok {
		return false
	}
	_, end := m.end(m.events[i].Txn)
	end.Phase = Unknown
	for _, poll := range m.sights(m.events[i].Value) {
		m.take(poll, m.events[i].Value)
	}
	return true
}

func (m *mutator) showAborted() bool {
	i, ok := m.one("send", func(_ int, ev *Event) bool {
		if !acknowledged(ev) || ev.Txn == 0 {
			return false
		}
		invoke, end := m.end(ev.Txn)
		return invoke == nil || !invoke.Commit || end != nil && end.Phase == Fail
	})
	if !ok {
		return false
	}
	ev := m.events[i]
	poll, ok := m.one("poll", func(j int, p *Event) bool { return j > i && p.Op == Poll && p.Committed && p.Partition == ev.Partition })
	if !ok {
		return false
	}
	m.events[poll].Records = append(slices.Clone(m.events[poll].Records), Record{Offset: ev.Offset, Value: ev.Value})
	return true
}

func (m *mutator) repeat() bool {
	i, ok := m.one("poll", func(_ int, ev *Event) bool { return len(ev.Records) > 0 })
	if !ok {
		return false
	}
	ev := &m.events[i]
	last := ev.Records[len(ev.Records)-1]
	ev.Records = append(slices.Clone(ev.Records), Record{Offset: last.Offset + 1, Value: last.Value})
	return true
}

func (m *mutator) swapInPoll() bool {
	i, ok := m.one("poll", func(_ int, ev *Event) bool { return len(ev.Records) > 1 })
	if !ok {
		return false
	}
	records := slices.Clone(m.events[i].Records)
	records[0], records[1] = records[1], records[0]
	m.events[i].Records = records
	return true
}

// swapInLog exchanges the offsets of two records that one client has sent, wherever they are told.
func (m *mutator) swapInLog() bool {
	sameClient := func(i int, ev *Event) func(int, *Event) bool {
		return func(j int, other *Event) bool {
			return j > i && acknowledged(other) && other.Client == ev.Client && other.Partition == ev.Partition
		}
	}
	first, ok := m.one("first", func(i int, ev *Event) bool {
		return acknowledged(ev) && slices.ContainsFunc(m.events[i+1:], func(other Event) bool { return sameClient(-1, ev)(0, &other) })
	})
	if !ok {
		return false
	}
	second, _ := m.one("second", sameClient(first, &m.events[first]))
	a, b := m.events[first], m.events[second]
	m.events[first].Offset, m.events[second].Offset = b.Offset, a.Offset
	for i := range m.events {
		records := slices.Clone(m.events[i].Records)
		for j := range records {
			switch records[j].Value {
			case a.Value:
				records[j].Value = b.Value
			case b.Value:
				records[j].Value = a.Value
			}
		}
		m.events[i].Records = records
	}
	return true
}

// raiseStable has an event of a reader be an answer that is told before the End of a transaction begins.
func (m *mutator) raiseStable() bool {
	i, ok := m.one("send", func(_ int, ev *Event) bool { return acknowledged(ev) && ev.Txn != 0 && m.surelyThere(ev) })
	if !ok {
		return false
	}
	ev := m.events[i]
	j, ok := m.one("when", func(j int, other *Event) bool {
		return j > i && other.Op != Send && other.Op != End && !slices.ContainsFunc(m.events[i:j], func(e Event) bool {
			return e.Op == End && e.Txn == ev.Txn
		})
	})
	if !ok {
		return false
	}
	m.events[j] = Event{Client: -1, Op: Stable, Topic: ev.Topic, Partition: ev.Partition, Offset: ev.Offset + 1}
	return true
}

func (m *mutator) makeUp() bool {
	i, ok := m.one("poll", func(_ int, ev *Event) bool { return len(ev.Records) > 0 })
	if !ok {
		return false
	}
	m.events[i].Records = slices.Clone(m.events[i].Records)
	m.events[i].Records[0].Value = "made up"
	return true
}

// acknowledgeElsewhere has an acknowledgement tell another record's offset, before anybody is given the record.
func (m *mutator) acknowledgeElsewhere() bool {
	i, ok := m.one("send", func(i int, ev *Event) bool {
		return acknowledged(ev) && !slices.ContainsFunc(m.sights(ev.Value), func(poll int) bool { return poll < i })
	})
	if !ok {
		return false
	}
	ev := &m.events[i]
	j, ok := m.one("other", func(j int, other *Event) bool {
		return j != i && acknowledged(other) && other.Partition == ev.Partition
	})
	if ok {
		ev.Offset = m.events[j].Offset
	}
	return ok
}
