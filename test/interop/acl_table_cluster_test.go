//go:build interop

package interop

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// clusterCases are about brokers, replicas, and what the cluster can do.
func clusterCases() []tried {
	describe, alter := []string{"DESCRIBE cluster"}, []string{"ALTER cluster"}
	topics := []string{cashbook}
	return []tried{
		{name: "DescribeCluster", version: 2, request: func(*world) kmsg.Request { return &kmsg.DescribeClusterRequest{EndpointType: 1} }, also: describe},
		{name: "DescribeCluster with operations", version: 2, request: func(*world) kmsg.Request {
			return &kmsg.DescribeClusterRequest{EndpointType: 1, IncludeClusterAuthorizedOperations: true}
		}, needs: describe, also: []string{"ALTER cluster", "CREATE cluster", "ALL cluster", "ALL cluster, deny CLUSTER_ACTION cluster", "ALTER_CONFIGS cluster, DESCRIBE cluster"}},
		{name: "DescribeLogDirs", version: 4, request: func(*world) kmsg.Request {
			return &kmsg.DescribeLogDirsRequest{Topics: []kmsg.DescribeLogDirsRequestTopic{{Topic: cashbook, Partitions: []int32{0}}}}
		}, needs: describe, also: []string{"DESCRIBE topic cashbook", "ALTER cluster"}},
		{name: "AlterReplicaLogDirs", version: 2, request: func(*world) kmsg.Request {
			return &kmsg.AlterReplicaLogDirsRequest{Dirs: []kmsg.AlterReplicaLogDirsRequestDir{{
				Dir: "/elsewhere", Topics: []kmsg.AlterReplicaLogDirsRequestDirTopic{{Topic: cashbook, Partitions: []int32{0}}},
			}}}
		}, needs: alter, also: []string{"ALTER topic cashbook", "DESCRIBE cluster"}},
		{name: "UpdateFeatures", version: 2, request: func(*world) kmsg.Request {
			return &kmsg.UpdateFeaturesRequest{TimeoutMillis: 30_000, ValidateOnly: true, FeatureUpdates: []kmsg.UpdateFeaturesRequestFeatureUpdate{
				{Feature: "transaction.version", MaxVersionLevel: 2, UpgradeType: 1},
			}}
		}, needs: alter, also: describe},
		{name: "ElectLeaders", version: 2, request: func(*world) kmsg.Request {
			return &kmsg.ElectLeadersRequest{TimeoutMillis: 30_000, Topics: []kmsg.ElectLeadersRequestTopic{{Topic: cashbook, Partitions: []int32{0}}}}
		}, needs: alter, also: []string{"ALTER topic cashbook", "DESCRIBE cluster"}},
		{name: "AlterPartitionReassignments", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.AlterPartitionAssignmentsRequest{TimeoutMillis: 30_000, Topics: []kmsg.AlterPartitionAssignmentsRequestTopic{{
				Topic: cashbook, Partitions: []kmsg.AlterPartitionAssignmentsRequestTopicPartition{{}},
			}}}
		}, needs: alter, also: []string{"ALTER topic cashbook", "DESCRIBE cluster"}},
		{name: "ListPartitionReassignments", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.ListPartitionReassignmentsRequest{TimeoutMillis: 30_000, Topics: []kmsg.ListPartitionReassignmentsRequestTopic{{Topic: cashbook, Partitions: []int32{0}}}}
		}, needs: describe, also: []string{"ALTER cluster", "DESCRIBE topic cashbook"}},
		{name: "DescribeQuorum", version: 1, request: func(*world) kmsg.Request {
			return &kmsg.DescribeQuorumRequest{Topics: []kmsg.DescribeQuorumRequestTopic{{Topic: "__cluster_metadata", Partitions: []kmsg.DescribeQuorumRequestTopicPartition{{}}}}}
		}, needs: describe, also: []string{"ALTER cluster", "CLUSTER_ACTION cluster"}},
		{name: "UnregisterBroker", version: 0, request: func(*world) kmsg.Request { return &kmsg.UnregisterBrokerRequest{BrokerID: 99} }, needs: alter, also: describe},
		{name: "AddRaftVoter", version: 1, request: func(*world) kmsg.Request {
			return &kmsg.AddRaftVoterRequest{ClusterID: kmsg.StringPtr("another"), TimeoutMillis: 30_000, VoterID: 99, VoterDirectoryID: unknownID}
		}, needs: alter, also: describe},
		{name: "RemoveRaftVoter", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.RemoveRaftVoterRequest{ClusterID: kmsg.StringPtr("another"), VoterID: 99, VoterDirectoryID: unknownID}
		}, needs: alter, also: describe},
		{
			name: "StreamsGroupDescribe", version: 0, request: func(*world) kmsg.Request { return &kmsg.StreamsGroupDescribeRequest{Groups: []string{"streamers"}} },
			needs: []string{"DESCRIBE group streamers"}, also: []string{"READ group streamers"},
		},
		{
			name: "StreamsGroupHeartbeat", version: 0, request: func(*world) kmsg.Request { return streamsBeat(topics) },
			needs: []string{"READ group streamers", "DESCRIBE topic cashbook"}, also: []string{"DESCRIBE group streamers"},
		},
	}
}

