package history

// takePoll takes in what a reader was given, and where it stands now.
func (c *checker) takePoll(i int, ev *Event) {
	who := reader{ev.Client, ev.place()}
	position, known := c.positions[who]
	if !known {
		position = ev.Next
		if len(ev.Records) > 0 {
			position = ev.Records[0].Offset
		}
	}
	next := c.takeRecords(i, ev, position)
	p := c.part(ev.place())
	if ev.Committed && next > position {
		p.tellStable(i, next)
	}
	next = max(next, position)
	c.positions[who] = next
	if next > position {
		p.passes = append(p.passes, pass{event: i, from: position, next: next, committed: ev.Committed})
	}
}

// takeRecords returns the reader's next position.
func (c *checker) takeRecords(i int, ev *Event, position int64) int64 {
	next := position
	for _, r := range ev.Records {
		if r.Offset < next {
			c.add(OutOfOrder, []int{i}, "a reader at %d of %v is given offset %d, %q", next, ev.place(), r.Offset, r.Value)
		}
		next = max(next, r.Offset+1)
		c.see(i, ev, r)
	}
	return max(next, ev.Next)
}

// see takes in that a reader was given a record.
func (c *checker) see(i int, ev *Event, r Record) {
	s := c.sends[r.Value]
	if s == nil || s.at != ev.place() {
		c.add(Phantom, []int{i}, "%q at offset %d of %v was not sent there", r.Value, r.Offset, ev.place())
		return
	}
	c.put(i, s, r.Offset)
	s.lastSeen = i
	if !ev.Committed || s.firstCommitted != never {
		return
	}
	s.firstCommitted = i
	if s.txn != nil && s.txn.seen == never {
		s.txn.seen = i
	}
	if s.once == "" {
		return
	}
	if other := c.once[s.once]; other != nil {
		c.add(Duplicate, []int{other.firstCommitted, i}, "%q took place twice: %q in %v, %q in %v", s.once, other.value, other.at, s.value, s.at)
		return
	}
	c.once[s.once] = s
}

// tellStable takes in that all before an offset was taken for decided.
func (p *part) tellStable(i int, offset int64) {
	if n := len(p.stable); n == 0 || p.stable[n-1].offset < offset {
		p.stable = append(p.stable, stable{event: i, offset: offset})
	}
}
