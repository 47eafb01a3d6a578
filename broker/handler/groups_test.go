package handler

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/shard"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// groupLog is a coordinator's log in memory.
type groupLog struct {
	mu      sync.Mutex
	records []coordinator.Record
	// held, where set, keeps what is appended from being durable until it is closed.
	held chan struct{}
}

func (l *groupLog) Append(what coordinator.Append, _ time.Time) (func(context.Context) error, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, what.Records...)
	held := l.held
	return func(ctx context.Context) error {
		if held == nil {
			return nil
		}
		select {
		case <-held:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

func (l *groupLog) Read(_ context.Context, yield func(coordinator.Entry) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if err := yield(coordinator.Entry{Record: r}); err != nil {
			return err
		}
	}
	return nil
}

const testCommitTimeout = 5 * time.Second

// groupGrants allows what is listed as "OPERATION:TYPE:name", and "*" everything.
type groupGrants []string

func (groupGrants) Epoch() uint64 { return 1 }

func (g groupGrants) Decide(_ authz.Subject, op authz.Operation, on authz.Resource) authz.Decision {
	want := fmt.Sprintf("%s:%s:%s", op, on.Type, on.Name)
	for _, rule := range g {
		if rule == "*" || rule == want {
			return authz.Decision{Allowed: true}
		}
	}
	return authz.Decision{}
}

func (groupGrants) DecideAny(authz.Subject, authz.Operation, authz.ResourceType) authz.Decision {
	return authz.Decision{}
}

// groupBroker has the group APIs, their coordinators and one log, with topics "t" (id 1) and group.Topic of one partition.
type groupBroker struct {
	t      *testing.T
	groups *Groups
	// consumers are the APIs of the consumer protocol.
	consumers *ConsumerGroups
	shards    *shard.Groups
	log       *groupLog
	image     *meta.Image
	created   int
	rules     groupGrants
	// refused counts the regular expressions that were refused.
	refused int
	mu      sync.Mutex
	// denied are the denials of the last request that are events; mu guards them, as members may ask at once.
	denied []authz.Need
}

func newGroupBroker(t *testing.T) *groupBroker {
	t.Helper()
	b := &groupBroker{t: t, log: &groupLog{}, image: meta.NewImage(), rules: groupGrants{"*"}}
	b.apply(&meta.RegisterBroker{Broker: meta.Broker{
		ID: 1, Endpoints: []meta.Endpoint{{Listener: "TLS", Protocol: "SASL_SSL", Host: "broker.test", Port: 9094}},
	}})
	b.createTopic("t", 1, 3)
	b.createTopic(group.Topic, 9, 1)
	b.start()
	b.groups = &Groups{
		Image: func() *meta.Image { return b.image },
		Endpoint: func(id int32, listener string) (string, int32, bool) {
			node := b.image.Broker(id)
			if node == nil {
				return "", 0, false
			}
			e, ok := node.Endpoint(listener)
			return e.Host, e.Port, ok
		},
		CreateTopic: func(string) { b.created++ }, CommitTimeout: testCommitTimeout,
	}
	b.groups.Coordinator, b.groups.Changes = b.shards, &changeLog{}
	b.groups.ConsumerSettings = func(*meta.Image, string) group.BeatSettings {
		return group.BeatSettings{SessionTimeout: 45 * time.Second, HeartbeatInterval: 5 * time.Second}
	}
	matches, err := NewTopicMatches()
	if err != nil {
		t.Fatal(err)
	}
	b.consumers = &ConsumerGroups{Groups: b.groups, Served: true, Assignors: []string{"uniform", "range"}, Matches: matches}
	b.consumers.RefusedRegex = func(*api.Call, error) { b.refused++ }
	return b
}

func (b *groupBroker) apply(c meta.Command) {
	b.t.Helper()
	b.image, _, _ = b.image.Apply(b.image.Index()+1, c)
}

func (b *groupBroker) createTopic(name string, id byte, partitions int) {
	b.t.Helper()
	topic := meta.NewTopic{Name: name, ID: meta.TopicID{id}}
	for range partitions {
		topic.Replicas = append(topic.Replicas, []int32{1})
	}
	b.apply(&meta.CreateTopics{Topics: []meta.NewTopic{topic}})
	if b.image.Topic(name) == nil {
		b.t.Fatalf("topic %s was not created", name)
	}
}

// start begins to coordinate; called again, it is a restart.
func (b *groupBroker) start() {
	b.t.Helper()
	b.shards = shard.NewGroups(shard.GroupsConfig{
		Group: group.Config{
			InitialRebalanceDelay: 3 * time.Second, MinSessionTimeout: 6 * time.Second, MaxSessionTimeout: 30 * time.Minute,
			MaxSize: thousand, MaxOffsetMetadata: 4096, OffsetsRetention: 7 * 24 * time.Hour, ExpiryInterval: 10 * time.Minute,
			MaxAppendBytes: 1 << 20,
			Consumer: group.ConsumerConfig{
				MaxSize: thousand, Assignors: []string{"uniform", "range"}, SessionTimeout: 45 * time.Second, RegexRefresh: 10 * time.Minute,
			},
		},
		Partitions: func() int32 {
			if topic := b.image.Topic(group.Topic); topic != nil {
				return int32(len(topic.Partitions))
			}
			return 0
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err := b.shards.Load(0, 1, b.log); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
	if b.groups != nil {
		b.groups.Coordinator = b.shards
	}
}

func (b *groupBroker) restart() {
	b.t.Helper()
	b.shards.Close()
	b.start()
}

// sendGroup takes a request through its row as the server does, and the response through its encoding.
func sendGroup[R kmsg.Response](b *groupBroker, q kmsg.Request) R {
	b.t.Helper()
	table, err := api.NewTable(append(b.groups.Rows(), b.consumers.Rows()...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	row, found := table.Row(q.Key())
	if !found || q.GetVersion() < row.Min || q.GetVersion() > row.Max {
		b.t.Fatalf("API %d version %d is not served", q.Key(), q.GetVersion())
	}
	c := &api.Call{
		Conn: api.Conn{Listener: "TLS", Host: netip.MustParseAddr("10.0.0.7")}, Key: q.Key(), Version: q.GetVersion(), ClientID: "client",
		Session: &auth.Session{Principal: auth.User("u"), Host: netip.MustParseAddr("10.0.0.7")}, Request: q,
	}
	var refused *authz.Need
	if row.Before != nil {
		c.Granted, refused = authz.Grant(b.rules, c.Subject(), row.Before(c))
	}
	if refused == nil {
		c.Resolved = row.Resolve(c)
		c.Granted, refused = authz.Grant(b.rules, c.Subject(), row.Needs(c))
	}
	b.noteDenials(c.Granted)
	var resp kmsg.Response
	if refused != nil {
		code := wire.GroupAuthorizationFailed
		if refused.On.Type == authz.Topic {
			code = wire.TopicAuthorizationFailed
		}
		resp = row.Refuse(c, code)
	} else {
		resp = row.Handle(context.Background(), c).Response
	}
	decoded := q.ResponseKind()
	if err := decoded.ReadFrom(resp.AppendTo(nil)); err != nil {
		b.t.Fatalf("response of API %d version %d: %v", q.Key(), q.GetVersion(), err)
	}
	return decoded.(R)
}

func (b *groupBroker) noteDenials(g *authz.Granted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.denied = nil
	g.Denials(func(n authz.Need, _ authz.Decision) bool { b.denied = append(b.denied, n); return true })
}

func wantCode(t *testing.T, what string, got, want int16) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %s, want %s", what, wire.CodeName(got), wire.CodeName(want))
	}
}

func withGroups(t *testing.T, run func(t *testing.T, b *groupBroker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newGroupBroker(t)
		defer func() { b.shards.Close() }()
		run(t, b)
	})
}

// consumer is one member of group "g", by any version of the APIs.
type consumer struct {
	b          *groupBroker
	id         string
	generation int32
}

func (c *consumer) join(version int16) *kmsg.JoinGroupResponse {
	c.b.t.Helper()
	for {
		q := kmsg.NewPtrJoinGroupRequest()
		q.Version, q.Group, q.MemberID, q.ProtocolType = version, "g", c.id, "consumer"
		q.SessionTimeoutMillis, q.RebalanceTimeoutMillis = 45_000, 300_000
		q.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 0}}}
		r := sendGroup[*kmsg.JoinGroupResponse](c.b, q)
		c.id, c.generation = r.MemberID, r.Generation
		if r.ErrorCode != wire.MemberIDRequired {
			return r
		}
	}
}

