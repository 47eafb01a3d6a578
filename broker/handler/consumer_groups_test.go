package handler

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// withConsumers runs a test of the consumer protocol, which the cluster serves.
func withConsumers(t *testing.T, run func(t *testing.T, b *groupBroker)) {
	t.Helper()
	withGroups(t, func(t *testing.T, b *groupBroker) {
		b.setGroupVersion(1)
		run(t, b)
	})
}

func (b *groupBroker) setGroupVersion(level int16) {
	b.t.Helper()
	b.apply(&meta.UpdateFeatures{
		Node: 1, Supported: meta.SupportedFeatures(),
		Updates: []meta.FeatureUpdate{{Name: meta.GroupVersion, Level: level, Type: meta.FeatureUpgrade}},
	})
	if got := b.image.Features()[meta.GroupVersion]; got != level {
		b.t.Fatalf("group.version is %d", got)
	}
}

// firstBeat is a heartbeat that joins group "g" for topics.
func firstBeat(memberID string, topics ...string) *kmsg.ConsumerGroupHeartbeatRequest {
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Version, q.Group, q.MemberID, q.RebalanceTimeoutMillis = 1, "g", memberID, 60_000
	q.SubscribedTopicNames, q.Topics = topics, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return q
}

// nextBeat is a heartbeat of a member that has something.
func nextBeat(r *kmsg.ConsumerGroupHeartbeatResponse, topic byte, partitions ...int32) *kmsg.ConsumerGroupHeartbeatRequest {
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Version, q.Group, q.MemberID, q.MemberEpoch = 1, "g", *r.MemberID, r.MemberEpoch
	q.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{{TopicID: [16]byte{topic}, Partitions: partitions}}
	return q
}

func (b *groupBroker) beat(q *kmsg.ConsumerGroupHeartbeatRequest) *kmsg.ConsumerGroupHeartbeatResponse {
	b.t.Helper()
	return sendGroup[*kmsg.ConsumerGroupHeartbeatResponse](b, q)
}

func assignmentOf(r *kmsg.ConsumerGroupHeartbeatResponse) string {
	if r.Assignment == nil {
		return "none"
	}
	var text []string
	for _, t := range r.Assignment.Topics {
		text = append(text, fmt.Sprint(t.TopicID[0], t.Partitions))
	}
	return strings.Join(text, " ")
}

func TestAConsumerIsAssignedPartitions(t *testing.T) {
	for version := range int16(2) {
		withConsumers(t, func(t *testing.T, b *groupBroker) {
			q := firstBeat("m", "t")
			q.Version = version
			if version == 0 {
				q.MemberID = ""
			}
			r := b.beat(q)
			wantCode(t, "join", r.ErrorCode, wire.None)
			if got := assignmentOf(r); got != "1 [0 1 2]" || *r.MemberID == "" || r.HeartbeatIntervalMillis != 5000 {
				t.Fatalf("answer %+v, assignment %s", r, got)
			}
			b.restart()
			r = b.beat(nextBeat(r, 1, 0, 1, 2))
			wantCode(t, "after a restart", r.ErrorCode, wire.None)
			b.apply(&meta.CreatePartitions{Topics: []meta.MorePartition{{Name: "t", From: 3, Replicas: [][]int32{{1}}}}})
			r = b.beat(nextBeat(r, 1, 0, 1, 2))
			if got := assignmentOf(r); got != "1 [0 1 2 3]" {
				t.Fatalf("after the topic has grown: %s", got)
			}
		})
	}
}

