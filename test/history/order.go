package history

// judgeOrder compares the order of a partition with the order in time.
func (c *checker) judgeOrder(p *part, missed map[*send]bool) {
	var latest *send // of all records so far, the one whose Send began last
	byClient := map[int]*send{}
	for _, s := range p.records {
		if latest != nil && s.phase == OK && s.ended < latest.invoked && latest.offset < s.offset {
			c.early(s, latest, missed)
		}
		if other := byClient[s.client]; other != nil && s.invoked < other.invoked {
			c.add(OutOfOrder, []int{s.invoked, other.invoked}, "%q at offset %d of %v is behind %q at %d, which client %d sent later",
				s.value, s.offset, p.at, other.value, other.offset, s.client)
		}
		if latest == nil || s.invoked > latest.invoked {
			latest = s
		}
		if other := byClient[s.client]; other == nil || s.invoked > other.invoked {
			byClient[s.client] = s
		}
	}
}

// early tells of a record that was acknowledged when another one at a lower offset was not even sent: if nobody ever saw it, then the log
// has ended before it meanwhile.
func (c *checker) early(s, later *send, missed map[*send]bool) {
	kind := OutOfOrder
	if s.lastSeen == never {
		if missed[s] {
			return
		}
		kind = LostWrite
	}
	c.add(kind, []int{s.invoked, s.ended, later.invoked}, "%q was acknowledged at offset %d of %v before %q at %d was sent",
		s.value, s.offset, s.at, later.value, later.offset)
}
