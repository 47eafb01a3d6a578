//go:build interop

package interop

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// groupCases are about groups and committed offsets.
func groupCases() []tried {
	readGroup, describeGroup := "READ group tellers", "DESCRIBE group tellers"
	return []tried{
		{
			name: "OffsetCommit by name", version: 9, request: func(*world) kmsg.Request { return commitOf(tellers, cashbook, vault) },
			needs: []string{readGroup, "READ topic cashbook"}, also: []string{describeGroup + ", READ topic cashbook", readGroup + ", DESCRIBE topic cashbook"},
		},
		{
			name: "OffsetCommit by id", version: 10, request: func(w *world) kmsg.Request { return commitByID(tellers, w.ids[cashbook], w.ids[vault]) },
			needs: []string{readGroup, "READ topic cashbook"}, also: []string{readGroup + ", DESCRIBE topic cashbook"},
		},
		{
			name: "OffsetCommit by an unknown id", version: 10, request: func(*world) kmsg.Request { return commitByID(tellers, unknownID) },
			needs: []string{readGroup, "READ topic cashbook"},
		},
		{
			name: "OffsetCommit of what is not there", version: 9, request: func(*world) kmsg.Request { return commitOf(tellers, "nowhere") },
			needs: []string{readGroup, "READ topic nowhere"},
		},
		{
			name: "OffsetFetch by name", version: 9, request: func(*world) kmsg.Request { return offsetsOf(tellers, cashbook, vault) },
			needs: []string{describeGroup, "DESCRIBE topic cashbook"}, also: []string{"READ group tellers, READ topic cashbook"},
		},
		{
			name: "OffsetFetch by id", version: 10, request: func(w *world) kmsg.Request { return offsetsByID(tellers, w.ids[cashbook], w.ids[vault]) },
			needs: []string{describeGroup, "DESCRIBE topic cashbook"},
		},
		{
			name: "OffsetFetch by an unknown id", version: 10, request: func(*world) kmsg.Request { return offsetsByID(tellers, unknownID) },
			needs: []string{describeGroup, "DESCRIBE topic cashbook"},
		},
		{
			name: "OffsetFetch of what is not there", version: 9, request: func(*world) kmsg.Request { return offsetsOf(tellers, "nowhere") },
			needs: []string{describeGroup, "DESCRIBE topic nowhere"},
		},
		{
			name: "OffsetFetch of all topics", version: 9, request: func(*world) kmsg.Request { return allOffsetsOf(tellers) },
			needs: []string{describeGroup, "DESCRIBE topic cashbook"},
		},
		{
			name: "OffsetFetch of all topics by id", version: 10, request: func(*world) kmsg.Request { return allOffsetsOf(tellers) },
			needs: []string{describeGroup, "DESCRIBE topic cashbook"},
		},
		{
			name: "OffsetFetch of two groups", version: 9, request: func(*world) kmsg.Request { return allOffsetsOf(tellers, auditors) },
			needs: []string{describeGroup, "DESCRIBE topic cashbook"},
		},
		{name: "OffsetFetch, as of old", version: 7, request: func(*world) kmsg.Request {
			return &kmsg.OffsetFetchRequest{Group: tellers, Topics: []kmsg.OffsetFetchRequestTopic{{Topic: cashbook, Partitions: []int32{0}}, {Topic: vault, Partitions: []int32{0}}}}
		}, needs: []string{describeGroup, "DESCRIBE topic cashbook"}},
		{
			name: "FindCoordinator of groups", version: 4, request: func(*world) kmsg.Request { return coordinatorsOf(0, tellers, auditors) },
			needs: []string{describeGroup}, also: []string{readGroup, "DELETE group tellers", "DESCRIBE cluster"},
		},
		{
			name: "FindCoordinator of a group, as of old", version: 3, request: func(*world) kmsg.Request { return &kmsg.FindCoordinatorRequest{CoordinatorKey: tellers} },
			needs: []string{describeGroup},
		},
		{
			name: "FindCoordinator of transactional ids", version: 4, request: func(*world) kmsg.Request { return coordinatorsOf(1, wires, salaries) },
			needs: []string{"DESCRIBE transaction wires"}, also: []string{"WRITE transaction wires"},
		},
		{
			name: "FindCoordinator of a share group", version: 6, request: func(*world) kmsg.Request { return coordinatorsOf(2, "sharers:AQAAAAAAAAAAAAAAAAAAAQ:0") },
			needs: []string{"CLUSTER_ACTION cluster"}, also: []string{"READ group sharers"},
		},
		{
			name: "DescribeGroups", version: 5, request: func(*world) kmsg.Request { return &kmsg.DescribeGroupsRequest{Groups: []string{tellers, auditors}} },
			needs: []string{describeGroup}, also: []string{readGroup, "DESCRIBE cluster"},
		},
		{name: "DescribeGroups with operations", version: 5, request: func(*world) kmsg.Request {
			return &kmsg.DescribeGroupsRequest{Groups: []string{tellers}, IncludeAuthorizedOperations: true}
		}, needs: []string{describeGroup}, also: []string{"ALL group tellers", "ALL group tell*, deny DELETE group tellers", "READ group *, ALTER_CONFIGS group tellers"}},
		{
			name: "ListGroups", version: 5, request: func(*world) kmsg.Request { return &kmsg.ListGroupsRequest{} }, needs: []string{describeGroup},
			also: []string{readGroup, "DESCRIBE cluster", "DESCRIBE cluster, deny DESCRIBE group tellers", "DESCRIBE group tellers, deny DESCRIBE cluster", "ALTER cluster", "DESCRIBE topic cashbook"},
		},
		{
			name: "DeleteGroups", version: 2, request: func(*world) kmsg.Request { return &kmsg.DeleteGroupsRequest{Groups: []string{"leavers", auditors}} },
			needs: []string{"DELETE group leavers"}, before: committed("leavers"), also: []string{"DESCRIBE group leavers", "READ group leavers"},
		},
		{
			name: "OffsetDelete", version: 0, request: func(*world) kmsg.Request { return offsetDeleteOf("leavers", cashbook, vault) },
			needs: []string{"DELETE group leavers", "READ topic cashbook"}, before: committed("leavers"), also: []string{"DELETE group leavers, DESCRIBE topic cashbook", "READ group leavers, READ topic cashbook"},
		},
		{
			name: "OffsetDelete of what is not there", version: 0, request: func(*world) kmsg.Request { return offsetDeleteOf("leavers", "nowhere") },
			needs: []string{"DELETE group leavers", "READ topic nowhere"}, before: committed("leavers"),
		},
	}
}