func TestMalformedHeartbeats(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		none := ""
		change := func(change func(q *kmsg.ConsumerGroupHeartbeatRequest)) *kmsg.ConsumerGroupHeartbeatRequest {
			q := firstBeat("m", "t")
			change(q)
			return q
		}
		for name, test := range map[string]struct {
			q    *kmsg.ConsumerGroupHeartbeatRequest
			want int16
		}{
			"no member id": {firstBeat("", "t"), wire.InvalidRequest},
			"no group":     {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.Group = "" }), wire.InvalidRequest},
			"instance":     {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.InstanceID = &none }), wire.InvalidRequest},
			"rack":         {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.RackID = &none }), wire.InvalidRequest},
			"epoch":        {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.MemberEpoch = -3 }), wire.InvalidRequest},
			"not static":   {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.MemberEpoch = -2 }), wire.InvalidRequest},
			"no time":      {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.RebalanceTimeoutMillis = -1 }), wire.InvalidRequest},
			"no topics":    {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.SubscribedTopicNames = nil }), wire.InvalidRequest},
			"not said":     {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.Topics = nil }), wire.InvalidRequest},
			"owned": {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) {
				q.Topics = make([]kmsg.ConsumerGroupHeartbeatRequestTopic, 1)
			}), wire.InvalidRequest},
			"assignor":     {change(func(q *kmsg.ConsumerGroupHeartbeatRequest) { q.ServerAssignor = &none }), wire.UnsupportedAssignor},
			"regex":        {regexBeat("m", "("), wire.InvalidRegularExpression},
			"two halves":   {regexBeat("m", "a)|(b"), wire.InvalidRegularExpression},
			"a huge regex": {regexBeat("m", strings.Repeat("(x{100})", 100)), wire.InvalidRegularExpression},
			"a long regex": {regexBeat("m", strings.Repeat("x", 5000)), wire.InvalidRegularExpression},
		} {
			r := b.beat(test.q)
			if r.ErrorCode != test.want || r.ErrorMessage == nil || *r.ErrorMessage == "" {
				t.Errorf("%s: %s, %v", name, wire.CodeName(r.ErrorCode), r.ErrorMessage)
			}
		}
		if b.refused != 4 {
			t.Errorf("%d regular expressions are told of", b.refused)
		}
		wantCode(t, "none of them made a group", b.describeConsumers("g").ErrorCode, wire.GroupIDNotFound)
	})
}

func TestTheConsumerProtocolIsSwitched(t *testing.T) {
	withGroups(t, func(t *testing.T, b *groupBroker) {
		wantCode(t, "before the feature is on", b.beat(firstBeat("m", "t")).ErrorCode, wire.UnsupportedVersion)
		wantCode(t, "describe", b.describeConsumers("g").ErrorCode, wire.UnsupportedVersion)
		b.setGroupVersion(1)
		b.consumers.Served = false
		wantCode(t, "by the configuration", b.beat(firstBeat("m", "t")).ErrorCode, wire.UnsupportedVersion)
		b.consumers.Served = true
		wantCode(t, "on", b.beat(firstBeat("m", "t")).ErrorCode, wire.None)
	})
}

func (b *groupBroker) describeConsumers(id string) kmsg.ConsumerGroupDescribeResponseGroup {
	b.t.Helper()
	q := kmsg.NewPtrConsumerGroupDescribeRequest()
	q.Version, q.Groups, q.IncludeAuthorizedOperations = 1, []string{id, id}, true
	r := sendGroup[*kmsg.ConsumerGroupDescribeResponse](b, q)
	if len(r.Groups) != 1 {
		b.t.Fatalf("one group is described as %+v", r.Groups)
	}
	return r.Groups[0]
}

