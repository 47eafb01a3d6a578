package meta_test

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestTopicsAreCreatedOnce(t *testing.T) {
	c := newCluster(t, 1, 2)
	c.apply(&meta.RegisterBroker{Broker: meta.Broker{ID: 3, Fenced: true}})
	delta, result := c.apply(&meta.CreateTopics{Origin: origin, Topics: []meta.NewTopic{
		newTopic("a.b", 1, []int32{1, 2}, []int32{3, 2}),
		newTopic("a.b", 2, []int32{1}),
		newTopic("a_b", 3, []int32{1}),
		newTopic("c", 1, []int32{1}),
		newTopic("d", 0),
		{Name: "zero", Replicas: [][]int32{{1}}},
		newTopic("unregistered", 4, []int32{9}),
		newTopic("nowhere", 5, []int32{}),
		newTopic("twice", 6, []int32{1, 1}),
		newTopic("fenced", 7, []int32{1}, []int32{3}),
		newTopic("good", 8, []int32{2}),
	}})
	want := []int16{
		wire.None, wire.TopicAlreadyExists, wire.InvalidTopicException, wire.InvalidRequest, wire.InvalidPartitions, wire.InvalidRequest,
		wire.InvalidReplicaAssignment, wire.InvalidReplicaAssignment, wire.InvalidReplicaAssignment, wire.InvalidReplicaAssignment, wire.None,
	}
	if diff := cmp.Diff(want, codes(result)); diff != "" {
		t.Error(diff)
	}
	if len(delta.TopicsCreated) != 2 || c.img.TopicCount() != 2 || c.img.PartitionCount() != 3 {
		t.Errorf("%d topics in the delta, %d in the image with %d partitions", len(delta.TopicsCreated), c.img.TopicCount(), c.img.PartitionCount())
	}
	wantPartitions := []meta.Partition{{Leader: 1, Replicas: []int32{1, 2}, ISR: []int32{1, 2}}, {Leader: 2, Replicas: []int32{3, 2}, ISR: []int32{2}}}
	if diff := cmp.Diff(wantPartitions, c.img.TopicByID(topicID(1)).Partitions); diff != "" {
		t.Errorf("a fenced broker leads or is in sync: %s", diff)
	}
	if audit := c.audit(); len(audit) != 11 || audit[0].Outcome != wire.None || audit[1].Outcome != wire.TopicAlreadyExists || audit[0].After["partitions"] != "2" {
		t.Errorf("audit %+v", audit)
	}
}

func TestTopicsGrowAndGo(t *testing.T) {
	c := newCluster(t, 1)
	internal := newTopic("__own", 2, []int32{1})
	internal.Internal = true
	c.mustApply(&meta.CreateTopics{Topics: []meta.NewTopic{newTopic("t", 1, []int32{1}), internal}})
	delta, result := c.apply(&meta.CreatePartitions{Origin: origin, Topics: []meta.MorePartition{
		{Name: "t", From: 1, Replicas: [][]int32{{1}, {1}}},
		{Name: "t", From: 1, Replicas: [][]int32{{1}}},
		{Name: "t", From: 3},
		{Name: "t", From: 3, Replicas: [][]int32{{7}}},
		{Name: "__own", From: 1, Replicas: [][]int32{{1}}},
		{Name: "gone", From: 1, Replicas: [][]int32{{1}}},
	}})
	want := []int16{
		wire.None, wire.InvalidPartitions, wire.InvalidPartitions, wire.InvalidReplicaAssignment, wire.InvalidTopicException, wire.UnknownTopicOrPartition,
	}
	if diff := cmp.Diff(want, codes(result)); diff != "" {
		t.Error(diff)
	}
	if len(delta.TopicsChanged) != 1 || len(delta.TopicsChanged[0].Old.Partitions) != 1 || len(delta.TopicsChanged[0].New.Partitions) != 3 || c.img.PartitionCount() != 4 {
		t.Errorf("delta %+v, %d partitions", delta.TopicsChanged, c.img.PartitionCount())
	}
	delta, result = c.apply(&meta.DeleteTopics{Origin: origin, IDs: []meta.TopicID{topicID(1), topicID(1), topicID(2), {}}})
	if diff := cmp.Diff([]int16{wire.None, wire.UnknownTopicID, wire.InvalidTopicException, wire.UnknownTopicID}, codes(result)); diff != "" {
		t.Error(diff)
	}
	if len(delta.TopicsDeleted) != 1 || c.img.Topic("t") != nil || c.img.TopicByID(topicID(1)) != nil || c.img.PartitionCount() != 1 {
		t.Errorf("the topic stays: %+v, %d partitions", delta, c.img.PartitionCount())
	}
	if c.img.Topic("__own") == nil {
		t.Error("the broker's own topic is deleted")
	}
}

