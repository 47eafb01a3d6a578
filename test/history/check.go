package history

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Check returns what is wrong with a history, the first hundred of each kind; nothing if a correct broker can have brought it about, as far
// as the kinds go. The work is in proportion to the events and the records that readers were given, but for sorting.
//
// A record at the end of a partition that nobody has passed says nothing: a test that ends has its readers read everything, and sends a
// last record to each partition for it.
func Check(events []Event) []Anomaly {
	c := checker{
		events: events, findings: findings{count: map[Kind]int{}},
		sends: map[string]*send{}, txns: map[int64]*txn{}, parts: map[place]*part{}, positions: map[reader]int64{}, once: map[string]*send{},
	}
	for i := range events {
		c.take(i, &events[i])
	}
	for _, at := range slices.SortedFunc(maps.Keys(c.parts), place.compare) {
		c.judge(c.parts[at])
	}
	return c.all
}

// checker is a history being read.
type checker struct {
	findings
	events    []Event
	sends     map[string]*send
	txns      map[int64]*txn
	parts     map[place]*part
	positions map[reader]int64
	// once has the first record of each Once that a read-committed reader was given.
	once map[string]*send
}

type place struct {
	topic     string
	partition int32
}

func (p place) compare(q place) int {
	return cmp.Or(strings.Compare(p.topic, q.topic), cmp.Compare(p.partition, q.partition))
}

type reader struct {
	client int
	at     place
}

// never is the index of an event that is not there.
const never = -1

// send is one record.
type send struct {
	value, once string
	client      int
	txn         *txn
	at          place
	// invoked and ended are the events of the Send.
	invoked, ended int
	phase          Phase
	// offset is where the record is, -1 while that is not known.
	offset int64
	// lastSeen is the last Poll that returned it, firstCommitted the first one of a read-committed reader.
	lastSeen, firstCommitted int
}

// txn is one transaction.
type txn struct {
	id             int64
	invoked, ended int
	phase          Phase
	commit         bool
	// seen is a Poll of a read-committed reader that returned one of its records, though it may still be found to be none that can be.
	seen int
}

// part is one partition.
type part struct {
	at place
	// records are those that are there, by offset once all events are taken in; taken is who was there first.
	records []*send
	taken   map[int64]*send
	passes  []pass
	// stable are the offsets that were taken for stable, each higher than the one before.
	stable []stable
}

// pass is a reader's way from one position to the next.
type pass struct {
	event      int
	from, next int64
	committed  bool
}

// stable is an offset that was told or passed at an event.
type stable struct {
	event  int
	offset int64
}

func (c *checker) take(i int, ev *Event) {
	switch ev.Op {
	case Send:
		c.takeSend(i, ev)
	case End:
		c.takeEnd(i, ev)
	case Assign:
		c.positions[reader{ev.Client, ev.place()}] = ev.Offset
	case Poll:
		c.takePoll(i, ev)
	case Stable:
		c.part(ev.place()).tellStable(i, ev.Offset)
	default:
		c.add(Malformed, []int{i}, "operation %d", ev.Op)
	}
}

func (c *checker) takeSend(i int, ev *Event) {
	s := c.sends[ev.Value]
	if ev.Phase == Invoke {
		if s != nil {
			c.add(Malformed, []int{s.invoked, i}, "%q is sent twice", ev.Value)
			return
		}
		c.sends[ev.Value] = &send{
			value: ev.Value, once: ev.Once, client: ev.Client, txn: c.txn(ev.Txn), at: ev.place(),
			invoked: i, ended: never, phase: Unknown, offset: -1, lastSeen: never, firstCommitted: never,
		}
		return
	}
	if s == nil || s.ended != never {
		c.add(Malformed, []int{i}, "a Send of %q ends that has not begun or has ended", ev.Value)
		return
	}
	s.ended, s.phase = i, ev.Phase
	if ev.Phase == OK && ev.Offset >= 0 {
		c.put(i, s, ev.Offset)
	}
}

func (c *checker) takeEnd(i int, ev *Event) {
	t := c.txn(ev.Txn)
	switch {
	case t == nil:
		c.add(Malformed, []int{i}, "an End without a transaction")
	case ev.Phase == Invoke && t.invoked == never:
		t.invoked, t.commit = i, ev.Commit
	case ev.Phase == Invoke:
		c.add(Malformed, []int{t.invoked, i}, "transaction %d is ended twice", t.id)
	case t.invoked == never || t.ended != never:
		c.add(Malformed, []int{i}, "an End of transaction %d is over that has not begun or was over", t.id)
	default:
		t.ended, t.phase = i, ev.Phase
	}
}

// put takes in that a record is at an offset.
func (c *checker) put(i int, s *send, offset int64) {
	switch {
	case s.offset == offset:
		return
	case s.offset >= 0:
		c.add(Duplicate, []int{s.invoked, i}, "%q is at offset %d and at %d of %v", s.value, s.offset, offset, s.at)
		return
	}
	s.offset = offset
	p := c.part(s.at)
	p.records = append(p.records, s)
	if other := p.taken[offset]; other != nil {
		c.add(Diverged, []int{other.invoked, s.invoked, i}, "%q and %q are at offset %d of %v", other.value, s.value, offset, s.at)
		return
	}
	p.taken[offset] = s
}

// txn is the transaction of a number; nil if that is 0.
func (c *checker) txn(id int64) *txn {
	if id == 0 {
		return nil
	}
	t := c.txns[id]
	if t == nil {
		t = &txn{id: id, invoked: never, ended: never, phase: Unknown, seen: never}
		c.txns[id] = t
	}
	return t
}

func (c *checker) part(at place) *part {
	p := c.parts[at]
	if p == nil {
		p = &part{at: at, taken: map[int64]*send{}}
		c.parts[at] = p
	}
	return p
}

func (ev *Event) place() place { return place{ev.Topic, ev.Partition} }
