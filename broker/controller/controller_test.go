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

func TestInternalNames(t *testing.T) {
	for name, want := range map[string]bool{"__consumer_offsets": true, "__audit_log": true, "__cluster_metadata": true, "__mine": false, "a": false} {
		if IsInternal(name) != want {
			t.Errorf("%s", name)
		}
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
	}{{0, 1, wire.InvalidPartitions}, {MaxPartitions + 1, 1, wire.PolicyViolation}, {1, 0, wire.InvalidReplicationFactor}, {1, 4, wire.InvalidReplicationFactor}} {
		if _, err := Place(brokers(1, 2, 3), 0, c.count, c.factor, 0); wire.CodeOf(err) != c.code {
			t.Errorf("%d partitions, factor %d: %v", c.count, c.factor, err)
		}
	}
}

func TestFencedBrokersGetNothing(t *testing.T) {
	img := brokers(1, 2, 3)
	img, _, _ = img.Apply(9, &meta.RegisterBroker{Broker: meta.Broker{ID: 2, Fenced: true}})
	got, err := Place(img, 3, 2, 2, 0)
	if diff := cmp.Diff([][]int32{{3, 1}, {1, 3}}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := Place(img, 0, 1, 3, 0); wire.CodeOf(err) != wire.InvalidReplicationFactor {
		t.Errorf("three copies on two brokers: %v", err)
	}
}

func TestAssignments(t *testing.T) {
	img := brokers(1, 2)
	for _, good := range []struct {
		partitions [][]int32
		factor     int
	}{{[][]int32{{1, 2}, {2, 1}}, 0}, {[][]int32{{1, 2}}, 2}} {
		if err := CheckAssignment(img, good.partitions, good.factor); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range [][][]int32{{}, {{}}, {{1}, {1, 2}}, {{1, 1}}, {{3}}, {{-1}}} {
		if err := CheckAssignment(img, bad, 0); wire.CodeOf(err) != wire.InvalidReplicaAssignment {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := CheckAssignment(img, [][]int32{{1}}, 2); wire.CodeOf(err) != wire.InvalidReplicaAssignment {
		t.Errorf("one replica for two: %v", err)
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