func TestCollidingNamesComeFreeAgain(t *testing.T) {
	c := newCluster(t, 1)
	c.mustApply(&meta.CreateTopics{Topics: []meta.NewTopic{newTopic("a.b", 1, []int32{1}), newTopic("ab", 2, []int32{1})}})
	if other := c.img.Colliding("a_b"); other == nil || other.Name != "a.b" {
		t.Errorf("a_b collides with %+v", other)
	}
	for _, name := range []string{"a.b", "ab", "a.c", "a-b"} {
		if other := c.img.Colliding(name); other != nil {
			t.Errorf("%s collides with %s", name, other.Name)
		}
	}
	c.mustApply(&meta.DeleteTopics{IDs: []meta.TopicID{topicID(1)}})
	c.mustApply(&meta.CreateTopics{Topics: []meta.NewTopic{newTopic("a_b", 3, []int32{1})}})
}

func TestRegistrationBeginsANewEpoch(t *testing.T) {
	c := newCluster(t, 1, 2)
	c.mustApply(&meta.CreateTopics{Topics: []meta.NewTopic{newTopic("t", 1, []int32{1, 2}, []int32{2, 1}), newTopic("u", 2, []int32{2})}})
	before := c.img.Topic("t")
	delta := c.mustApply(&meta.RegisterBroker{Broker: meta.Broker{ID: 1, Incarnation: [16]byte{1}}})
	after := c.img.Topic("t").Partitions
	if after[0].LeaderEpoch != 1 || after[0].PartitionEpoch != 1 || after[1].LeaderEpoch != 0 {
		t.Errorf("epochs %+v", after)
	}
	if before.Partitions[0].LeaderEpoch != 0 {
		t.Error("an older image has changed")
	}
	if len(delta.TopicsChanged) != 1 || !slices.Equal(delta.BrokersChanged, []int32{1}) {
		t.Errorf("delta %+v", delta)
	}
	if b := c.img.Broker(1); b.Epoch != int64(c.img.Index()) || b.Incarnation != [16]byte{1} { //nolint:gosec // a small index
		t.Errorf("broker %+v at index %d", b, c.img.Index())
	}
}

func TestConfigsChangeAsAsked(t *testing.T) {
	c := newCluster(t, 1)
	c.mustApply(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: "t", ID: topicID(1), Replicas: [][]int32{{1}}, Configs: map[string]string{"a": "1", "l": "x, y"}}}})
	key := meta.ResourceKey{Type: meta.TopicConfig, Name: "t"}
	cases := []struct {
		replace bool
		ops     []meta.ConfigOp
		want    map[string]string
	}{
		{false, []meta.ConfigOp{{Op: meta.SetConfig, Name: "b", Value: "2"}, {Op: meta.DeleteConfig, Name: "a"}}, map[string]string{"b": "2", "l": "x, y"}},
		{false, []meta.ConfigOp{{Op: meta.AppendConfig, Name: "l", Value: "z,x"}}, map[string]string{"b": "2", "l": "x,y,z"}},
		{false, []meta.ConfigOp{{Op: meta.SubtractConfig, Name: "l", Value: "x, z"}}, map[string]string{"b": "2", "l": "y"}},
		{false, []meta.ConfigOp{{Op: meta.AppendConfig, Name: "m", Value: "q", Base: "p"}}, map[string]string{"b": "2", "l": "y", "m": "p,q"}},
		{true, []meta.ConfigOp{{Op: meta.SetConfig, Name: "c", Value: "3"}}, map[string]string{"c": "3"}},
	}
	for i, k := range cases {
		delta := c.mustApply(&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{{Key: key, Replace: k.replace, Ops: k.ops}}})
		if diff := cmp.Diff(k.want, c.img.Config(key)); diff != "" {
			t.Errorf("change %d: %s", i, diff)
		}
		if !slices.Equal(delta.ConfigsChanged, []meta.ResourceKey{key}) || len(delta.TopicsChanged) != 1 {
			t.Errorf("change %d: delta %+v", i, delta)
		}
	}
}