func (c *consumer) sync(version int16, assignment string) *kmsg.SyncGroupResponse {
	c.b.t.Helper()
	q := kmsg.NewPtrSyncGroupRequest()
	kind, protocol := "consumer", "range"
	q.Version, q.Group, q.MemberID, q.Generation, q.ProtocolType, q.Protocol = version, "g", c.id, c.generation, &kind, &protocol
	if assignment != "" {
		q.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{MemberID: c.id, MemberAssignment: []byte(assignment)}}
	}
	return sendGroup[*kmsg.SyncGroupResponse](c.b, q)
}

func (c *consumer) heartbeat(version int16) int16 {
	c.b.t.Helper()
	q := kmsg.NewPtrHeartbeatRequest()
	q.Version, q.Group, q.MemberID, q.Generation = version, "g", c.id, c.generation
	return sendGroup[*kmsg.HeartbeatResponse](c.b, q).ErrorCode
}

func (b *groupBroker) commitRequest(version int16, c *consumer, offset int64, partitions ...int32) *kmsg.OffsetCommitRequest {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Version, q.Group, q.Generation = version, "g", -1
	if c != nil {
		q.Generation, q.MemberID = c.generation, c.id
	}
	topic := kmsg.OffsetCommitRequestTopic{Topic: "t", TopicID: [16]byte{1}}
	for _, p := range partitions {
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset = p, offset
		topic.Partitions = append(topic.Partitions, one)
	}
	q.Topics = []kmsg.OffsetCommitRequestTopic{topic}
	return q
}

