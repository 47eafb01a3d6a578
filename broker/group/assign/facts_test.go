package assign

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fact is a group and what the assignor of Apache Kafka 4.3.1 made of it. Its topics are numbers.
type fact struct {
	Assignor   string
	Partitions []int32
	Members    []struct {
		ID       string
		Instance *string
		Topics   []int
		Owned    map[int][]int32
	}
	Assigned map[string]map[int][]int32
}

func (f *fact) members() []Member {
	var all []Member
	for _, m := range f.Members {
		one := Member{ID: m.ID, Instance: m.Instance, Owned: byTopic(m.Owned)}
		for _, t := range m.Topics {
			one.Topics = append(one.Topics, topicID(t))
		}
		all = append(all, one)
	}
	return all
}

func byTopic(numbered map[int][]int32) Assignment {
	out := Assignment{}
	for t, partitions := range numbered {
		out[topicID(t)] = partitions
	}
	return out
}

func topicID(n int) (id TopicID) {
	id[14], id[15] = byte(n>>8), byte(n)
	return id
}

// counts are topics by number.
type counts []int32

func (c counts) Partitions(id TopicID) (int32, bool) {
	n := int(id[14])<<8 | int(id[15])
	if n >= len(c) || topicID(n) != id {
		return 0, false
	}
	return c[n], true
}

// TestAsApacheKafka compares with what Apache Kafka's classes answered when they took members in the order of their ids. Of the uniform
// assignor the numbers are compared, and how much stays where it was; which partitions go depends on hash tables there.
func TestAsApacheKafka(t *testing.T) {
	file, err := os.ReadFile("testdata/kafka.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i, line := range bytes.Split(bytes.TrimSpace(file), []byte("\n")) {
		var f fact
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		assignor, known := ByName(f.Assignor)
		if !known {
			t.Fatalf("line %d: assignor %q", i+1, f.Assignor)
		}
		members := f.members()
		got, err := assignor(members, counts(f.Partitions))
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		want := map[string]Assignment{}
		for _, m := range members {
			want[m.ID] = byTopic(f.Assigned[m.ID])
		}
		diff := cmp.Diff(want, got)
		if f.Assignor == UniformName {
			diff = cmp.Diff(outline(members, want), outline(members, got))
		}
		if diff != "" {
			t.Errorf("line %d: Apache Kafka's answer (-), ours (+):\n%s", i+1, diff)
		}
		seen[f.Assignor]++
	}
	if seen[RangeName] == 0 || seen[UniformName] == 0 {
		t.Fatalf("facts = %v", seen)
	}
}

// shape is how many partitions a member has, and how many of them it had before.
type shape struct{ Size, Kept int }

func outline(members []Member, assigned map[string]Assignment) map[string]shape {
	out := map[string]shape{}
	for _, m := range members {
		out[m.ID] = shape{size(assigned[m.ID]), kept(m.Owned, assigned[m.ID])}
	}
	return out
}
