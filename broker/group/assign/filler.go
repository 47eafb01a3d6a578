package assign

import (
	"cmp"
	"slices"
)

// filler hands out the least loaded of a topic's subscribers, one partition at a time. It counts on each getting the partition.
type filler struct {
	load []int
	// order is the subscribers by the load that they began with.
	order []int
	// level is the least load. Of those before reach, who have it or one more, those from next on have it.
	level, next, reach int
}

func (p *plan) filler(t *topic) *filler {
	order := slices.Clone(t.subscribers)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.load[a], p.load[b]) })
	return &filler{load: p.load, order: order, level: p.load[order[0]] - 1}
}

func (f *filler) least() int {
	if f.next == f.reach {
		f.level++
		for f.reach < len(f.order) && f.load[f.order[f.reach]] == f.level {
			f.reach++
		}
		f.next = 0
	}
	m := f.order[f.next]
	f.next++
	return m
}
