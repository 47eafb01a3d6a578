package controller

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func brokers(ids ...int32) *meta.Image {
	img := meta.NewImage()
	for i, id := range ids {
		img, _, _ = img.Apply(uint64(i+1), &meta.RegisterBroker{Broker: meta.Broker{ID: id}})
	}
	return img
}

func TestTopicNames(t *testing.T) {
	for _, name := range []string{"a", "A-b_c.9", strings.Repeat("x", 249), "__consumer_offsets", "..."} {
		if err := ValidateTopicName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "a b", "ä", "a\x00", strings.Repeat("x", 250)} {
		if err := ValidateTopicName(name); wire.CodeOf(err) != wire.InvalidTopicException {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCollisions(t *testing.T) {
	img := brokers(1)
	img, _, _ = img.Apply(9, &meta.CreateTopics{Topics: []meta.NewTopic{{Name: "a.b", ID: NewTopicID(), Replicas: [][]int32{{1}}}}})
	if Collides(img, "a_b") == nil || Collides(img, "a.b") != nil || Collides(img, "ab") != nil || Collides(img, "a.c") != nil {
		t.Error("collisions of '.' and '_' are not told apart")
	}
}

func TestPlacementSpreadsLeadersAndCopies(t *testing.T) {
	got, err := Place(brokers(1, 2, 3), 0, 4, 2, 1)
	want := [][]int32{{2, 3}, {3, 1}, {1, 2}, {2, 3}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, c := range []struct {
		count, factor int
		code          int16
	}{{0, 1, wire.InvalidPartitions}, {maxPartitions + 1, 1, wire.InvalidPartitions}, {1, 0, wire.InvalidReplicationFactor}, {1, 4, wire.InvalidReplicationFactor}} {
		if _, err := Place(brokers(1, 2, 3), 0, c.count, c.factor, 0); wire.CodeOf(err) != c.code {
			t.Errorf("%d partitions, factor %d: %v", c.count, c.factor, err)
		}
	}
}

func TestAssignments(t *testing.T) {
	img := brokers(1, 2)
	if err := CheckAssignment(img, [][]int32{{1, 2}, {2, 1}}); err != nil {
		t.Error(err)
	}
	for _, bad := range [][][]int32{{}, {{}}, {{1}, {1, 2}}, {{1, 1}}, {{3}}} {
		if err := CheckAssignment(img, bad); wire.CodeOf(err) != wire.InvalidReplicaAssignment {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestTopicIDs(t *testing.T) {
	for range 1000 {
		if id := NewTopicID(); id.String()[0] == '-' || id.IsZero() {
			t.Fatalf("id %s", id)
		}
	}
	if !reserved(meta.TopicID{15: 99}) || reserved(meta.TopicID{15: 100}) {
		t.Error("the reserved ids are not the first hundred")
	}
}