func TestWhoMayDoWhatWithConsumerGroups(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		b.rules = groupGrants{"DESCRIBE:TOPIC:t"}
		wantCode(t, "without READ on the group", b.beat(firstBeat("m", "t")).ErrorCode, wire.GroupAuthorizationFailed)
		b.rules = groupGrants{"READ:GROUP:g"}
		wantCode(t, "without DESCRIBE on the topic", b.beat(firstBeat("m", "t")).ErrorCode, wire.TopicAuthorizationFailed)
		b.rules = groupGrants{"READ:GROUP:g", "DESCRIBE:TOPIC:t"}
		wantCode(t, "with both", b.beat(firstBeat("m", "t")).ErrorCode, wire.None)
		wantCode(t, "describe without DESCRIBE", b.describeConsumers("g").ErrorCode, wire.GroupAuthorizationFailed)
		b.rules = groupGrants{"DESCRIBE:GROUP:g"}
		hidden := b.describeConsumers("g")
		wantCode(t, "describe without its topics", hidden.ErrorCode, wire.TopicAuthorizationFailed)
		if len(hidden.Members) != 0 {
			t.Fatalf("it shows %+v", hidden.Members)
		}
		if len(b.denied) != 1 || b.denied[0] != need(authz.Describe, authz.Topic, "t") {
			t.Fatalf("the audit log has these denials: %+v", b.denied)
		}
		b.rules = groupGrants{"DESCRIBE:GROUP:g", "DESCRIBE:TOPIC:t"}
		d := b.describeConsumers("g")
		wantCode(t, "describe", d.ErrorCode, wire.None)
		if d.State != "Stable" || d.AuthorizedOperations == -2147483648 || len(d.Members) != 1 || d.Members[0].ClientHost != "/10.0.0.7" ||
			d.Members[0].Assignment.TopicPartitions[0].Topic != "t" {
			t.Fatalf("described as %+v", d)
		}
	})
}

func regexBeat(memberID, pattern string) *kmsg.ConsumerGroupHeartbeatRequest {
	q := firstBeat(memberID)
	q.SubscribedTopicNames, q.SubscribedTopicRegex = nil, &pattern
	return q
}

func TestARegexShowsWhatItsMemberMaySee(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		b.createTopic("tea", 2, 1)
		b.createTopic("secret-t", 3, 1)
		b.rules = groupGrants{"READ:GROUP:g", "DESCRIBE:TOPIC:t", "DESCRIBE:TOPIC:secret-t"}
		r := b.beat(regexBeat("m", "t.*"))
		wantCode(t, "join", r.ErrorCode, wire.None)
		if got := assignmentOf(r); got != "1 [0 1 2]" {
			t.Fatalf("assigned %s", got)
		}
		<-time.After(11 * time.Second) // in the bubble's time
		b.createTopic("tin", 4, 1)
		b.rules = append(b.rules, "DESCRIBE:TOPIC:tin")
		r = b.beat(nextBeat(r, 1, 0, 1, 2))
		r = b.beat(nextBeat(r, 1, 0, 1, 2))
		if got := assignmentOf(r); got != "1 [0 1 2] 4 [0]" {
			t.Fatalf("after a topic has come: %s", got)
		}
	})
}

func TestAStrangerDoesNotKeepARegexFromItsGroup(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		r := b.beat(regexBeat("m", "t.*"))
		wantCode(t, "join", r.ErrorCode, wire.None)
		<-time.After(11 * time.Second) // in the bubble's time
		b.createTopic("tin", 4, 1)
		r = b.beat(nextBeat(r, 1, 0, 1, 2))
		b.rules = nil
		wantCode(t, "a stranger", b.beat(regexBeat("x", "y")).ErrorCode, wire.GroupAuthorizationFailed)
		b.rules = groupGrants{"*"}
		wantCode(t, "another member", b.beat(regexBeat("x", "y")).ErrorCode, wire.None)
		r = b.beat(nextBeat(r, 1, 0, 1, 2))
		if got := assignmentOf(r); got != "1 [0 1 2] 4 [0]" {
			t.Fatalf("after a topic has come: %s", got)
		}
	})
}

func TestAStrangersRegexIsNotSearched(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		b.rules = groupGrants{"DESCRIBE:TOPIC:t"}
		wantCode(t, "without READ on the group", b.beat(regexBeat("m", "t.*")).ErrorCode, wire.GroupAuthorizationFailed)
		b.rules = groupGrants{"READ:GROUP:g"}
		named := regexBeat("m", "t.*")
		named.SubscribedTopicNames = []string{"t"}
		wantCode(t, "without DESCRIBE on a topic that it names", b.beat(named).ErrorCode, wire.TopicAuthorizationFailed)
		if n := len(b.consumers.Matches.found); n != 0 {
			t.Fatalf("%d searches were made for strangers", n)
		}
	})
}

