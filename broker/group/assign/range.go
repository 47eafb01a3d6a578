package assign

import "cmp"

// Range gives each subscriber of a topic a row of its partitions, as many as the others or one more. Members whose subscriptions are
// the same get the same partitions of all topics that have the same number of them, so that they can join them (Apache Kafka's
// RangeAssignor). Who owned what does not matter: static members keep what they have because they stand first, by instance id.
func Range(members []Member, topics Topics) (map[string]Assignment, error) {
	p, err := newPlan(members, topics, staticFirst)
	if err != nil {
		return nil, err
	}
	for _, t := range p.topics {
		p.cut(t)
	}
	return p.result(), nil
}

func (p *plan) cut(t *topic) {
	quota, longer := len(t.owner)/len(t.subscribers), len(t.owner)%len(t.subscribers)
	next := 0
	for i, m := range t.subscribers {
		end := next + quota
		if i < longer {
			end++
		}
		for ; next < end; next++ {
			p.give(t, next, m)
		}
	}
}

// staticFirst orders static members by instance id, and the others after them by member id.
func staticFirst(a, b Member) int {
	switch {
	case a.Instance != nil && b.Instance != nil:
		return cmp.Compare(*a.Instance, *b.Instance)
	case a.Instance != nil:
		return -1
	case b.Instance != nil:
		return 1
	default:
		return byID(a, b)
	}
}
