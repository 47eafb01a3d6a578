package handler

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func creation(name string, partitions int32, factor int16) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, factor
	return t
}

func assigned(name string, partitions ...[]int32) kmsg.CreateTopicsRequestTopic {
	t := creation(name, -1, -1)
	for i, r := range partitions {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(i), r //nolint:gosec // small
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	return t
}

func configured(t kmsg.CreateTopicsRequestTopic, name string, value *string) kmsg.CreateTopicsRequestTopic {
	kv := kmsg.NewCreateTopicsRequestTopicConfig()
	kv.Name, kv.Value = name, value
	t.Configs = append(t.Configs, kv)
	return t
}

func creations(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	q := kmsg.NewPtrCreateTopicsRequest()
	q.Topics = topics
	return q
}

func TestCreateTopicsAnswersEach(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("there", 1, 1)
	b.addTopic("a.b", 2, 1)
	odd := assigned("odd", []int32{1})
	odd.NumPartitions = 1
	both := assigned("both", []int32{1})
	both.ReplicationFactor = 1
	gap := assigned("gap", []int32{1}, []int32{1})
	gap.ReplicaAssignment[1].Partition = 2
	twice := assigned("indextwice", []int32{1}, []int32{1})
	twice.ReplicaAssignment[1].Partition = 0
	cases := []struct {
		topic   kmsg.CreateTopicsRequestTopic
		code    int16
		message string
	}{
		{creation("good", 3, 2), wire.None, ""},
		{assigned("chosen", []int32{3, 1}, []int32{2, 3}), wire.None, ""},
		{creation("defaults", -1, -1), wire.None, ""},
		{creation("there", 1, 1), wire.TopicAlreadyExists, "Topic 'there' already exists."},
		{creation("a_b", 1, 1), wire.InvalidTopicException, "Topic 'a_b' collides with existing topic: a.b"},
		{creation("x/y", 1, 1), wire.InvalidTopicException, "Topic name is invalid"},
		{creation("__audit_log", 1, 1), wire.InvalidTopicException, "by the broker alone"},
		{creation("none", 0, 1), wire.InvalidPartitions, "non-positive"},
		{creation("minus", -2, 1), wire.InvalidPartitions, "non-positive"},
		{creation("nocopy", 1, 0), wire.InvalidReplicationFactor, "larger than 0"},
		{creation("copies", 1, 4), wire.InvalidReplicationFactor, "only 3 broker(s)"},
		{odd, wire.InvalidRequest, "numPartitions was not set to -1"},
		{both, wire.InvalidRequest, "replication factor was not set to -1"},
		{gap, wire.InvalidReplicaAssignment, "consecutive 0-based"},
		{twice, wire.InvalidReplicaAssignment, "consecutive 0-based"},
		{assigned("stranger", []int32{9}), wire.InvalidReplicaAssignment, "no such broker is registered"},
		{assigned("again", []int32{1, 1}), wire.InvalidReplicaAssignment, "more than once"},
		{assigned("uneven", []int32{1, 2}, []int32{1}), wire.InvalidReplicaAssignment, "not consistent"},
		{assigned("empty", []int32{}), wire.InvalidReplicaAssignment, "empty replica list"},
		{configured(creation("badconfig", 1, 1), "bad", kmsg.StringPtr("1")), wire.InvalidConfig, "Unknown topic config name"},
		{configured(creation("nullconfig", 1, 1), "retention.ms", nil), wire.InvalidConfig, "Null value not supported for topic configs: retention.ms"},
		{creation("dup", 1, 1), wire.InvalidRequest, "Duplicate topic name."},
	}
	q := creations()
	for _, c := range cases {
		q.Topics = append(q.Topics, c.topic)
	}
	q.Topics = append(q.Topics, creation("dup", 2, 1))
	resp := sendTopic[*kmsg.CreateTopicsResponse](b, "admin", -1, q)
	if len(resp.Topics) != len(cases) {
		t.Fatalf("%d answers to %d topics", len(resp.Topics), len(cases))
	}
	for i, c := range cases {
		got := resp.Topics[i]
		message := ""
		if got.ErrorMessage != nil {
			message = *got.ErrorMessage
		}
		if got.Topic != c.topic.Topic || got.ErrorCode != c.code || !strings.Contains(message, c.message) || (c.message == "") != (message == "") {
			t.Errorf("%s: %s %q, want %s %q", got.Topic, wire.CodeName(got.ErrorCode), message, wire.CodeName(c.code), c.message)
		}
		if exists := b.log.Image().Topic(c.topic.Topic) != nil; exists != (c.code == wire.None || c.topic.Topic == "there") {
			t.Errorf("%s: exists %v", got.Topic, exists)
		}
	}
	if diff := cmp.Diff([][]int32{{3, 1}, {2, 3}}, replicasOf(b, "chosen")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]int32{{1, 2}, {2, 3}, {3, 1}}, replicasOf(b, "good")); diff != "" {
		t.Error(diff)
	}
	if good := resp.Topics[0]; good.NumPartitions != 3 || good.ReplicationFactor != 2 || good.TopicID != b.log.Image().Topic("good").ID {
		t.Errorf("answer %+v", good)
	}
}