// fetched is the offset of partition 0 of "t" as a version of OffsetFetch tells it; all asks for all topics.
func (b *groupBroker) fetched(version int16, all bool) (offset int64, code int16) {
	b.t.Helper()
	q := kmsg.NewPtrOffsetFetchRequest()
	q.Version = version
	if version < 8 {
		q.Group = "g"
		if !all {
			q.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		}
		r := sendGroup[*kmsg.OffsetFetchResponse](b, q)
		if r.ErrorCode != wire.None || len(r.Topics) == 0 {
			return -1, r.ErrorCode
		}
		return r.Topics[0].Partitions[0].Offset, r.Topics[0].Partitions[0].ErrorCode
	}
	one := kmsg.NewOffsetFetchRequestGroup()
	one.Group = "g"
	if !all {
		one.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", TopicID: [16]byte{1}, Partitions: []int32{0}}}
	}
	q.Groups = []kmsg.OffsetFetchRequestGroup{one}
	r := sendGroup[*kmsg.OffsetFetchResponse](b, q)
	if r.Groups[0].ErrorCode != wire.None || len(r.Groups[0].Topics) == 0 {
		return -1, r.Groups[0].ErrorCode
	}
	return r.Groups[0].Topics[0].Partitions[0].Offset, r.Groups[0].Topics[0].Partitions[0].ErrorCode
}

func TestGroupRoundTripInEveryVersion(t *testing.T) {
	for version := range int16(11) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			withGroups(t, func(t *testing.T, b *groupBroker) {
				c := &consumer{b: b}
				joined := c.join(min(version, 9))
				wantCode(t, "join", joined.ErrorCode, wire.None)
				if joined.LeaderID != c.id || *joined.Protocol != "range" || len(joined.Members) != 1 {
					t.Fatalf("joined = %+v", joined)
				}
				synced := c.sync(min(version, 5), "mine")
				wantCode(t, "sync", synced.ErrorCode, wire.None)
				if string(synced.MemberAssignment) != "mine" {
					t.Fatalf("assignment = %q", synced.MemberAssignment)
				}
				wantCode(t, "heartbeat", c.heartbeat(min(version, 4)), wire.None)
				commit := sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(max(version, 2), c, 42, 0, 7))
				wantCode(t, "commit", commit.Topics[0].Partitions[0].ErrorCode, wire.None)
				wantCode(t, "commit for no partition", commit.Topics[0].Partitions[1].ErrorCode, wire.UnknownTopicOrPartition)

				b.restart()
				wantCode(t, "heartbeat after a restart", c.heartbeat(min(version, 4)), wire.None)
				for _, all := range []bool{false, version >= 2} {
					offset, code := b.fetched(max(version, 1), all)
					wantCode(t, "fetch", code, wire.None)
					if offset != 42 {
						t.Fatalf("offset = %d", offset)
					}
				}
				leave := kmsg.NewPtrLeaveGroupRequest()
				leave.Version, leave.Group, leave.MemberID = min(version, 5), "g", c.id
				leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: c.id}}
				wantCode(t, "leave", sendGroup[*kmsg.LeaveGroupResponse](b, leave).ErrorCode, wire.None)
				if version < 3 {
					wantCode(t, "leave twice", sendGroup[*kmsg.LeaveGroupResponse](b, leave).ErrorCode, wire.UnknownMemberID)
				}
				wantCode(t, "heartbeat after leaving", c.heartbeat(min(version, 4)), wire.UnknownMemberID)
			})
		})
	}
}

