package assign

// Uniform gives all members the same number of partitions as far as their subscriptions allow, and leaves with each member as much of
// what it owns as it can (Apache Kafka's UniformAssignor).
//
// Where all subscribe to the same topics, the numbers differ by one at the most and no assignment like that moves fewer partitions.
// Otherwise the numbers are made as even as moves within single topics make them.
func Uniform(members []Member, topics Topics) (map[string]Assignment, error) {
	p, err := newPlan(members, topics, byID)
	if err != nil {
		return nil, err
	}
	if len(p.topics) == 0 {
		return p.result(), nil
	}
	p.keep()
	if p.sameForAll() {
		p.assignToQuotas()
	} else {
		p.assignByTopic()
		p.balance()
	}
	return p.result(), nil
}

func (p *plan) sameForAll() bool {
	for _, t := range p.topics {
		if len(t.subscribers) != len(p.members) {
			return false
		}
	}
	return true
}

// assignToQuotas takes from members what is above their quota and gives what nobody has to those below theirs.
func (p *plan) assignToQuotas() {
	quotas := p.quotas()
	p.takeAbove(quotas)
	p.fillUpTo(quotas)
}

// quotas is how many partitions each member is to have. They differ by one at the most. Members that own more than the smaller number
// have the greater one first; those after them have it only where it would be left over.
func (p *plan) quotas() []int {
	total := 0
	for _, t := range p.topics {
		total += len(t.owner)
	}
	quotas := make([]int, len(p.members))
	least, greater := total/len(quotas), total%len(quotas)
	for m := range quotas {
		quotas[m] = least
		rest := len(quotas) - m
		if greater > 0 && (p.load[m] > least || rest == greater) {
			quotas[m]++
			greater--
		}
	}
	return quotas
}

func (p *plan) takeAbove(quotas []int) {
	kept := make([]int, len(quotas))
	for _, t := range p.topics {
		for partition, m := range t.owner {
			switch {
			case m == nobody:
			case kept[m] == quotas[m]:
				p.give(t, partition, nobody)
			default:
				kept[m]++
			}
		}
	}
}

// fillUpTo fills one member after the other, so that each has partitions of few topics.
func (p *plan) fillUpTo(quotas []int) {
	m := 0
	for _, t := range p.topics {
		for partition, owner := range t.owner {
			if owner != nobody {
				continue
			}
			for p.load[m] == quotas[m] {
				m++
			}
			p.give(t, partition, m)
		}
	}
}
