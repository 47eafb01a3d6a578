package handler

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

func aboutTopics(names ...string) *kmsg.MetadataRequest {
	q := kmsg.NewPtrMetadataRequest()
	q.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		q.Topics = append(q.Topics, t)
	}
	return q
}

func aboutIDs(ids ...meta.TopicID) *kmsg.MetadataRequest {
	q := aboutTopics()
	for _, id := range ids {
		t := kmsg.NewMetadataRequestTopic()
		t.TopicID = id
		q.Topics = append(q.Topics, t)
	}
	return q
}

// seen is an answer as text: name, number of partitions and code.
func seen(resp *kmsg.MetadataResponse) []string {
	var out []string
	for i := range resp.Topics {
		got := &resp.Topics[i]
		name := "-"
		if got.Topic != nil {
			name = *got.Topic
		}
		out = append(out, fmt.Sprintf("%s %d %s", name, len(got.Partitions), wire.CodeName(got.ErrorCode)))
	}
	return out
}

func wantSeen(t *testing.T, what string, resp *kmsg.MetadataResponse, want ...string) {
	t.Helper()
	if got := seen(resp); !slices.Equal(got, want) {
		t.Errorf("%s: %s", what, cmp.Diff(want, got))
	}
}

func TestMetadataAllAndNone(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("a", 1, 1, 2)
	b.addTopic("b", 2, 3)
	b.addTopic("__consumer_offsets", 3, 1)
	b.allow("bob", authz.Describe, "b")
	all := func() *kmsg.MetadataRequest { return kmsg.NewPtrMetadataRequest() }
	for _, version := range []int16{1, 8, 13} {
		wantSeen(t, "null", sendTopic[*kmsg.MetadataResponse](b, "admin", version, all()), "__consumer_offsets 1 NONE", "a 2 NONE", "b 1 NONE")
		wantSeen(t, "empty", sendTopic[*kmsg.MetadataResponse](b, "admin", version, aboutTopics()))
	}
	wantSeen(t, "empty in version 0", sendTopic[*kmsg.MetadataResponse](b, "admin", 0, aboutTopics()), "__consumer_offsets 1 NONE", "a 2 NONE", "b 1 NONE")
	wantSeen(t, "all that bob may see", sendTopic[*kmsg.MetadataResponse](b, "bob", -1, all()), "b 1 NONE")
	if len(b.denials) != 0 {
		t.Errorf("a filter is a denial: %+v", b.denials)
	}
	wantSeen(t, "all that eve may see", sendTopic[*kmsg.MetadataResponse](b, "eve", 0, aboutTopics()))
}

func TestMetadataOfTheCluster(t *testing.T) {
	fenced := brokerAt(3)
	fenced.Fenced = true
	lonely := meta.Broker{ID: 4, Endpoints: []meta.Endpoint{{Listener: "INNER", Host: "inner", Port: 9104}}}
	b := newTopicBroker(t, brokerAt(1), brokerAt(2), fenced, lonely)
	b.addTopic("t", 1, 1)
	resp := sendTopic[*kmsg.MetadataResponse](b, "eve", -1, kmsg.NewPtrMetadataRequest())
	var got []string
	for _, n := range resp.Brokers {
		got = append(got, fmt.Sprintf("%d %s:%d %s", n.NodeID, n.Host, n.Port, *n.Rack))
	}
	if diff := cmp.Diff([]string{"1 public:9001 r", "2 public:9002 r"}, got); diff != "" {
		t.Error(diff)
	}
	if *resp.ClusterID != "the-cluster" || resp.ControllerID != 1 {
		t.Errorf("cluster %s, controller %d", *resp.ClusterID, resp.ControllerID)
	}
	inner := sendTopicTo[*kmsg.MetadataResponse](b, "INNER", "eve", -1, kmsg.NewPtrMetadataRequest())
	if len(inner.Brokers) != 3 || inner.Brokers[2].Host != "inner" || inner.Brokers[2].Rack != nil {
		t.Errorf("the inner listener shows %+v", inner.Brokers)
	}
}