func TestEmptyGroupIDs(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		join := kmsg.NewPtrJoinGroupRequest()
		join.Version = 9
		wantCode(t, "join", sendGroup[*kmsg.JoinGroupResponse](b, join).ErrorCode, wire.InvalidGroupID)
		sync := kmsg.NewPtrSyncGroupRequest()
		wantCode(t, "sync", sendGroup[*kmsg.SyncGroupResponse](b, sync).ErrorCode, wire.InvalidGroupID)
		wantCode(t, "heartbeat", sendGroup[*kmsg.HeartbeatResponse](b, kmsg.NewPtrHeartbeatRequest()).ErrorCode, wire.InvalidGroupID)
		wantCode(t, "leave", sendGroup[*kmsg.LeaveGroupResponse](b, kmsg.NewPtrLeaveGroupRequest()).ErrorCode, wire.InvalidGroupID)
		wantCode(t, "delete offsets", sendGroup[*kmsg.OffsetDeleteResponse](b, kmsg.NewPtrOffsetDeleteRequest()).ErrorCode, wire.InvalidGroupID)
		named := kmsg.NewPtrSyncGroupRequest()
		named.Version, named.Group = 5, "g"
		wantCode(t, "sync without protocol", sendGroup[*kmsg.SyncGroupResponse](b, named).ErrorCode, wire.InconsistentGroupProtocol)
	})
}

func TestFindCoordinator(t *testing.T) {
	tests := []struct {
		name    string
		kind    int8
		rules   groupGrants
		prepare func(b *groupBroker)
		want    int16
	}{
		{"group", 0, groupGrants{"DESCRIBE:GROUP:k"}, nil, wire.None},
		{"group, denied", 0, nil, nil, wire.GroupAuthorizationFailed},
		{"transactions", 1, groupGrants{"DESCRIBE:TRANSACTIONAL_ID:k"}, func(b *groupBroker) { b.createTopic(txn.Topic, 10, 1) }, wire.None},
		{"no transactions yet", 1, groupGrants{"*"}, nil, wire.CoordinatorNotAvailable},
		{"transactions, denied", 1, nil, nil, wire.TransactionalIDAuthorizationFailed},
		{"shares", 2, groupGrants{"*"}, nil, wire.InvalidRequest},
		{"shares, denied", 2, nil, nil, wire.ClusterAuthorizationFailed},
		{"unknown type", 3, groupGrants{"*"}, nil, wire.InvalidRequest},
		{"no topic yet", 0, groupGrants{"*"}, func(b *groupBroker) { b.image = meta.NewImage() }, wire.CoordinatorNotAvailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			withGroups(t, func(t *testing.T, b *groupBroker) {
				b.rules = test.rules
				if test.prepare != nil {
					test.prepare(b)
				}
				q := kmsg.NewPtrFindCoordinatorRequest()
				q.Version, q.CoordinatorType, q.CoordinatorKeys = 6, test.kind, []string{"k"}
				one := sendGroup[*kmsg.FindCoordinatorResponse](b, q).Coordinators[0]
				wantCode(t, "v6", one.ErrorCode, test.want)
				q = kmsg.NewPtrFindCoordinatorRequest()
				q.Version, q.CoordinatorType, q.CoordinatorKey = 1, test.kind, "k"
				old := sendGroup[*kmsg.FindCoordinatorResponse](b, q)
				wantCode(t, "v1", old.ErrorCode, test.want)
				if test.want == wire.None && (one.NodeID != 1 || one.Host != "broker.test" || one.Port != 9094 || old.Port != 9094) {
					t.Fatalf("coordinators = %+v, %+v", one, old)
				}
				if (test.want == wire.CoordinatorNotAvailable) != (b.created == 2) {
					t.Fatalf("the topic was asked for %d times", b.created)
				}
			})
		})
	}
}