func TestConfigsAreRefusedWhole(t *testing.T) {
	c := newCluster(t, 1)
	set := meta.ConfigOp{Op: meta.SetConfig, Name: "a", Value: "1"}
	_, result := c.apply(&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{
		{Key: meta.ResourceKey{Type: meta.TopicConfig, Name: "gone"}, Ops: []meta.ConfigOp{set}},
		{Key: meta.ResourceKey{Type: 3, Name: "x"}, Ops: []meta.ConfigOp{set}},
		{Key: meta.ResourceKey{Type: meta.BrokerConfig}, Ops: []meta.ConfigOp{set, {Op: 9, Name: "b"}}},
		{Key: meta.ResourceKey{Type: meta.GroupConfig, Name: "g"}, Ops: []meta.ConfigOp{set}},
	}})
	if diff := cmp.Diff([]int16{wire.UnknownTopicOrPartition, wire.InvalidRequest, wire.InvalidRequest, wire.None}, codes(result)); diff != "" {
		t.Error(diff)
	}
	if got := c.img.Config(meta.ResourceKey{Type: meta.BrokerConfig}); got != nil {
		t.Errorf("half of a change was made: %v", got)
	}
	var configured []string
	c.img.Configured(meta.GroupConfig, func(k meta.ResourceKey, _ map[string]string) bool {
		configured = append(configured, k.Name)
		return true
	})
	if !slices.Equal(configured, []string{"g"}) {
		t.Errorf("configured groups %v", configured)
	}
}

func TestAuditOfConfigsHidesWhatIsSensitive(t *testing.T) {
	c := newCluster(t, 1)
	key := meta.ResourceKey{Type: meta.BrokerConfig, Name: "1"}
	c.mustApply(&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{{Key: key, Ops: []meta.ConfigOp{
		{Op: meta.SetConfig, Name: "password", Value: "s3cret", Sensitive: true}, {Op: meta.SetConfig, Name: "open", Value: "yes"},
	}}}})
	c.mustApply(&meta.AlterConfigs{Origin: origin, Resources: []meta.ResourceChange{{Key: key, Replace: true, Ops: []meta.ConfigOp{
		{Op: meta.SetConfig, Name: "open", Value: "no"},
	}}}})
	audit := c.audit()
	if audit[0].After["open"] != "yes" || audit[0].After["password"] != "(hidden)" || audit[1].Before["open"] != "yes" || audit[1].After["open"] != "no" {
		t.Errorf("audit %+v", audit)
	}
	if text := fmt.Sprint(audit); strings.Contains(text, "s3cret") {
		t.Errorf("a secret is in the audit: %s", text)
	}
}

func TestACLsAreASet(t *testing.T) {
	c := newCluster(t)
	odd := readACL("a\x00b")
	odd.Principal = "User:\x00\x01"
	delta := c.mustApply(&meta.CreateACLs{Origin: origin, Bindings: []authz.Binding{readACL("a"), readACL("a"), readACL("b"), odd}})
	if len(delta.ACLs.Added) != 3 || c.img.ACLCount() != 3 {
		t.Errorf("delta %+v", delta.ACLs)
	}
	if _, result := c.apply(&meta.CreateACLs{Origin: origin, Bindings: []authz.Binding{{Type: authz.Topic}}}); result.Items[0].Code != wire.InvalidRequest {
		t.Errorf("an incomplete ACL: %+v", result)
	}
	name := "a"
	all := authz.Filter{Type: authz.AnyResource, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.AnyPermission}
	one := all
	one.Name = &name
	delta, result := c.apply(&meta.DeleteACLs{Origin: origin, Filters: []authz.Filter{one, {}, all}})
	if diff := cmp.Diff([]int16{wire.None, wire.InvalidRequest, wire.None}, codes(result)); diff != "" {
		t.Error(diff)
	}
	if len(result.RemovedACLs[0]) != 1 || len(result.RemovedACLs[1]) != 0 || len(result.RemovedACLs[2]) != 2 || len(delta.ACLs.Removed) != 3 || c.img.ACLCount() != 0 {
		t.Errorf("removed %+v", result.RemovedACLs)
	}
	if last := c.audit()[len(c.audit())-1]; last.Before["principal"] == "" || last.After != nil {
		t.Errorf("audit of a removal %+v", last)
	}
}

func credential(user string, m meta.ScramMechanism) meta.ScramCredential {
	return meta.ScramCredential{User: user, Mechanism: m, Salt: []byte("s4lt"), StoredKey: []byte("st0red"), ServerKey: []byte("s3rver"), Iterations: 4096}
}