// committed makes the group that a request is about.
func committed(group string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		w.commit(t, group)
	}
}

// commitOf commits from outside the group.
func commitOf(group string, topics ...string) *kmsg.OffsetCommitRequest {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Group, q.Generation = group, -1
	for _, name := range topics {
		q.Topics = append(q.Topics, kmsg.OffsetCommitRequestTopic{Topic: name, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{LeaderEpoch: -1}}})
	}
	return q
}

func commitByID(group string, ids ...[16]byte) *kmsg.OffsetCommitRequest {
	q := commitOf(group, make([]string, len(ids))...)
	for i, id := range ids {
		q.Topics[i].TopicID = id
	}
	return q
}

func offsetsOf(group string, topics ...string) *kmsg.OffsetFetchRequest {
	q := allOffsetsOf(group)
	for _, name := range topics {
		q.Groups[0].Topics = append(q.Groups[0].Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: name, Partitions: []int32{0}})
	}
	return q
}

func offsetsByID(group string, ids ...[16]byte) *kmsg.OffsetFetchRequest {
	q := offsetsOf(group, make([]string, len(ids))...)
	for i, id := range ids {
		q.Groups[0].Topics[i].TopicID = id
	}
	return q
}

func allOffsetsOf(groups ...string) *kmsg.OffsetFetchRequest {
	q := &kmsg.OffsetFetchRequest{}
	for _, group := range groups {
		q.Groups = append(q.Groups, kmsg.OffsetFetchRequestGroup{Group: group, MemberEpoch: -1})
	}
	return q
}

func coordinatorsOf(kind int8, keys ...string) kmsg.Request {
	return &kmsg.FindCoordinatorRequest{CoordinatorType: kind, CoordinatorKeys: keys}
}

func offsetDeleteOf(group string, topics ...string) kmsg.Request {
	q := &kmsg.OffsetDeleteRequest{Group: group}
	for _, name := range topics {
		q.Topics = append(q.Topics, kmsg.OffsetDeleteRequestTopic{Topic: name, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}})
	}
	return q
}