func replicasOf(b *topicBroker, topic string) [][]int32 {
	var out [][]int32
	for _, p := range b.log.Image().Topic(topic).Partitions {
		out = append(out, p.Replicas)
	}
	return out
}

func TestCreateTopicsCarriesItsOrigin(t *testing.T) {
	b := newTopicBroker(t)
	sendTopic[*kmsg.CreateTopicsResponse](b, "admin", -1, creations(creation("t", 1, 1)))
	var records []meta.AuditRecord
	b.log.Image().PendingAudit(func(r *meta.AuditRecord) bool { records = append(records, *r); return true })
	if len(records) != 1 {
		t.Fatalf("%d audit records", len(records))
	}
	o := records[0].Origin
	if o.Principal != "User:admin" || o.Host != "10.0.0.1" || o.Listener != "SASL_SSL" || o.API != "CreateTopics" || len(o.Digest) != 64 || o.EventID == "" ||
		records[0].Resource != "t" {
		t.Errorf("audit record %+v", records[0])
	}
}

func TestCreateTopicsValidatesOnly(t *testing.T) {
	b := newTopicBroker(t)
	before := b.log.Image()
	q := creations(creation("t", 2, 1), creation("u", 1, 9))
	q.ValidateOnly = true
	resp := sendTopic[*kmsg.CreateTopicsResponse](b, "admin", -1, q)
	if resp.Topics[0].ErrorCode != wire.None || resp.Topics[0].NumPartitions != 2 || resp.Topics[1].ErrorCode != wire.InvalidReplicationFactor {
		t.Errorf("answer %+v", resp.Topics)
	}
	if b.log.Image() != before {
		t.Error("something was proposed")
	}
}

func TestCreateTopicsNeedsCreate(t *testing.T) {
	b := newTopicBroker(t)
	b.allow("bob", authz.Create, "mine")
	b.rule(authz.Allow, "carol", authz.Create, authz.TheCluster(), authz.Literal)
	b.rule(authz.Allow, "carol", authz.DescribeConfigs, authz.Resource{Type: authz.Topic, Name: "c"}, authz.Prefixed)
	q := func() *kmsg.CreateTopicsRequest {
		return creations(configured(creation("mine", 1, 1), "retention.ms", kmsg.StringPtr("7")), creation("other", 1, 1))
	}
	resp := sendTopic[*kmsg.CreateTopicsResponse](b, "bob", -1, q())
	mine, other := resp.Topics[0], resp.Topics[1]
	if mine.ErrorCode != wire.None || mine.ConfigErrorCode != wire.TopicAuthorizationFailed || mine.Configs != nil || mine.NumPartitions != -1 {
		t.Errorf("without DESCRIBE_CONFIGS: %+v", mine)
	}
	if other.ErrorCode != wire.TopicAuthorizationFailed || b.log.Image().Topic("other") != nil {
		t.Errorf("without CREATE: %+v", other)
	}
	if len(b.denials) != 1 || b.denials[0].On.Name != "other" {
		t.Errorf("denials %+v", b.denials)
	}
	resp = sendTopic[*kmsg.CreateTopicsResponse](b, "carol", -1, creations(configured(creation("c1", 1, 1), "retention.ms", kmsg.StringPtr("7"))))
	if got := resp.Topics[0]; got.ErrorCode != wire.None || len(got.Configs) != 2 || *got.Configs[0].Value != "7" || got.Configs[1].Value != nil || !got.Configs[1].IsSensitive {
		t.Errorf("with CREATE on the cluster and DESCRIBE_CONFIGS: %+v", got)
	}
	if resp = sendTopic[*kmsg.CreateTopicsResponse](b, "eve", 2, q()); resp.Topics[0].ErrorCode != wire.TopicAuthorizationFailed || resp.Topics[1].ErrorCode != wire.TopicAuthorizationFailed {
		t.Errorf("without anything: %+v", resp.Topics)
	}
}

func TestOneRequestMakesOnlySoManyPartitions(t *testing.T) {
	b := newTopicBroker(t)
	q := creations()
	for i := range 5 {
		q.Topics = append(q.Topics, creation(fmt.Sprint("t", i), math.MaxInt32, 1))
	}
	q.Topics = append(q.Topics, creation("small", 1, 1))
	for _, got := range sendTopic[*kmsg.CreateTopicsResponse](b, "admin", -1, q).Topics {
		if got.ErrorCode != wire.PolicyViolation {
			t.Errorf("%s: %s", got.Topic, wire.CodeName(got.ErrorCode))
		}
	}
	resp := sendTopic[*kmsg.CreateTopicsResponse](b, "admin", -1, creations(creation("most", controller.MaxPartitions, 1)))
	if resp.Topics[0].ErrorCode != wire.None {
		t.Errorf("the most there may be: %s", wire.CodeName(resp.Topics[0].ErrorCode))
	}
}