func TestCredentialsComeAndGo(t *testing.T) {
	c := newCluster(t)
	delta := c.mustApply(&meta.AlterScram{Origin: origin, Upserts: []meta.ScramCredential{
		credential("bob", meta.ScramSHA256), credential("bob", meta.ScramSHA512), credential("al", meta.ScramSHA512), credential("al\x00", meta.ScramSHA256),
	}})
	if !slices.Equal(delta.ScramChanged, []string{"bob", "al", "al\x00"}) {
		t.Errorf("delta %v", delta.ScramChanged)
	}
	users := map[string]int{}
	var order []string
	c.img.ScramUsers(func(user string, of []meta.ScramCredential) bool {
		users[user] = len(of)
		order = append(order, user)
		return true
	})
	if !maps.Equal(users, map[string]int{"bob": 2, "al": 1, "al\x00": 1}) || !slices.IsSorted(order) {
		t.Errorf("users %v %v", users, order)
	}
	_, result := c.apply(&meta.AlterScram{Origin: origin, Deletes: []meta.ScramName{{User: "bob", Mechanism: meta.ScramSHA256}, {User: "al", Mechanism: meta.ScramSHA256}}})
	if diff := cmp.Diff([]int16{wire.None, wire.ResourceNotFound}, codes(result)); diff != "" {
		t.Error(diff)
	}
	if c.img.Scram("bob", meta.ScramSHA256) != nil || c.img.Scram("bob", meta.ScramSHA512) == nil {
		t.Error("the wrong credential is gone")
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := newCluster(t)
	c.mustApply(&meta.AlterScram{Origin: origin, Upserts: []meta.ScramCredential{credential("bob", meta.ScramSHA256)}})
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	kept := c.img.Scram("bob", meta.ScramSHA256)
	logger.Info("x", "value", *kept, "pointer", kept, "audit", c.audit())
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", *kept, "pointer", kept)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&log, verb, *kept)
		fmt.Fprintf(&log, verb, kept)
		fmt.Fprintf(&log, verb, []meta.ScramCredential{*kept})
	}
	for _, secret := range []string{"s4lt", "st0red", "s3rver", "c3QwcmVk", "czNydmVy", "73743072", "115 51 114"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is printed: %s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), "SCRAM-SHA-256 of bob") {
		t.Errorf("nothing is printed: %s", log.String())
	}
}

func TestProducerIDsAreGivenOnce(t *testing.T) {
	c := newCluster(t)
	next := int64(0)
	for range 3 {
		_, result := c.apply(&meta.AllocateProducerIDs{Broker: 1, Count: 1000})
		if result.FirstProducerID != next {
			t.Errorf("block at %d, want %d", result.FirstProducerID, next)
		}
		next += 1000
	}
	for _, count := range []int64{0, -1, math.MaxInt64} {
		if _, result := c.apply(&meta.AllocateProducerIDs{Count: count}); result.Items[0].Code != wire.InvalidRequest || c.img.NextProducerID() != next {
			t.Errorf("a block of %d: %+v", count, result)
		}
	}
}

func TestTheClusterIsNamedOnce(t *testing.T) {
	c := newCluster(t)
	c.mustApply(&meta.SetCluster{ClusterID: "one", Features: map[string]int16{"f": 1}, Secret: []byte("secret")})
	old := c.img.Features()
	if _, result := c.apply(&meta.SetCluster{ClusterID: "two"}); result.Items[0].Code != wire.InconsistentClusterID || c.img.ClusterID() != "one" {
		t.Errorf("renamed: %+v", result)
	}
	c.mustApply(&meta.SetCluster{ClusterID: "one", Features: map[string]int16{"f": 2}, Secret: []byte("secret")})
	if old["f"] != 1 || c.img.Features()["f"] != 2 || string(c.img.Secret()) != "secret" {
		t.Errorf("features %v, then %v", old, c.img.Features())
	}
}

func TestAuditIsTrimmed(t *testing.T) {
	c := newCluster(t)
	for i := range 3 {
		c.mustApply(&meta.CreateACLs{Origin: origin, Bindings: []authz.Binding{readACL(fmt.Sprint(i)), readACL(fmt.Sprint(i, "b"))}})
	}
	c.mustApply(&meta.AuditProjected{UpTo: 2, Offset: 4})
	audit := c.audit()
	if len(audit) != 2 || audit[0].Index != 3 || audit[0].Seq != 0 || audit[1].Seq != 1 || c.img.AuditFrom() != 4 {
		t.Errorf("audit from %d: %+v", c.img.AuditFrom(), audit)
	}
	c.mustApply(&meta.AuditProjected{UpTo: 1, Offset: 1})
	if len(c.audit()) != 2 || c.img.AuditFrom() != 4 {
		t.Error("the projection went backwards")
	}
}