func TestOffsetsAreFilteredByTopic(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 5, 0))
		b.rules = groupGrants{"DESCRIBE:GROUP:g", "READ:GROUP:g"}
		for _, version := range []int16{9, 10} {
			r := sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(version, nil, 6, 0))
			wantCode(t, "commit", r.Topics[0].Partitions[0].ErrorCode, wire.TopicAuthorizationFailed)
		}
		for version := int16(1); version <= 10; version++ {
			_, code := b.fetched(version, false)
			wantCode(t, "fetch", code, wire.TopicAuthorizationFailed)
			if version < 2 {
				continue
			}
			if offset, code := b.fetched(version, true); offset != -1 || code != wire.None {
				t.Fatalf("version %d: all = %d, %s", version, offset, wire.CodeName(code))
			}
		}
		b.rules = groupGrants{"DESCRIBE:TOPIC:t"}
		for version := int16(1); version <= 10; version++ {
			_, code := b.fetched(version, false)
			wantCode(t, "fetch of a hidden group", code, wire.GroupAuthorizationFailed)
			if version < 2 {
				continue
			}
			_, code = b.fetched(version, true)
			wantCode(t, "fetch all of a hidden group", code, wire.GroupAuthorizationFailed)
		}
		b.rules = groupGrants{"READ:TOPIC:t"}
		r := sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 6, 0))
		wantCode(t, "commit to a hidden group", r.Topics[0].Partitions[0].ErrorCode, wire.GroupAuthorizationFailed)
	})
}

func TestTopicIDsThatAreNotThere(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		commit := b.commitRequest(10, nil, 5, 0)
		commit.Topics[0].TopicID = [16]byte{77}
		r := sendGroup[*kmsg.OffsetCommitResponse](b, commit)
		wantCode(t, "commit", r.Topics[0].Partitions[0].ErrorCode, wire.UnknownTopicID)

		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 5, 0))
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Version = 10
		fetch.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", Topics: []kmsg.OffsetFetchRequestGroupTopic{
			{TopicID: [16]byte{77}, Partitions: []int32{0}}, {TopicID: [16]byte{1}, Partitions: []int32{0}},
		}}}
		topics := sendGroup[*kmsg.OffsetFetchResponse](b, fetch).Groups[0].Topics
		wantCode(t, "fetch", topics[0].Partitions[0].ErrorCode, wire.UnknownTopicID)
		if topics[1].TopicID != [16]byte{1} || topics[1].Partitions[0].Offset != 5 {
			t.Fatalf("fetched = %+v", topics[1])
		}
	})
}

func TestRecreatedTopicHasNoOffsets(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 5, 0))
		b.apply(&meta.DeleteTopics{IDs: []meta.TopicID{{1}}})
		b.createTopic("t", 2, 3)
		for _, all := range []bool{false, true} {
			if offset, _ := b.fetched(9, all); offset != -1 {
				t.Fatalf("all %t: offset = %d", all, offset)
			}
		}
		exists := func(ref group.TopicRef) bool { return b.image.TopicByID(ref.ID) != nil }
		if err := b.shards.Reconcile(t.Context(), exists); err != nil {
			t.Fatal(err)
		}
		if last := b.log.records[len(b.log.records)-1]; last.Value != nil {
			t.Fatal("the offset of the deleted topic was not removed")
		}
	})
}

func TestFetchOfOneGroupTwice(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		q := kmsg.NewPtrOffsetFetchRequest()
		q.Version, q.Groups = 8, []kmsg.OffsetFetchRequestGroup{{Group: "g"}, {Group: "g"}}
		r := sendGroup[*kmsg.OffsetFetchResponse](b, q)
		wantCode(t, "first", r.Groups[0].ErrorCode, wire.None)
		wantCode(t, "second", r.Groups[1].ErrorCode, wire.InvalidRequest)
	})
}

