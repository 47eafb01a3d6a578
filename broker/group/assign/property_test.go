package assign

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestAnyGroup lets members own whatever a log may say, and looks whether what comes out is in order and depends on nothing but the
// group.
func TestAnyGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, false)
		for i := range g.members {
			g.members[i].Owned = drawOwned(t, len(g.topics))
		}
		for _, name := range []string{RangeName, UniformName} {
			assignor, _ := ByName(name)
			before := cloneMembers(g.members)
			got, err := assignor(g.members, g.topics)
			if err != nil {
				t.Fatal(err)
			}
			g.check(t, got)
			if diff := cmp.Diff(before, g.members); diff != "" {
				t.Fatalf("%s has changed its input: %s", name, diff)
			}
			again, err := assignor(shuffled(t, before), g.topics)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Fatalf("%s depends on the order of its input: %s", name, diff)
			}
		}
	})
}

func drawOwned(t *rapid.T, topics int) Assignment {
	owned := Assignment{}
	for n := range topics + 1 {
		partitions := rapid.SliceOfN(rapid.Int32Range(-1, 13), 0, 6).Draw(t, "owned")
		if len(partitions) > 0 {
			owned[topicID(n)] = partitions
		}
	}
	return owned
}

func cloneMembers(members []Member) []Member {
	clones := slices.Clone(members)
	for i := range clones {
		clones[i].Topics = slices.Clone(clones[i].Topics)
		owned := Assignment{}
		for id, partitions := range clones[i].Owned {
			owned[id] = slices.Clone(partitions)
		}
		clones[i].Owned = owned
	}
	return clones
}

// shuffled is the same group told in another order, with topics named twice.
func shuffled(t *rapid.T, members []Member) []Member {
	out := rapid.Permutation(members).Draw(t, "members")
	for i := range out {
		out[i].Topics = rapid.Permutation(slices.Concat(out[i].Topics, out[i].Topics)).Draw(t, "topics")
	}
	return out
}

// TestUniformStaysEvenAndPut changes groups whose members subscribe to the same topics. The numbers of partitions differ by one at the
// most after each change, and no such assignment leaves more where it was.
func TestUniformStaysEvenAndPut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, true)
		g.assign(t, Uniform)
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			g.change(t, true)
			most := g.mostKept()
			before := cloneMembers(g.members)
			got := g.assign(t, Uniform)
			if uneven(got) > 1 {
				t.Fatalf("assignment = %v", got)
			}
			stays := 0
			for _, m := range before {
				stays += kept(m.Owned, got[m.ID])
			}
			if stays != most {
				t.Fatalf("%d partitions stay where they were, %d could have", stays, most)
			}
		}
	})
}

// mostKept is how many partitions can stay where all members are to have equally many, give or take one.
func (g *drawn) mostKept() int {
	total := 0
	for _, count := range g.topics {
		total += int(count)
	}
	least, greater := total/len(g.members), total%len(g.members)
	most := 0
	for _, m := range g.members {
		most += min(size(m.Owned), least)
		if size(m.Owned) > least && greater > 0 {
			most++
			greater--
		}
	}
	return most
}

func (g *drawn) change(t *rapid.T, same bool) {
	switch rapid.IntRange(0, 3).Draw(t, "change") {
	case 0:
		g.join(t, same)
	case 1:
		if len(g.members) > 1 {
			i := rapid.IntRange(0, len(g.members)-1).Draw(t, "leaver")
			g.members = slices.Delete(g.members, i, i+1)
		}
	case 2:
		n := rapid.IntRange(0, len(g.topics)-1).Draw(t, "topic")
		g.topics[n] += rapid.Int32Range(1, 4).Draw(t, "more")
	case 3:
		g.topics = append(g.topics, rapid.Int32Range(0, 6).Draw(t, "partitions"))
		for i := range g.members {
			if same || rapid.Bool().Draw(t, "subscribed") {
				g.members[i].Topics = append(slices.Clone(g.members[i].Topics), topicID(len(g.topics)-1))
			}
		}
	}
}

// TestUniformTakesOnlyForTheNew is what members see of a rebalance: a join takes from the others only what the new one gets, and a
// departure takes nothing from anybody.
func TestUniformTakesOnlyForTheNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, true)
		g.assign(t, Uniform)
		newcomer := g.join(t, true)
		before := cloneMembers(g.members)
		joined := g.assign(t, Uniform)
		for _, m := range before {
			if m.ID != newcomer && kept(m.Owned, joined[m.ID]) != size(joined[m.ID]) {
				t.Fatalf("member %q had %v and has %v", m.ID, m.Owned, joined[m.ID])
			}
		}
		leaver := rapid.IntRange(0, len(g.members)-1).Draw(t, "leaver")
		g.members = slices.Delete(g.members, leaver, leaver+1)
		before = cloneMembers(g.members)
		if len(before) == 0 {
			return
		}
		left := g.assign(t, Uniform)
		for _, m := range before {
			if kept(m.Owned, left[m.ID]) != size(m.Owned) {
				t.Fatalf("member %q had %v and has %v", m.ID, m.Owned, left[m.ID])
			}
		}
	})
}

// TestUniformOfMixedSubscriptions changes groups whose members subscribe to what they like. After each change no move within a topic
// makes two members' numbers more even, and a group that does not change keeps what it has.
func TestUniformOfMixedSubscriptions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, false)
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			g.change(t, false)
			got := g.assign(t, Uniform)
			g.checkEven(t, got)
			if diff := cmp.Diff(got, g.assign(t, Uniform)); diff != "" {
				t.Fatalf("a group that has not changed was assigned anew: %s", diff)
			}
		}
	})
}

func (g *drawn) checkEven(t failer, got map[string]Assignment) {
	for _, from := range g.members {
		for id := range got[from.ID] {
			for _, to := range g.members {
				if slices.Contains(to.Topics, id) && size(got[from.ID])-size(got[to.ID]) > 1 {
					t.Fatalf("topic %x can go from %q to %q: %v", id, from.ID, to.ID, got)
				}
			}
		}
	}
}

// TestRangeIsInRows looks for Kafka's promises: rows, of which the first are the longer ones, and the same partitions of topics that
// have the same number of them and the same subscribers.
func TestRangeIsInRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGroup(t, false)
		got := g.assign(t, Range)
		order := slices.SortedFunc(slices.Values(g.members), staticFirst)
		rows := map[string][][]int32{}
		for n, count := range g.topics {
			next, key := int32(0), fmt.Sprint(count)
			var row [][]int32
			for _, m := range order {
				if !slices.Contains(m.Topics, topicID(n)) {
					continue
				}
				key += "," + m.ID
				partitions := got[m.ID][topicID(n)]
				for _, p := range partitions {
					if p != next {
						t.Fatalf("topic %d: %v", n, got)
					}
					next++
				}
				row = append(row, partitions)
			}
			for i := 1; i < len(row); i++ {
				if d := len(row[i-1]) - len(row[i]); d < 0 || len(row[0])-len(row[i]) > 1 {
					t.Fatalf("topic %d: %v", n, row)
				}
			}
			if twin, found := rows[key]; found {
				if diff := cmp.Diff(twin, row); diff != "" {
					t.Fatalf("topics of the same size and subscribers differ: %s", diff)
				}
			}
			rows[key] = row
		}
	})
}