func TestTopicsOfAnUnknownOutcome(t *testing.T) {
	b := newTopicBroker(t)
	id := b.addTopic("t", 1, 1)
	b.log.err = wire.Errorf(wire.RequestTimedOut, "not known")
	if got := sendTopic[*kmsg.CreateTopicsResponse](b, "admin", -1, creations(creation("new", 1, 1))).Topics[0]; got.ErrorCode != wire.RequestTimedOut || got.NumPartitions != -1 {
		t.Errorf("create %+v", got)
	}
	if got := sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", -1, deletions(byID(id))).Topics[0]; got.ErrorCode != wire.RequestTimedOut {
		t.Errorf("delete %+v", got)
	}
	if got := sendTopic[*kmsg.CreatePartitionsResponse](b, "admin", -1, growth(grown("t", 2))).Topics[0]; got.ErrorCode != wire.RequestTimedOut {
		t.Errorf("grow %+v", got)
	}
}

func byName(name string) kmsg.DeleteTopicsRequestTopic {
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.Topic = &name
	return t
}

func byID(id meta.TopicID) kmsg.DeleteTopicsRequestTopic {
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.TopicID = id
	return t
}

func deletions(topics ...kmsg.DeleteTopicsRequestTopic) *kmsg.DeleteTopicsRequest {
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.Topics = topics
	return q
}

// told is an answer as text: name, "#" where there is an id, and the code.
func told(resp *kmsg.DeleteTopicsResponse) []string {
	var out []string
	for _, got := range resp.Topics {
		name := "-"
		if got.Topic != nil {
			name = *got.Topic
		}
		if got.TopicID != (meta.TopicID{}) {
			name += "#"
		}
		out = append(out, name+" "+wire.CodeName(got.ErrorCode))
	}
	slices.Sort(out)
	return out
}

func TestDeleteTopicsByNameAndID(t *testing.T) {
	b := newTopicBroker(t)
	ids := map[string]meta.TopicID{}
	for i, name := range []string{"a", "b", "c", "d", "e", "__consumer_offsets"} {
		ids[name] = b.addTopic(name, byte(i+1), 1)
	}
	confused := byName("a")
	confused.TopicID = ids["b"]
	resp := sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", -1, deletions(
		byName("a"), byID(ids["b"]), byName("gone"), byID(meta.TopicID{5}), byName("__consumer_offsets"), confused,
		byName("c"), byName("c"), byID(ids["d"]), byID(ids["d"]), byName("e"), byID(ids["e"]), byID(meta.TopicID{}),
	))
	want := []string{
		"-# INVALID_REQUEST", "-# UNKNOWN_TOPIC_ID", "- INVALID_REQUEST", "__consumer_offsets INVALID_TOPIC_EXCEPTION", "a# INVALID_REQUEST", "a# NONE", "b# NONE",
		"c INVALID_REQUEST", "e INVALID_REQUEST", "e# NONE", "gone UNKNOWN_TOPIC_OR_PARTITION",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, told(resp)); diff != "" {
		t.Error(diff)
	}
	for name, stays := range map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": false, "__consumer_offsets": true} {
		if (b.log.Image().Topic(name) != nil) != stays {
			t.Errorf("%s stays: want %v", name, stays)
		}
	}
}