func TestARegexIsSearchedOnce(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		matches := b.consumers.Matches
		wantCode(t, "join", b.beat(regexBeat("a", "t.*")).ErrorCode, wire.None)
		if len(matches.found) != 1 {
			t.Fatalf("%d searches are remembered", len(matches.found))
		}
		for _, known := range matches.found {
			known.names = []string{group.Topic}
		}
		b.rules = groupGrants{"READ:GROUP:h", "DESCRIBE:TOPIC:__consumer_offsets"}
		q := regexBeat("b", "t.*")
		q.Group = "h"
		if got := assignmentOf(b.beat(q)); got != "9 [0]" {
			t.Fatalf("the second to ask is assigned %s, which is not what was remembered", got)
		}
		b.createTopic("tin", 4, 1)
		q.MemberID = "c"
		b.beat(q)
		if len(matches.found) != 2 {
			t.Fatalf("%d searches are remembered after a topic has come", len(matches.found))
		}
	})
}

func TestSearchesThatAreRememberedAreBounded(t *testing.T) {
	m, err := NewTopicMatches()
	if err != nil {
		t.Fatal(err)
	}
	image := meta.NewImage()
	for i := range 5 * maxMatchBytes / maxRegexBytes / 4 {
		pattern := fmt.Sprintf("%d[%s]", i, strings.Repeat("x", maxRegexBytes-10))
		if _, err := m.match(image, pattern, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	kept := int64(0)
	for s, known := range m.found {
		kept += s.size(known.names)
	}
	if kept > maxMatchBytes || kept != m.order.Weight() {
		t.Fatalf("%d bytes are kept, counted as %d", kept, m.order.Weight())
	}
}

// askedGroups notes which groups' coordinators are asked.
type askedGroups struct {
	GroupCoordinator
	asked []string
}

func (a *askedGroups) SendGroup(ctx context.Context, id string, q group.Request) waiting {
	a.asked = append(a.asked, id)
	return a.GroupCoordinator.SendGroup(ctx, id, q)
}

func TestAStrangersDescriptionIsNotMade(t *testing.T) {
	withConsumers(t, func(t *testing.T, b *groupBroker) {
		wantCode(t, "join", b.beat(firstBeat("m", "t")).ErrorCode, wire.None)
		coordinator := &askedGroups{GroupCoordinator: b.groups.Coordinator}
		b.groups.Coordinator = coordinator
		b.rules = groupGrants{"DESCRIBE:GROUP:h", "DESCRIBE:TOPIC:t"}
		q := kmsg.NewPtrConsumerGroupDescribeRequest()
		q.Version, q.Groups = 1, []string{"g", "h"}
		r := sendGroup[*kmsg.ConsumerGroupDescribeResponse](b, q)
		wantCode(t, "g", r.Groups[0].ErrorCode, wire.GroupAuthorizationFailed)
		wantCode(t, "h", r.Groups[1].ErrorCode, wire.GroupIDNotFound)
		if fmt.Sprint(coordinator.asked) != "[h]" {
			t.Fatalf("asked for %v", coordinator.asked)
		}
	})
}

func TestDueRegexesAreBounded(t *testing.T) {
	var due dueRegexes
	long := strings.Repeat("x", 4<<10)
	for i := range 2 * maxDueBytes / len(long) {
		of := dueMember{"g", fmt.Sprint(i)}
		due.put(of, []string{long, "y"})
		due.put(of, []string{long})
		kept := 0
		for of, patterns := range due.byMember {
			kept += of.size(patterns)
		}
		if kept != due.bytes || kept > maxDueBytes {
			t.Fatalf("%d bytes are kept, counted as %d", kept, due.bytes)
		}
		if i%3 == 0 && len(due.take(of)) != 1 {
			t.Fatal("what was put is not there")
		}
	}
}