func TestMetadataByName(t *testing.T) {
	b := newTopicBroker(t)
	id := b.addTopic("t", 1, 1, 2)
	b.addTopic("secret", 2, 1)
	b.allow("bob", authz.Describe, "t")
	b.allow("bob", authz.Describe, "gone")
	b.allow("bob", authz.Describe, "not/legal")
	q := func() *kmsg.MetadataRequest {
		return aboutTopics("t", "secret", "nothing", "gone", "not/legal", "t", "t")
	}
	resp := sendTopic[*kmsg.MetadataResponse](b, "bob", -1, q())
	wantSeen(t, "named", resp, "t 2 NONE", "secret 0 TOPIC_AUTHORIZATION_FAILED", "nothing 0 TOPIC_AUTHORIZATION_FAILED",
		"gone 0 UNKNOWN_TOPIC_OR_PARTITION", "not/legal 0 INVALID_TOPIC_EXCEPTION")
	if resp.Topics[0].TopicID != id || resp.Topics[1].TopicID != (meta.TopicID{}) {
		t.Errorf("ids %v and %v", resp.Topics[0].TopicID, resp.Topics[1].TopicID)
	}
	p := resp.Topics[0].Partitions[1]
	if p.Partition != 1 || p.Leader != 2 || p.LeaderEpoch != 0 || !slices.Equal(p.Replicas, []int32{2}) || !slices.Equal(p.ISR, []int32{2}) || len(p.OfflineReplicas) != 0 {
		t.Errorf("partition %+v", p)
	}
	if len(b.denials) != 2 {
		t.Errorf("denials %+v", b.denials)
	}
	for version := int16(0); version <= 13; version++ {
		if got := sendTopic[*kmsg.MetadataResponse](b, "bob", version, q()).Topics; len(got) != 5 || got[0].Partitions[0].Leader != 1 {
			t.Errorf("version %d: %+v", version, got)
		}
	}
}

func TestMetadataByID(t *testing.T) {
	b := newTopicBroker(t)
	id, secret := b.addTopic("t", 1, 1), b.addTopic("secret", 2, 1)
	b.allow("bob", authz.Describe, "t")
	resp := sendTopic[*kmsg.MetadataResponse](b, "bob", 12, aboutIDs(id, secret, meta.TopicID{5}, id))
	wantSeen(t, "by id", resp, "t 1 NONE", "- 0 TOPIC_AUTHORIZATION_FAILED", "- 0 UNKNOWN_TOPIC_ID")
	if resp.Topics[1].TopicID != secret || resp.Topics[2].TopicID != (meta.TopicID{5}) {
		t.Errorf("ids %v", resp.Topics)
	}
	for _, version := range []int16{10, 11} {
		resp := sendTopic[*kmsg.MetadataResponse](b, "admin", version, aboutIDs(id))
		if len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != wire.InvalidRequest {
			t.Errorf("version %d: %+v", version, resp.Topics)
		}
	}
}

func TestMetadataWithoutALeader(t *testing.T) {
	lonely := meta.Broker{ID: 2, Endpoints: []meta.Endpoint{{Listener: "INNER", Host: "inner", Port: 9102}}}
	b := newTopicBroker(t, brokerAt(1), lonely, brokerAt(3))
	b.addTopic("t", 1, 1, 2, 3)
	b.addTopic("broken", 2, 1)
	fenced := brokerAt(3)
	fenced.Fenced = true
	b.propose(&meta.RegisterBroker{Broker: fenced})
	b.offline["broken"] = true
	for version, without := range map[int16]int16{13: wire.ListenerNotFound, 5: wire.LeaderNotAvailable} {
		resp := sendTopic[*kmsg.MetadataResponse](b, "admin", version, aboutTopics("t", "broken"))
		for i, want := range []struct {
			code    int16
			leader  int32
			offline int
		}{{wire.None, 1, 0}, {without, -1, 1}, {wire.LeaderNotAvailable, -1, 1}} {
			if got := resp.Topics[0].Partitions[i]; got.ErrorCode != want.code || got.Leader != want.leader || len(got.OfflineReplicas) != want.offline {
				t.Errorf("version %d, partition %d: %+v", version, i, got)
			}
		}
		if got := resp.Topics[1].Partitions[0]; got.ErrorCode != wire.LeaderNotAvailable || got.Leader != -1 || len(got.OfflineReplicas) != 1 {
			t.Errorf("a log that is offline: %+v", got)
		}
	}
}

