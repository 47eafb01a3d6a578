package shard

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

func newTestGroups(partitions int32) *Groups {
	return NewGroups(GroupsConfig{
		Group: group.Config{
			InitialRebalanceDelay: 3 * time.Second, MinSessionTimeout: 6 * time.Second, MaxSessionTimeout: time.Hour, MaxSize: 10,
			MaxOffsetMetadata: 100, OffsetsRetention: time.Hour, ExpiryInterval: 10 * time.Minute, MaxAppendBytes: 1 << 20,
		},
		Partitions: func() int32 { return partitions },
		Logger:     slog.New(slog.DiscardHandler),
	})
}

func commitOf(groupID, topic string, id byte) group.Commit {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Version, q.Group, q.Generation = 9, groupID, -1
	q.Topics = []kmsg.OffsetCommitRequestTopic{{
		Topic: topic, TopicID: [16]byte{id}, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: 1}},
	}}
	return group.Commit{OffsetCommitRequest: q}
}

func TestGroupsGoToTheirPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGroups(50)
		defer g.Close()
		logs := map[int32]*memoryLog{6: {}, 47: {}}
		for p, log := range logs {
			if err := g.Load(p, 1, log); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for id, partition := range map[string]int32{"group": 47, "console-consumer-12345": 6} {
			if _, err := g.SendGroup(t.Context(), id, commitOf(id, "a", 1))(t.Context()); err != nil {
				t.Fatal(err)
			}
			if records, _ := logs[partition].written(); records != 1 {
				t.Fatalf("partition %d has %d records", partition, records)
			}
		}
		_, err := g.SendGroup(t.Context(), "", commitOf("", "a", 1))(t.Context())
		expectCode(t, err, wire.NotCoordinator)
		_, err = newTestGroups(0).SendGroup(t.Context(), "group", group.Describe{Group: "group"})(t.Context())
		expectCode(t, err, wire.NotCoordinator)
	})
}

func TestOffsetsGoWithTheirTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGroups(1)
		defer g.Close()
		log := &memoryLog{}
		if err := g.Load(0, 1, log); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i, topic := range []string{"a", "b", "c"} {
			if _, err := g.SendGroup(t.Context(), "g", commitOf("g", topic, byte(i+1)))(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.TopicsDeleted(t.Context(), []group.TopicRef{{Name: "a", ID: [16]byte{1}}, {Name: "c", ID: [16]byte{99}}}); err != nil {
			t.Fatal(err)
		}
		exists := func(ref group.TopicRef) bool { return ref.Name == "c" }
		if err := g.Reconcile(t.Context(), exists); err != nil {
			t.Fatal(err)
		}
		if err := g.Reconcile(t.Context(), exists); err != nil {
			t.Fatal(err)
		}
		g.Unload(0)
		if err := g.Load(0, 1, log); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		answer, err := g.Ask(t.Context(), 0, group.ListTopics{})
		if err != nil {
			t.Fatal(err)
		}
		refs, ok := answer.([]group.TopicRef)
		if records, _ := log.written(); !ok || len(refs) != 1 || refs[0].Name != "c" || records != 5 {
			t.Fatalf("topics %v after %d records", refs, records)
		}
		log.set(func(l *memoryLog) { l.broken = true })
		if err := g.TopicsDeleted(t.Context(), []group.TopicRef{{Name: "c"}}); wire.CodeOf(err) != wire.NotCoordinator {
			t.Fatalf("err = %v", err)
		}
	})
}

func TestJoinAndRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGroups(1)
		defer g.Close()
		if err := g.Load(0, 1, &memoryLog{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		q := kmsg.NewPtrJoinGroupRequest()
		q.Version, q.Group, q.SessionTimeoutMillis, q.ProtocolType = 3, "g", 10_000, "consumer"
		q.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
		began := time.Now()
		joining := g.SendGroup(t.Context(), "g", group.Join{JoinGroupRequest: q, Nonce: "1"})
		answer, err := joining(t.Context())
		if joined, ok := answer.(*kmsg.JoinGroupResponse); err != nil || !ok || joined.Generation != 1 || time.Since(began) != 3*time.Second {
			t.Fatalf("joined = %+v, %v after %s", answer, err, time.Since(began))
		}
		again := g.SendGroup(t.Context(), "g", group.Join{JoinGroupRequest: q, Nonce: "2"})
		synctest.Wait()
		g.Unload(0)
		_, err = again(t.Context())
		expectCode(t, err, wire.NotCoordinator)
	})
}

// A commit that fits no batch is refused; when the topic takes larger ones it is not, on machines that are here and that come later.
func TestCoordinatorsFollowTheSizeOfBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newTestGroups(2)
		defer g.Close()
		load := func(p int32) {
			if err := g.Load(p, 1, &memoryLog{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		commit := func(p int32) error {
			_, err := g.Ask(t.Context(), p, commitOf("g", "a", 1))
			return err
		}
		load(0)
		if err := g.SetMaxAppend(t.Context(), 50); err != nil {
			t.Fatal(err)
		}
		load(1)
		for p := range int32(2) {
			expectCode(t, commit(p), wire.InvalidCommitOffsetSize)
		}
		if err := g.SetMaxAppend(t.Context(), 500); err != nil {
			t.Fatal(err)
		}
		for p := range int32(2) {
			expectCode(t, commit(p), wire.None)
		}
	})
}
