package assign

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	members := []Member{{ID: "a", Topics: []TopicID{topicID(0)}, Owned: nil}, {ID: "b", Topics: []TopicID{topicID(0)}}}
	members[1].Owned = Assignment{topicID(0): {0}}
	for name, want := range map[string]map[string]Assignment{
		"range":   {"a": {topicID(0): {0}}, "b": {}},
		"uniform": {"a": {}, "b": {topicID(0): {0}}},
	} {
		assignor, known := ByName(name)
		if !known {
			t.Fatalf("there is no assignor %q", name)
		}
		got, err := assignor(members, counts{1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, name := range []string{"", "simple", "Range", "roundrobin"} {
		if _, known := ByName(name); known {
			t.Errorf("assignor %q is known", name)
		}
	}
}

func TestEmptyGroups(t *testing.T) {
	for _, assignor := range []Assignor{Range, Uniform} {
		got, err := assignor(nil, counts{3})
		if err != nil || len(got) != 0 {
			t.Fatalf("no members: %v, %v", got, err)
		}
		got, err = assignor([]Member{{ID: "a", Owned: Assignment{topicID(0): {1}}}}, counts{3})
		if diff := cmp.Diff(map[string]Assignment{"a": {}}, got); err != nil || diff != "" {
			t.Fatalf("no subscriptions: %s, %v", diff, err)
		}
	}
}

func TestTopicsThatDoNotExist(t *testing.T) {
	for _, assignor := range []Assignor{Range, Uniform} {
		for _, topics := range []counts{{3}, {3, -1}} {
			_, err := assignor([]Member{{ID: "a", Topics: []TopicID{topicID(0), topicID(1)}}}, topics)
			if err == nil || !strings.Contains(err.Error(), `member "a"`) {
				t.Fatalf("error = %v", err)
			}
		}
	}
}

func TestRangeKeepsTheRowOfAStaticMember(t *testing.T) {
	all := []TopicID{topicID(0), topicID(1)}
	one, two := "1", "2"
	before := []Member{
		{ID: "z", Instance: &one, Topics: all}, {ID: "a", Topics: all}, {ID: "y", Instance: &two, Topics: all},
	}
	after := []Member{
		{ID: "a", Topics: all}, {ID: "b", Instance: &two, Topics: all}, {ID: "c", Instance: &one, Topics: all},
	}
	rows := []Assignment{
		{topicID(0): {0, 1}, topicID(1): {0}}, {topicID(0): {2, 3}, topicID(1): {1}}, {topicID(0): {4}},
	}
	for _, c := range []struct {
		members []Member
		order   [3]string
	}{{before, [3]string{"z", "y", "a"}}, {after, [3]string{"c", "b", "a"}}} {
		got, err := Range(c.members, counts{5, 2})
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range c.order {
			if diff := cmp.Diff(rows[i], got[id]); diff != "" {
				t.Errorf("member %q: %s", id, diff)
			}
		}
	}
}

// TestUniformOfWhatTwoOwn has a log say that a partition is two members'. The first one keeps it.
func TestUniformOfWhatTwoOwn(t *testing.T) {
	topic := topicID(0)
	members := []Member{
		{ID: "b", Topics: []TopicID{topic}, Owned: Assignment{topic: {0, 1}}},
		{ID: "a", Topics: []TopicID{topic}, Owned: Assignment{topic: {0}}},
	}
	got, err := Uniform(members, counts{2})
	if diff := cmp.Diff(map[string]Assignment{"a": {topic: {0}}, "b": {topic: {1}}}, got); err != nil || diff != "" {
		t.Fatalf("%s, %v", diff, err)
	}
}

// TestUniformOfDisjointTopics has members that cannot help each other: numbers are as uneven as the topics are.
func TestUniformOfDisjointTopics(t *testing.T) {
	members := []Member{
		{ID: "a", Topics: []TopicID{topicID(0)}},
		{ID: "b", Topics: []TopicID{topicID(0), topicID(1)}},
		{ID: "c", Topics: []TopicID{topicID(1), topicID(2)}},
	}
	got, err := Uniform(members, counts{9, 2, 1})
	if err != nil {
		t.Fatal(err)
	}
	// The nine of topic 0 are for a and b alone; c takes all the rest from b.
	for id, want := range map[string]int{"a": 5, "b": 4, "c": 3} {
		if size(got[id]) != want {
			t.Errorf("member %q has %v, not %d partitions", id, got[id], want)
		}
	}
}

func BenchmarkAssign(b *testing.B) {
	for _, c := range []struct {
		name                       string
		members, topics, partition int
		mixed                      bool
	}{
		{"same/1000x1000", 1000, 1, 1000, false},
		{"same/1000x1000in100", 1000, 100, 10, false},
		{"mixed/1000x1000in100", 1000, 100, 10, true},
		{"same/10000x10000in100", 10000, 100, 100, false},
	} {
		g := &drawn{}
		for range c.topics {
			g.topics = append(g.topics, int32(c.partition))
		}
		for m := range c.members {
			one := Member{ID: fmt.Sprintf("member-%05d", m)}
			for n := range c.topics {
				if !c.mixed || (m+n)%3 > 0 {
					one.Topics = append(one.Topics, topicID(n))
				}
			}
			g.members = append(g.members, one)
		}
		b.Run("range/"+c.name, func(b *testing.B) { benchmark(b, Range, g) })
		b.Run("uniform/first/"+c.name, func(b *testing.B) { benchmark(b, Uniform, g) })
		g.assign(b, Uniform)
		g.members = g.members[1:]
		b.Run("uniform/one left/"+c.name, func(b *testing.B) { benchmark(b, Uniform, g) })
	}
}

func benchmark(b *testing.B, assignor Assignor, g *drawn) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := assignor(g.members, g.topics); err != nil {
			b.Fatal(err)
		}
	}
}
