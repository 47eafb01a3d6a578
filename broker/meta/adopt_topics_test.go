package meta_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestTopicsAreAdoptedWithTheirIDsAndEpochs(t *testing.T) {
	c := newCluster(t)
	adopted := func(name string, id byte, epochs ...int32) meta.AdoptedTopic {
		return meta.AdoptedTopic{Name: name, ID: topicID(id), LeaderEpochs: epochs}
	}
	first := adopted("a.b", 1, 7, 9)
	first.Configs, first.Internal = map[string]string{"retention.ms": "5"}, true
	delta, result := c.apply(&meta.AdoptTopics{Origin: origin, Node: 1, Topics: []meta.AdoptedTopic{
		first, adopted("a.b", 2, 1), adopted("a_b", 3, 1), adopted("c", 1, 1), adopted("d", 4), {Name: "zero", LeaderEpochs: []int32{1}},
	}})
	want := []int16{
		wire.None, wire.TopicAlreadyExists, wire.InvalidTopicException, wire.InvalidRequest, wire.InvalidPartitions, wire.InvalidRequest,
	}
	if diff := cmp.Diff(want, codes(result)); diff != "" || len(delta.TopicsCreated) != 1 {
		t.Errorf("%d created, %s", len(delta.TopicsCreated), diff)
	}
	partition := func(leaderEpoch, partitionEpoch int32) meta.Partition {
		return meta.Partition{Leader: 1, LeaderEpoch: leaderEpoch, PartitionEpoch: partitionEpoch, Replicas: []int32{1}, ISR: []int32{1}}
	}
	topic := &meta.Topic{ID: topicID(1), Name: "a.b", Configs: first.Configs, Internal: true, Partitions: []meta.Partition{partition(7, 0), partition(9, 0)}}
	if diff := cmp.Diff(topic, c.img.Topic("a.b")); diff != "" {
		t.Error(diff)
	}
	if audit := c.audit(); len(audit) != 6 || audit[0].After["partitions"] != "2" || audit[1].Outcome != wire.TopicAlreadyExists {
		t.Errorf("audit %+v", audit)
	}
	c.mustApply(&meta.RegisterBroker{Broker: meta.Broker{ID: 1}})
	if diff := cmp.Diff([]meta.Partition{partition(8, 1), partition(10, 1)}, c.img.Topic("a.b").Partitions); diff != "" {
		t.Errorf("after the node's registration: %s", diff)
	}
}