// streamsBeat is a first heartbeat of an application that reads topics.
func streamsBeat(topics []string) kmsg.Request {
	q := kmsg.NewPtrStreamsGroupHeartbeatRequest()
	q.Group, q.MemberID, q.RebalanceTimeoutMillis, q.ProcessID = "streamers", "AQAAAAAAAAAAAAAAAAAAAQ", 10_000, kmsg.StringPtr("p")
	subtopology := kmsg.NewStreamsGroupHeartbeatRequestTopologySubtopology()
	subtopology.SubtopologyID, subtopology.SourceTopics = "0", topics
	q.Topology = &kmsg.StreamsGroupHeartbeatRequestTopology{Subtopologies: []kmsg.StreamsGroupHeartbeatRequestTopologySubtopology{subtopology}}
	q.ActiveTasks, q.StandbyTasks, q.WarmupTasks = []kmsg.TaskIDs{}, []kmsg.TaskIDs{}, []kmsg.TaskIDs{}
	return q
}

// shareCases are about share groups.
func shareCases() []tried {
	const read, describe = "READ group sharers", "DESCRIBE group sharers"
	return []tried{
		{name: "ShareGroupHeartbeat", version: 1, request: func(*world) kmsg.Request {
			return &kmsg.ShareGroupHeartbeatRequest{GroupID: "sharers", MemberID: "AQAAAAAAAAAAAAAAAAAAAQ", SubscribedTopicNames: []string{cashbook}}
		}, needs: []string{read, "DESCRIBE topic cashbook"}, also: []string{describe + ", DESCRIBE topic cashbook"}},
		{
			name: "ShareGroupDescribe", version: 1, request: func(*world) kmsg.Request { return &kmsg.ShareGroupDescribeRequest{GroupIDs: []string{"nobody-shares"}} },
			needs: []string{"DESCRIBE group nobody-shares"}, also: []string{"READ group nobody-shares"},
		},
		{name: "ShareFetch", version: 1, request: func(w *world) kmsg.Request {
			return &kmsg.ShareFetchRequest{
				GroupID: kmsg.StringPtr("no-sharers"), MemberID: kmsg.StringPtr("AQAAAAAAAAAAAAAAAAAAAQ"), MaxBytes: 1 << 20, MaxRecords: 10, BatchSize: 10,
				Topics: []kmsg.ShareFetchRequestTopic{{TopicID: w.ids[cashbook], Partitions: []kmsg.ShareFetchRequestTopicPartition{{}}}},
			}
		}, needs: []string{"READ group no-sharers", "READ topic cashbook"}, also: []string{"READ group no-sharers, DESCRIBE topic cashbook"}},
		{name: "ShareAcknowledge", version: 1, request: func(w *world) kmsg.Request {
			return &kmsg.ShareAcknowledgeRequest{
				GroupID: kmsg.StringPtr("no-sharers"), MemberID: kmsg.StringPtr("AQAAAAAAAAAAAAAAAAAAAQ"), ShareSessionEpoch: 1,
				Topics: []kmsg.ShareAcknowledgeRequestTopic{{TopicID: w.ids[cashbook], Partitions: []kmsg.ShareAcknowledgeRequestTopicPartition{{}}}},
			}
		}, needs: []string{"READ group no-sharers", "READ topic cashbook"}, also: []string{"DESCRIBE group no-sharers, READ topic cashbook"}},
		{name: "DescribeShareGroupOffsets", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.DescribeShareGroupOffsetsRequest{Groups: []kmsg.DescribeShareGroupOffsetsRequestGroup{{
				GroupID: "no-sharers", Topics: []kmsg.DescribeShareGroupOffsetsRequestGroupTopic{{Topic: cashbook, Partitions: []int32{0}}},
			}}}
		}, needs: []string{"DESCRIBE group no-sharers", "DESCRIBE topic cashbook"}},
		{name: "AlterShareGroupOffsets", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.AlterShareGroupOffsetsRequest{GroupID: "no-sharers", Topics: []kmsg.AlterShareGroupOffsetsRequestTopic{{
				Topic: cashbook, Partitions: []kmsg.AlterShareGroupOffsetsRequestTopicPartition{{}},
			}}}
		}, needs: []string{"READ group no-sharers", "READ topic cashbook"}},
		{name: "DeleteShareGroupOffsets", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.DeleteShareGroupOffsetsRequest{GroupID: "no-sharers", Topics: []kmsg.DeleteShareGroupOffsetsRequestTopic{{Topic: cashbook}}}
		}, needs: []string{"DELETE group no-sharers", "READ topic cashbook"}},
	}
}