func operations(ops ...authz.Operation) int32 {
	bits := int32(0)
	for _, op := range ops {
		bits |= 1 << op
	}
	return bits
}

func TestAuthorizedOperations(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("t", 1, 1)
	b.allow("bob", authz.Read, "t")
	b.allow("bob", authz.Describe, "gone")
	b.rule(authz.Allow, "bob", authz.Create, authz.TheCluster(), authz.Literal)
	b.rule(authz.Allow, "carol", authz.Alter, authz.TheCluster(), authz.Literal)
	ask := func(who string, version int16, topics, cluster bool) *kmsg.MetadataResponse {
		q := aboutTopics("t", "gone")
		q.IncludeTopicAuthorizedOperations, q.IncludeClusterAuthorizedOperations = topics, cluster
		return sendTopic[*kmsg.MetadataResponse](b, who, version, q)
	}
	resp := ask("bob", 8, true, true)
	if got, want := resp.Topics[0].AuthorizedOperations, operations(authz.Read, authz.Describe); got != want {
		t.Errorf("on the topic %b, want %b", got, want)
	}
	if got, want := resp.Topics[1].AuthorizedOperations, operations(authz.Describe); got != want {
		t.Errorf("on a missing topic %b, want %b", got, want)
	}
	if resp.AuthorizedOperations != 0 {
		t.Errorf("on a cluster that he may not describe %b", resp.AuthorizedOperations)
	}
	if got, want := ask("carol", 8, false, true).AuthorizedOperations, operations(authz.Alter, authz.Describe); got != want {
		t.Errorf("on the cluster %b, want %b", got, want)
	}
	if resp = ask("carol", 8, false, false); resp.AuthorizedOperations != math.MinInt32 || resp.Topics[0].AuthorizedOperations != math.MinInt32 {
		t.Errorf("unasked %d and %d", resp.AuthorizedOperations, resp.Topics[0].AuthorizedOperations)
	}
	if got, want := ask("admin", 10, true, true).AuthorizedOperations, operations(authz.OperationsOn(authz.Cluster)...); got != want {
		t.Errorf("of a super user %b, want %b", got, want)
	}
}

func TestMetadataCreatesWhatIsMissing(t *testing.T) {
	b := newTopicBroker(t)
	b.settings.auto, b.settings.partitions, b.settings.factor = true, 2, 2
	b.addTopic("a.b", 1, 1)
	b.allow("bob", authz.All, "new")
	b.allow("bob", authz.Describe, "seen")
	b.allow("bob", authz.Create, "unseen")
	b.deny("bob", authz.Describe, "unseen")
	q := func(names ...string) *kmsg.MetadataRequest {
		q := aboutTopics(names...)
		q.AllowAutoTopicCreation = true
		return q
	}
	wantSeen(t, "not asked", sendTopic[*kmsg.MetadataResponse](b, "bob", 13, aboutTopics("new")), "new 0 UNKNOWN_TOPIC_OR_PARTITION")
	proposed := b.log.proposed
	wantSeen(t, "bob", sendTopic[*kmsg.MetadataResponse](b, "bob", 13, q("new", "seen", "unseen", "new")),
		"new 2 NONE", "seen 0 TOPIC_AUTHORIZATION_FAILED", "unseen 0 TOPIC_AUTHORIZATION_FAILED")
	if b.log.Image().Topic("unseen") != nil || b.log.Image().Topic("seen") != nil {
		t.Error("a topic is created without the right to")
	}
	wantSeen(t, "admin", sendTopic[*kmsg.MetadataResponse](b, "admin", 3, aboutTopics("x", "y", "a_b", "/", "__audit_log")),
		"x 2 NONE", "y 2 NONE", "a_b 0 INVALID_TOPIC_EXCEPTION", "/ 0 INVALID_TOPIC_EXCEPTION", "__audit_log 0 INVALID_TOPIC_EXCEPTION")
	if b.log.proposed != proposed+2 {
		t.Errorf("%d commands for two requests", b.log.proposed-proposed)
	}
	b.settings.partitions = controller.MaxPartitions
	wantSeen(t, "too many", sendTopic[*kmsg.MetadataResponse](b, "admin", 13, q("big", "bigger")),
		fmt.Sprintf("big %d NONE", controller.MaxPartitions), "bigger 0 POLICY_VIOLATION")
	b.settings.partitions, b.settings.factor = 1, 9
	wantSeen(t, "impossible", sendTopic[*kmsg.MetadataResponse](b, "admin", 13, q("copies")), "copies 0 INVALID_REPLICATION_FACTOR")
	b.settings.factor, b.log.err = 1, wire.Errorf(wire.RequestTimedOut, "not known")
	wantSeen(t, "unknown outcome", sendTopic[*kmsg.MetadataResponse](b, "admin", 13, q("perhaps")), "perhaps 0 LEADER_NOT_AVAILABLE")
	b.log.err, b.settings.auto = nil, false
	wantSeen(t, "switched off", sendTopic[*kmsg.MetadataResponse](b, "admin", 13, q("off")), "off 0 UNKNOWN_TOPIC_OR_PARTITION")
}

