package assign

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// nobody is the owner of partitions that have none.
const nobody = -1

// plan is an assignment in the making. Members are known by where they stand in it.
type plan struct {
	members []Member
	// load is how many partitions each member has.
	load []int
	// topics are those with subscribers, by id.
	topics []*topic
	byID   map[TopicID]*topic
}

type topic struct {
	id TopicID
	// subscribers are in ascending order.
	subscribers []int
	// owner is the member that has the partition of that index.
	owner []int
}

// newPlan is a plan in which nobody has anything, with the members in the order that is given.
func newPlan(members []Member, topics Topics, order func(a, b Member) int) (*plan, error) {
	p := &plan{members: slices.Clone(members), load: make([]int, len(members)), byID: map[TopicID]*topic{}}
	slices.SortFunc(p.members, order)
	for m := range p.members {
		for _, id := range p.members[m].Topics {
			if err := p.subscribe(m, id, topics); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(p.topics, func(a, b *topic) int { return bytes.Compare(a.id[:], b.id[:]) })
	return p, nil
}

func (p *plan) subscribe(m int, id TopicID, topics Topics) error {
	t := p.byID[id]
	if t == nil {
		count, exists := topics.Partitions(id)
		if !exists || count < 0 {
			return fmt.Errorf("assign partitions to member %q: topic %x does not exist", p.members[m].ID, id)
		}
		t = &topic{id: id, owner: slices.Repeat([]int{nobody}, int(count))}
		p.byID[id] = t
		p.topics = append(p.topics, t)
	}
	if n := len(t.subscribers); n == 0 || t.subscribers[n-1] != m {
		t.subscribers = append(t.subscribers, m)
	}
	return nil
}

func byID(a, b Member) int { return cmp.Compare(a.ID, b.ID) }

// keep gives members what they own, as far as they still subscribe to it and it is there.
func (p *plan) keep() {
	for m := range p.members {
		for id, partitions := range p.members[m].Owned {
			t := p.byID[id]
			if t == nil || !t.subscribed(m) {
				continue
			}
			for _, partition := range partitions {
				if partition >= 0 && int(partition) < len(t.owner) && t.owner[partition] == nobody {
					p.give(t, int(partition), m)
				}
			}
		}
	}
}

func (t *topic) subscribed(m int) bool {
	_, found := slices.BinarySearch(t.subscribers, m)
	return found
}

// give makes the member, or nobody, the owner of the partition.
func (p *plan) give(t *topic, partition, m int) {
	if old := t.owner[partition]; old != nobody {
		p.load[old]--
	}
	t.owner[partition] = m
	if m != nobody {
		p.load[m]++
	}
}

// result is the plan by member. Everybody is in it.
func (p *plan) result() map[string]Assignment {
	parts := make([]Assignment, len(p.members))
	out := make(map[string]Assignment, len(p.members))
	for m := range p.members {
		parts[m] = Assignment{}
		out[p.members[m].ID] = parts[m]
	}
	for _, t := range p.topics {
		for partition, m := range t.owner {
			parts[m][t.id] = append(parts[m][t.id], int32(partition)) //nolint:gosec // counts of partitions are int32
		}
	}
	return out
}