func TestDescribeGroups(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		c := &consumer{b: b}
		c.join(9)
		c.sync(5, "mine")
		b.rules = groupGrants{"DESCRIBE:GROUP:g", "DESCRIBE:GROUP:none", "READ:GROUP:g"}
		q := kmsg.NewPtrDescribeGroupsRequest()
		q.Version, q.IncludeAuthorizedOperations, q.Groups = 6, true, []string{"g", "none", "hidden"}
		r := sendGroup[*kmsg.DescribeGroupsResponse](b, q)
		for i, code := range []int16{wire.None, wire.GroupIDNotFound, wire.GroupAuthorizationFailed} {
			wantCode(t, q.Groups[i], r.Groups[i].ErrorCode, code)
		}
		g := r.Groups[0]
		if g.State != "Stable" || g.Members[0].ClientHost != "/10.0.0.7" || !strings.HasPrefix(g.Members[0].MemberID, "client-") {
			t.Fatalf("described = %+v", g)
		}
		if g.AuthorizedOperations != 1<<authz.Read|1<<authz.Describe {
			t.Fatalf("operations = %b", g.AuthorizedOperations)
		}
		q.Version, q.Groups = 5, []string{"g", "none", "g"}
		if old := sendGroup[*kmsg.DescribeGroupsResponse](b, q).Groups[1]; old.ErrorCode != wire.None || old.State != "Dead" {
			t.Fatalf("described = %+v", old)
		}
	})
}

func TestListGroupsShowsWhatMayBeDescribed(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		for _, id := range []string{"a", "b", "c"} {
			q := b.commitRequest(9, nil, 1, 0)
			q.Group = id
			sendGroup[*kmsg.OffsetCommitResponse](b, q)
		}
		for _, test := range []struct {
			rules groupGrants
			want  string
		}{
			{groupGrants{"DESCRIBE:CLUSTER:kafka-cluster"}, "a b c"},
			{groupGrants{"DESCRIBE:GROUP:b"}, "b"},
			{nil, ""},
		} {
			b.rules = test.rules
			q := kmsg.NewPtrListGroupsRequest()
			q.Version = 5
			var got []string
			for _, g := range sendGroup[*kmsg.ListGroupsResponse](b, q).Groups {
				got = append(got, g.Group)
			}
			if strings.Join(got, " ") != test.want {
				t.Fatalf("%v sees %v", test.rules, got)
			}
		}
	})
}

func TestDeleteGroupsAndOffsets(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		sendGroup[*kmsg.OffsetCommitResponse](b, b.commitRequest(9, nil, 1, 0, 1))
		offsets := kmsg.NewPtrOffsetDeleteRequest()
		offsets.Group = "g"
		offsets.Topics = []kmsg.OffsetDeleteRequestTopic{
			{Topic: "none", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 0}}},
			{Topic: "t", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 9}, {Partition: 0}}},
		}
		r := sendGroup[*kmsg.OffsetDeleteResponse](b, offsets)
		wantCode(t, "offset of no topic", r.Topics[0].Partitions[0].ErrorCode, wire.UnknownTopicOrPartition)
		wantCode(t, "offset of no partition", r.Topics[1].Partitions[0].ErrorCode, wire.UnknownTopicOrPartition)
		wantCode(t, "offset", r.Topics[1].Partitions[1].ErrorCode, wire.None)
		if offset, _ := b.fetched(9, false); offset != -1 {
			t.Fatalf("offset = %d", offset)
		}
		b.rules = groupGrants{"DELETE:GROUP:g", "DELETE:GROUP:none"}
		groups := kmsg.NewPtrDeleteGroupsRequest()
		groups.Version, groups.Groups = 2, []string{"g", "none", "hidden", "g"}
		deleted := sendGroup[*kmsg.DeleteGroupsResponse](b, groups).Groups
		if len(deleted) != 3 {
			t.Fatalf("deleted = %+v", deleted)
		}
		for i, code := range []int16{wire.None, wire.GroupIDNotFound, wire.GroupAuthorizationFailed} {
			wantCode(t, groups.Groups[i], deleted[i].ErrorCode, code)
		}
	})
}

func TestGroupsWhileThePartitionIsElsewhere(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		b.shards.Unload(0)
		c := &consumer{b: b, id: "x"}
		wantCode(t, "heartbeat", c.heartbeat(4), wire.NotCoordinator)
		wantCode(t, "join", c.join(9).ErrorCode, wire.NotCoordinator)
		for _, all := range []bool{false, true} {
			_, code := b.fetched(8, all)
			wantCode(t, "fetch", code, wire.NotCoordinator)
		}
		list := sendGroup[*kmsg.ListGroupsResponse](b, kmsg.NewPtrListGroupsRequest())
		wantCode(t, "list", list.ErrorCode, wire.None)
	})
}
