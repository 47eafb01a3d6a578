package assign

import (
	"slices"

	"pgregory.net/rapid"
)

func size(a Assignment) int {
	n := 0
	for _, partitions := range a {
		n += len(partitions)
	}
	return n
}

// kept is how many partitions are in both.
func kept(before, after Assignment) int {
	n := 0
	for t, partitions := range after {
		for _, p := range partitions {
			if slices.Contains(before[t], p) {
				n++
			}
		}
	}
	return n
}

// drawn is a group as rapid draws it.
type drawn struct {
	topics  counts
	members []Member
}

// drawGroup draws a group in which nobody owns anything. With same, all subscribe to everything.
func drawGroup(t *rapid.T, same bool) *drawn {
	g := &drawn{topics: rapid.SliceOfN(rapid.Int32Range(0, 12), 1, 5).Draw(t, "partitions")}
	for range rapid.IntRange(1, 7).Draw(t, "members") {
		g.join(t, same)
	}
	return g
}

func (g *drawn) join(t *rapid.T, same bool) string {
	taken := func(id string) bool { return slices.ContainsFunc(g.members, func(m Member) bool { return m.ID == id }) }
	m := Member{ID: rapid.StringN(1, 3, -1).Filter(func(id string) bool { return !taken(id) }).Draw(t, "id")}
	if rapid.IntRange(0, 3).Draw(t, "static") == 0 {
		instance := "of " + m.ID
		m.Instance = &instance
	}
	for n := range g.topics {
		if same || rapid.Bool().Draw(t, "subscribed") {
			m.Topics = append(m.Topics, topicID(n))
		}
	}
	g.members = append(g.members, m)
	return m.ID
}

// assign lets the members own what they are assigned.
func (g *drawn) assign(t failer, assignor Assignor) map[string]Assignment {
	got, err := assignor(g.members, g.topics)
	if err != nil {
		t.Fatal(err)
	}
	g.check(t, got)
	for i := range g.members {
		g.members[i].Owned = got[g.members[i].ID]
	}
	return got
}

type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// check looks whether every partition that somebody subscribes to is one subscriber's, and whether the answer is in order.
func (g *drawn) check(t failer, got map[string]Assignment) {
	if len(got) != len(g.members) {
		t.Fatalf("%d members got %d assignments", len(g.members), len(got))
	}
	owners := map[TopicID][]int{}
	for n, count := range g.topics {
		owners[topicID(n)] = make([]int, count)
	}
	subscribed := map[TopicID]bool{}
	for _, m := range g.members {
		for _, id := range m.Topics {
			subscribed[id] = true
		}
		for id, partitions := range got[m.ID] {
			if !slices.Contains(m.Topics, id) {
				t.Fatalf("member %q does not subscribe to topic %x", m.ID, id)
			}
			if len(partitions) == 0 || !slices.IsSorted(partitions) {
				t.Fatalf("partitions = %v", partitions)
			}
			for _, p := range partitions {
				owners[id][p]++
			}
		}
	}
	for id, times := range owners {
		for p, n := range times {
			if subscribed[id] != (n == 1) {
				t.Fatalf("partition %d of topic %x was assigned %d times", p, id, n)
			}
		}
	}
}

// uneven is the greatest difference in the numbers of partitions.
func uneven(got map[string]Assignment) int {
	var sizes []int
	for _, a := range got {
		sizes = append(sizes, size(a))
	}
	return slices.Max(sizes) - slices.Min(sizes)
}