func TestMetadataTakesUpWhatSomebodyElseCreated(t *testing.T) {
	b := newTopicBroker(t)
	b.settings.auto = true
	raced := &racedLog{MetadataLog: b.log, before: func() { b.addTopic("t", 7, 2) }}
	plan := &metadataPlan{img: b.log.Image(), create: true, topics: []metadataTarget{{asked: kmsg.StringPtr("t")}}}
	topics := &Topics{Metadata: raced, Defaults: b.settings, Draw: func(int) int { return 0 }}
	k := &Cluster{Metadata: raced, Topics: topics}
	c := callOf(b, "admin", aboutTopics("t"))
	c.Granted, _ = authz.Grant(b.acls.Pin(), c.Subject(), authz.Needs{Each: []authz.Need{
		need(authz.Describe, authz.Topic, "t"), mayCreate("t"),
	}})
	k.createMissing(t.Context(), c, plan, k.Metadata)
	if got := plan.topics[0]; got.failure != wire.None || got.topic == nil || got.topic.ID != (meta.TopicID{0: 9, 15: 7}) {
		t.Errorf("target %+v", got)
	}
}

func TestDescribeCluster(t *testing.T) {
	fenced := brokerAt(2)
	fenced.Fenced = true
	b := newTopicBroker(t, brokerAt(1), fenced)
	b.rule(authz.Allow, "carol", authz.Alter, authz.TheCluster(), authz.Literal)
	q := kmsg.NewPtrDescribeClusterRequest()
	resp := sendTopic[*kmsg.DescribeClusterResponse](b, "eve", 0, q)
	if resp.ErrorCode != wire.None || resp.ClusterID != "the-cluster" || resp.ControllerID != 1 || len(resp.Brokers) != 1 || resp.Brokers[0].Port != 9001 ||
		resp.ClusterAuthorizedOperations != math.MinInt32 {
		t.Errorf("answer %+v", resp)
	}
	q.IncludeFencedBrokers, q.IncludeClusterAuthorizedOperations = true, true
	resp = sendTopic[*kmsg.DescribeClusterResponse](b, "carol", 2, q)
	if len(resp.Brokers) != 2 || resp.Brokers[0].IsFenced || !resp.Brokers[1].IsFenced || resp.ClusterAuthorizedOperations != operations(authz.Alter, authz.Describe) {
		t.Errorf("with fenced brokers %+v", resp)
	}
	if resp = sendTopic[*kmsg.DescribeClusterResponse](b, "eve", 2, q); resp.ClusterAuthorizedOperations != 0 {
		t.Errorf("operations of a stranger %b", resp.ClusterAuthorizedOperations)
	}
	for endpoint, code := range map[int8]int16{1: wire.None, 2: wire.MismatchedEndpointType, 9: wire.UnsupportedEndpointType} {
		q.EndpointType = endpoint
		if resp = sendTopic[*kmsg.DescribeClusterResponse](b, "eve", 1, q); resp.ErrorCode != code || (resp.ErrorMessage == nil) != (code == wire.None) {
			t.Errorf("endpoint type %d: %s", endpoint, wire.CodeName(resp.ErrorCode))
		}
	}
}

func descriptions(limit int32, cursor *kmsg.DescribeTopicPartitionsRequestCursor, names ...string) *kmsg.DescribeTopicPartitionsRequest {
	q := kmsg.NewPtrDescribeTopicPartitionsRequest()
	q.ResponsePartitionLimit, q.Cursor = limit, cursor
	for _, name := range names {
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = name
		q.Topics = append(q.Topics, t)
	}
	return q
}