// memberCases are what members of groups send.
func memberCases() []tried {
	read := []string{"READ group joiners"}
	also := []string{"DESCRIBE group joiners", "DELETE group joiners", "READ group join*", "ALL cluster"}
	return []tried{
		{name: "JoinGroup", version: 9, request: func(*world) kmsg.Request {
			return &kmsg.JoinGroupRequest{
				Group: "joiners", SessionTimeoutMillis: 10_000, RebalanceTimeoutMillis: 10_000, ProtocolType: "consumer",
				Protocols: []kmsg.JoinGroupRequestProtocol{{Name: "range"}},
			}
		}, needs: read, also: also},
		{name: "SyncGroup", version: 5, request: func(*world) kmsg.Request { return syncOf("joiners") }, needs: read, also: also},
		{name: "Heartbeat", version: 4, request: func(*world) kmsg.Request { return &kmsg.HeartbeatRequest{Group: "joiners", MemberID: "m"} }, needs: read, also: also},
		{name: "LeaveGroup", version: 5, request: func(*world) kmsg.Request {
			return &kmsg.LeaveGroupRequest{Group: "joiners", Members: []kmsg.LeaveGroupRequestMember{{MemberID: "m"}}}
		}, needs: read, also: also},
		{
			name: "ConsumerGroupHeartbeat", version: 1, request: func(*world) kmsg.Request { return beatOf("moderns", "member-of-the-table", cashbook) },
			needs: []string{"READ group moderns", "DESCRIBE topic cashbook"}, also: []string{"DESCRIBE group moderns, DESCRIBE topic cashbook"},
		},
		{
			name: "ConsumerGroupHeartbeat of two topics", version: 1, request: func(*world) kmsg.Request { return beatOf("moderns", "member-of-the-table", cashbook, vault) },
			needs: []string{"READ group moderns", "DESCRIBE topic cashbook"},
		},
		{name: "ConsumerGroupHeartbeat of a pattern", version: 1, request: func(*world) kmsg.Request {
			q := beatOf("regulars", "member-of-the-table")
			q.SubscribedTopicRegex = kmsg.StringPtr("l.*|v.*")
			return q
		}, needs: []string{"READ group regulars"}, also: []string{"DESCRIBE group regulars"}},
		{
			name: "ConsumerGroupDescribe", version: 1, request: func(*world) kmsg.Request { return &kmsg.ConsumerGroupDescribeRequest{Groups: []string{"watched"}} },
			needs: []string{"DESCRIBE group watched", "DESCRIBE topic cashbook"}, before: beating("watched", cashbook), also: []string{"READ group watched, READ topic cashbook", "DESCRIBE cluster"},
		},
		{
			name: "ConsumerGroupDescribe of two topics", version: 1, request: func(*world) kmsg.Request {
				return &kmsg.ConsumerGroupDescribeRequest{Groups: []string{"watched-twice"}}
			},
			needs: []string{"DESCRIBE group watched-twice", "DESCRIBE topic cashbook", "DESCRIBE topic vault"}, before: beating("watched-twice", cashbook, vault),
		},
		{name: "ConsumerGroupDescribe with operations", version: 1, request: func(*world) kmsg.Request {
			return &kmsg.ConsumerGroupDescribeRequest{Groups: []string{"watched"}, IncludeAuthorizedOperations: true}
		}, needs: []string{"DESCRIBE group watched", "DESCRIBE topic cashbook"}, before: beating("watched", cashbook), also: []string{"ALL group watched, DESCRIBE topic cashbook"}},
	}
}

func syncOf(group string) kmsg.Request {
	return &kmsg.SyncGroupRequest{Group: group, MemberID: "m", ProtocolType: kmsg.StringPtr("consumer"), Protocol: kmsg.StringPtr("range")}
}

// beatOf is a first heartbeat of a member of the consumer protocol.
func beatOf(group, member string, topics ...string) *kmsg.ConsumerGroupHeartbeatRequest {
	return &kmsg.ConsumerGroupHeartbeatRequest{
		Group: group, MemberID: member, RebalanceTimeoutMillis: 10_000, SubscribedTopicNames: topics, Topics: []kmsg.ConsumerGroupHeartbeatRequestTopic{},
	}
}

// beating keeps a member in the group that a request describes.
func beating(group string, topics ...string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		w.findCoordinator(t, 0, group)
		if code := bySuper[*kmsg.ConsumerGroupHeartbeatResponse](t, w, beatOf(group, "watched-member", topics...), 1).ErrorCode; code != wire.None {
			t.Fatalf("the member of %s: %s", group, wire.CodeName(code))
		}
	}
}