func TestDeleteTopicsRevealsNoNames(t *testing.T) {
	b := newTopicBroker(t)
	secret, open := b.addTopic("secret", 1, 1), b.addTopic("open", 2, 1)
	b.allow("bob", authz.Describe, "open")
	b.allow("bob", authz.Describe, "gone")
	b.allow("carol", authz.Delete, "secret")
	b.deny("carol", authz.Describe, "secret")
	resp := sendTopic[*kmsg.DeleteTopicsResponse](b, "bob", -1, deletions(
		byID(secret), byID(open), byName("secret"), byName("open"), byName("nothing"), byName("gone"),
	))
	want := []string{
		"-# TOPIC_AUTHORIZATION_FAILED", "gone UNKNOWN_TOPIC_OR_PARTITION", "nothing TOPIC_AUTHORIZATION_FAILED",
		"open TOPIC_AUTHORIZATION_FAILED", "open# TOPIC_AUTHORIZATION_FAILED", "secret TOPIC_AUTHORIZATION_FAILED",
	}
	if diff := cmp.Diff(want, told(resp)); diff != "" {
		t.Error(diff)
	}
	resp = sendTopic[*kmsg.DeleteTopicsResponse](b, "carol", -1, deletions(byName("secret")))
	if diff := cmp.Diff([]string{"secret TOPIC_AUTHORIZATION_FAILED"}, told(resp)); diff != "" {
		t.Error(diff)
	}
	resp = sendTopic[*kmsg.DeleteTopicsResponse](b, "carol", -1, deletions(byID(secret)))
	if diff := cmp.Diff([]string{"-# NONE"}, told(resp)); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteTopicsByNameOnly(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("t", 1, 1)
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.TopicNames = []string{"t", "gone"}
	resp := sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", 1, q)
	if diff := cmp.Diff([]string{"gone UNKNOWN_TOPIC_OR_PARTITION", "t NONE"}, told(resp)); diff != "" {
		t.Error(diff)
	}
}

func TestDeleteTopicsCanBeSwitchedOff(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("t", 1, 1)
	b.settings.del = false
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.TopicNames = []string{"t"}
	for version, code := range map[int16]int16{2: wire.InvalidRequest, 3: wire.TopicDeletionDisabled} {
		if got := sendTopic[*kmsg.DeleteTopicsResponse](b, "admin", version, q).Topics[0].ErrorCode; got != code {
			t.Errorf("version %d: %s", version, wire.CodeName(got))
		}
	}
	if b.log.Image().Topic("t") == nil {
		t.Error("it is deleted")
	}
}

func grown(name string, count int32, assignment ...[]int32) kmsg.CreatePartitionsRequestTopic {
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = name, count
	for _, replicas := range assignment {
		t.Assignment = append(t.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: replicas})
	}
	return t
}

func growth(topics ...kmsg.CreatePartitionsRequestTopic) *kmsg.CreatePartitionsRequest {
	q := kmsg.NewPtrCreatePartitionsRequest()
	q.Topics, q.TimeoutMillis = topics, 10_000
	return q
}

func TestCreatePartitionsAnswersEach(t *testing.T) {
	b := newTopicBroker(t)
	for i, name := range []string{"auto", "chosen", "same", "fewer", "short", "uneven", "stranger", "dup", "huge", "denied", "__consumer_offsets"} {
		b.addTopic(name, byte(i+1), 1, 2)
	}
	noAssignment := grown("short", 3)
	noAssignment.Assignment = []kmsg.CreatePartitionsRequestTopicAssignment{}
	b.rule(authz.Allow, "bob", authz.Alter, authz.Resource{Type: authz.Topic, Name: "*"}, authz.Literal)
	b.deny("bob", authz.Alter, "denied")
	cases := []struct {
		topic kmsg.CreatePartitionsRequestTopic
		code  int16
	}{
		{grown("auto", 4), wire.None},
		{grown("chosen", 4, []int32{3}, []int32{1}), wire.None},
		{grown("same", 2), wire.InvalidPartitions},
		{grown("fewer", 1), wire.InvalidPartitions},
		{noAssignment, wire.InvalidReplicaAssignment},
		{grown("uneven", 3, []int32{1, 2}), wire.InvalidReplicaAssignment},
		{grown("stranger", 3, []int32{8}), wire.InvalidReplicaAssignment},
		{grown("dup", 3), wire.InvalidRequest},
		{grown("huge", math.MaxInt32), wire.PolicyViolation},
		{grown("denied", 3), wire.TopicAuthorizationFailed},
		{grown("gone", 3), wire.UnknownTopicOrPartition},
		{grown("__consumer_offsets", 3), wire.InvalidTopicException},
	}
	q := growth()
	for _, c := range cases {
		q.Topics = append(q.Topics, c.topic)
	}
	q.Topics = append(q.Topics, grown("dup", 4))
	q.ValidateOnly = true
	for _, only := range []bool{true, false} {
		q.ValidateOnly = only
		resp := sendTopic[*kmsg.CreatePartitionsResponse](b, "bob", -1, q)
		if len(resp.Topics) != len(cases) {
			t.Fatalf("%d answers to %d topics", len(resp.Topics), len(cases))
		}
		for i, c := range cases {
			if got := resp.Topics[i]; got.Topic != c.topic.Topic || got.ErrorCode != c.code {
				t.Errorf("%s: %s, want %s", got.Topic, wire.CodeName(got.ErrorCode), wire.CodeName(c.code))
			}
		}
		if want := map[bool]int{true: 22, false: 26}[only]; b.log.Image().PartitionCount() != want {
			t.Errorf("validate only %v: %d partitions, want %d", only, b.log.Image().PartitionCount(), want)
		}
	}
	if diff := cmp.Diff([][]int32{{1}, {2}, {3}, {1}}, replicasOf(b, "chosen")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]int32{{1}, {2}, {3}, {1}}, replicasOf(b, "auto")); diff != "" {
		t.Error(diff)
	}
}
