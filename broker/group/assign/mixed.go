package assign

import (
	"bytes"
	"cmp"
	"slices"
)

// balanceRounds bounds the walks over all topics that make the members' numbers more even: as many as in Apache Kafka.
const balanceRounds = 16

// assignByTopic gives what nobody has to the least loaded subscribers, with the topics that weigh most first.
func (p *plan) assignByTopic() {
	for _, t := range heaviestFirst(p.topics) {
		f := p.filler(t)
		for partition, m := range t.owner {
			if m == nobody {
				p.give(t, partition, f.least())
			}
		}
	}
}

// heaviestFirst orders topics by partitions per subscriber; of equal ones those come first that fewer members can take.
func heaviestFirst(topics []*topic) []*topic {
	return slices.SortedFunc(slices.Values(topics), func(a, b *topic) int {
		return cmp.Or(
			cmp.Compare(len(b.owner)*len(a.subscribers), len(a.owner)*len(b.subscribers)),
			cmp.Compare(len(a.subscribers), len(b.subscribers)),
			bytes.Compare(a.id[:], b.id[:]),
		)
	})
}

// balance makes one topic after the other even until none moves any more. The bound on the rounds is for numbers that are never
// even because each topic's moves undo those of another.
func (p *plan) balance() {
	topics := heaviestFirst(slices.DeleteFunc(slices.Clone(p.topics), func(t *topic) bool { return len(t.subscribers) < 2 }))
	unmoved := 0
	held := make([][]int, len(p.members))
	for range balanceRounds {
		for _, t := range topics {
			unmoved++
			if p.balanceTopic(t, held) {
				unmoved = 1
			}
			if unmoved == len(topics) {
				return
			}
		}
	}
}

// balanceTopic moves partitions of the topic from its most loaded subscribers to its least loaded ones, as long as the one has at
// least two more than the other, and reports whether it has moved any. Held is room to work in, for each member.
func (p *plan) balanceTopic(t *topic, held [][]int) bool {
	f := p.filler(t)
	if p.load[f.order[len(f.order)-1]]-p.load[f.order[0]] <= 1 {
		return false
	}
	givers := f.holders(t, held)
	moved := false
	var giving []int // the most loaded of the givers, all with the same load
	for len(giving)+len(givers) > 0 {
		if len(giving) == 0 {
			giving, givers = append(giving, givers[0]), givers[1:]
		}
		for len(givers) > 0 && p.load[givers[0]] >= p.load[giving[0]] {
			giving, givers = append(giving, givers[0]), givers[1:]
		}
		rest := giving[:0]
		for _, m := range giving {
			to, last := f.least(), len(held[m])-1
			if p.load[m]-p.load[to] <= 1 {
				return moved
			}
			p.give(t, held[m][last], to)
			held[m] = held[m][:last]
			moved = true
			if last > 0 {
				rest = append(rest, m)
			}
		}
		giving = rest
	}
	return moved
}

// holders writes into held which of the topic's partitions each of its subscribers has, and returns those that have any, the most
// loaded first.
func (f *filler) holders(t *topic, held [][]int) []int {
	for _, m := range t.subscribers {
		held[m] = held[m][:0]
	}
	for partition, m := range t.owner {
		held[m] = append(held[m], partition)
	}
	var holders []int
	for _, m := range slices.Backward(f.order) {
		if len(held[m]) > 0 {
			holders = append(holders, m)
		}
	}
	return holders
}