// pages follows the cursors to the end, and returns what each answer told.
func pages(b *topicBroker, who string, limit int32, names ...string) [][]string {
	b.t.Helper()
	var out [][]string
	var cursor *kmsg.DescribeTopicPartitionsRequestCursor
	for range 50 {
		resp := sendTopic[*kmsg.DescribeTopicPartitionsResponse](b, who, 0, descriptions(limit, cursor, names...))
		var page []string
		for i := range resp.Topics {
			got := &resp.Topics[i]
			text := *got.Topic
			for _, p := range got.Partitions {
				text += fmt.Sprintf(" %d", p.Partition)
			}
			if got.ErrorCode != wire.None {
				text += " " + wire.CodeName(got.ErrorCode)
			}
			page = append(page, text)
		}
		out = append(out, page)
		if resp.NextCursor == nil {
			return out
		}
		next := kmsg.NewDescribeTopicPartitionsRequestCursor()
		next.Topic, next.Partition = resp.NextCursor.Topic, resp.NextCursor.Partition
		cursor = &next
	}
	b.t.Fatalf("the cursors do not end: %v", out)
	return nil
}

func TestDescribeTopicPartitionsByPages(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("a", 1, 1, 2, 3)
	b.addTopic("hidden", 2, 1, 1, 1)
	b.addTopic("z", 3, 1, 1)
	b.allow("bob", authz.Describe, "a")
	b.allow("bob", authz.Describe, "z")
	b.allow("bob", authz.Describe, "gone")
	cases := []struct {
		who   string
		limit int32
		names []string
		want  [][]string
	}{
		{"bob", 2000, nil, [][]string{{"a 0 1 2", "z 0 1"}}},
		{"bob", 2, nil, [][]string{{"a 0 1"}, {"a 2", "z 0"}, {"z 1"}}},
		{"bob", 3, nil, [][]string{{"a 0 1 2"}, {"z 0 1"}}},
		{"bob", 0, []string{"z"}, [][]string{{"z 0"}, {"z 1"}}},
		{"eve", 1, nil, [][]string{nil}},
		{"bob", 5, []string{"z", "a", "hidden", "gone", "a"}, [][]string{
			{"a 0 1 2", "gone UNKNOWN_TOPIC_OR_PARTITION", "z 0 1", "hidden TOPIC_AUTHORIZATION_FAILED"},
		}},
		{"admin", 4, nil, [][]string{{"a 0 1 2", "hidden 0"}, {"hidden 1 2", "z 0 1"}}},
		{"admin", 5, []string{"//", "a"}, [][]string{{"// INVALID_TOPIC_EXCEPTION", "a 0 1 2"}}},
	}
	for i, c := range cases {
		if diff := cmp.Diff(c.want, pages(b, c.who, c.limit, c.names...)); diff != "" {
			t.Errorf("case %d: %s", i, diff)
		}
	}
}

func TestDescribeTopicPartitionsCursors(t *testing.T) {
	b := newTopicBroker(t)
	b.addTopic("a", 1, 1, 2)
	at := func(topic string, partition int32) *kmsg.DescribeTopicPartitionsRequestCursor {
		return &kmsg.DescribeTopicPartitionsRequestCursor{Topic: topic, Partition: partition}
	}
	for name, q := range map[string]*kmsg.DescribeTopicPartitionsRequest{
		"another topic": descriptions(9, at("b", 0), "a"), "before the first": descriptions(9, at("a", -1), "a"),
	} {
		if resp := sendTopic[*kmsg.DescribeTopicPartitionsResponse](b, "admin", 0, q); len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != wire.InvalidRequest {
			t.Errorf("%s: %+v", name, resp.Topics)
		}
	}
	resp := sendTopic[*kmsg.DescribeTopicPartitionsResponse](b, "admin", 0, descriptions(9, at("a", math.MaxInt32)))
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 0 || resp.NextCursor != nil {
		t.Errorf("behind the last: %+v", resp)
	}
	if got, want := resp.Topics[0].AuthorizedOperations, operations(authz.OperationsOn(authz.Topic)...); got != want {
		t.Errorf("operations %b, want %b", got, want)
	}
}
