//go:build interop

package interop

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadataCases describe topics.
func metadataCases() []tried {
	describe := []string{"DESCRIBE topic cashbook"}
	return []tried{
		{
			name: "Metadata by name", version: 12, request: func(*world) kmsg.Request { return metadataOf(cashbook, vault) }, needs: describe,
			also: []string{"READ topic cashbook", "DESCRIBE topic cash*", "DESCRIBE cluster", "READ topic cashbook, deny DESCRIBE topic cashbook"},
		},
		{
			name: "Metadata by id", version: 12, request: func(w *world) kmsg.Request { return metadataByID(w.ids[cashbook], w.ids[vault]) }, needs: describe,
			also: []string{"READ topic cashbook"},
		},
		{name: "Metadata by an unknown id", version: 12, request: func(*world) kmsg.Request { return metadataByID(unknownID) }, needs: describe},
		{
			name: "Metadata of what is not there", version: 12, request: func(*world) kmsg.Request { return metadataOf("nowhere") },
			needs: []string{"DESCRIBE topic nowhere"},
		},
		{
			name: "Metadata of all", version: 12, request: func(*world) kmsg.Request { return &kmsg.MetadataRequest{} }, needs: describe,
			also: []string{"READ topic cashbook", "DESCRIBE cluster", "DESCRIBE topic *, deny DESCRIBE topic _*, deny ALL topic vault"},
		},
		{name: "Metadata with operations", version: 12, request: func(*world) kmsg.Request {
			q := metadataOf(cashbook, vault)
			q.IncludeTopicAuthorizedOperations = true
			return q
		}, needs: describe, also: []string{"ALL topic cashbook", "READ topic cashbook, ALTER_CONFIGS topic cash*", "ALL topic cashbook, deny DELETE topic cash*"}},
		{
			name: "Metadata with operations of the cluster", version: 10, request: func(*world) kmsg.Request {
				q := metadataOf(cashbook)
				q.IncludeClusterAuthorizedOperations = true
				return q
			}, needs: []string{"DESCRIBE topic cashbook", "DESCRIBE cluster"},
			also: []string{"ALTER cluster", "CREATE cluster", "ALL cluster, deny ALTER cluster"},
		},
		{
			name: "Metadata creates a topic by a right on it", version: 12, request: func(*world) kmsg.Request { return autoCreate("made-by-topic") },
			needs: []string{"DESCRIBE topic made-by-topic", "CREATE topic made-by-topic"}, also: []string{"CREATE cluster"},
		},
		{
			name: "Metadata creates a topic by a right on the cluster", version: 12, request: func(*world) kmsg.Request { return autoCreate("made-by-cluster") },
			needs: []string{"DESCRIBE topic made-by-cluster", "CREATE cluster"},
		},
		{name: "DescribeTopicPartitions", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10, Topics: []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: cashbook}, {Topic: vault}}}
		}, needs: describe, also: []string{"ALL topic cashbook", "READ topic cashbook", "DESCRIBE cluster"}},
		{name: "DescribeTopicPartitions of all", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.DescribeTopicPartitionsRequest{ResponsePartitionLimit: 10}
		}, needs: describe},
	}
}

func metadataOf(names ...string) *kmsg.MetadataRequest {
	q := &kmsg.MetadataRequest{}
	for _, name := range names {
		q.Topics = append(q.Topics, kmsg.MetadataRequestTopic{Topic: &name})
	}
	return q
}

func metadataByID(ids ...[16]byte) *kmsg.MetadataRequest {
	q := &kmsg.MetadataRequest{}
	for _, id := range ids {
		q.Topics = append(q.Topics, kmsg.MetadataRequestTopic{TopicID: id})
	}
	return q
}

func autoCreate(name string) kmsg.Request {
	q := metadataOf(name)
	q.AllowAutoTopicCreation = true
	return q
}

// topicCases create, change and delete topics.
func topicCases() []tried {
	return []tried{
		{
			name: "CreateTopics", version: 7, request: func(*world) kmsg.Request { return createTopicsOf("newcomer") }, needs: []string{"CREATE topic newcomer"},
			also: []string{
				"CREATE cluster", "CREATE topic new*", "CREATE cluster, deny CREATE topic newcomer", "CREATE topic newcomer, deny CREATE cluster",
				"CREATE cluster, DESCRIBE_CONFIGS topic newcomer", "ALTER topic newcomer", "CREATE topic newcomer, DESCRIBE_CONFIGS topic newcomer",
			},
		},
		{
			name: "CreateTopics of two", version: 7, request: func(*world) kmsg.Request { return createTopicsOf("newcomer", "stranger") },
			needs: []string{"CREATE topic newcomer"},
		},
		{
			name: "CreateTopics of what is there", version: 7, request: func(*world) kmsg.Request { return createTopicsOf(cashbook) },
			needs: []string{"CREATE topic cashbook"}, also: []string{"DESCRIBE topic cashbook"},
		},
		{
			name: "CreatePartitions", version: 3, request: func(*world) kmsg.Request { return createPartitionsOf(cashbook, vault) },
			needs: []string{"ALTER topic cashbook"}, also: []string{"DESCRIBE topic cashbook", "ALTER cluster"},
		},
		{
			name: "CreatePartitions of what is not there", version: 3, request: func(*world) kmsg.Request { return createPartitionsOf("nowhere") },
			needs: []string{"ALTER topic nowhere"},
		},
		{
			name: "DeleteTopics by name", version: 6, request: func(*world) kmsg.Request {
				return &kmsg.DeleteTopicsRequest{TimeoutMillis: 30_000, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("doomed")}, {Topic: kmsg.StringPtr(vault)}}}
			}, needs: []string{"DELETE topic doomed"}, before: doomed("doomed"),
			also: []string{"DESCRIBE topic doomed", "ALTER cluster", "DELETE topic doomed, deny DESCRIBE topic doomed"},
		},
		{name: "DeleteTopics by name, as of old", version: 5, request: func(*world) kmsg.Request {
			return &kmsg.DeleteTopicsRequest{TimeoutMillis: 30_000, TopicNames: []string{"doomed", vault}}
		}, needs: []string{"DELETE topic doomed"}, before: doomed("doomed"), also: []string{"DESCRIBE topic doomed"}},
		{
			name: "DeleteTopics by id", version: 6, request: func(w *world) kmsg.Request {
				return &kmsg.DeleteTopicsRequest{TimeoutMillis: 30_000, Topics: []kmsg.DeleteTopicsRequestTopic{{TopicID: w.ids[doomedByID]}, {TopicID: w.ids[vault]}}}
			}, needs: []string{"DELETE topic doomed-by-id"}, before: doomed(doomedByID),
			also: []string{"DESCRIBE topic doomed-by-id", "DESCRIBE topic vault", "DELETE topic doomed-by-id, deny DESCRIBE topic doomed-by-id"},
		},
		{name: "DeleteTopics by an unknown id", version: 6, request: func(*world) kmsg.Request {
			return &kmsg.DeleteTopicsRequest{TimeoutMillis: 30_000, Topics: []kmsg.DeleteTopicsRequestTopic{{TopicID: unknownID}}}
		}, needs: []string{"DELETE topic cashbook"}},
		{name: "DeleteTopics of what is not there", version: 6, request: func(*world) kmsg.Request {
			return &kmsg.DeleteTopicsRequest{TimeoutMillis: 30_000, Topics: []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("nowhere")}}}
		}, needs: []string{"DELETE topic nowhere"}, also: []string{"DESCRIBE topic nowhere"}},
	}
}

// createTopicsOf only asks whether they could be created.
func createTopicsOf(names ...string) kmsg.Request {
	q := &kmsg.CreateTopicsRequest{TimeoutMillis: 30_000, ValidateOnly: true}
	for _, name := range names {
		q.Topics = append(q.Topics, kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: 1, ReplicationFactor: 1})
	}
	return q
}

func createPartitionsOf(names ...string) kmsg.Request {
	q := &kmsg.CreatePartitionsRequest{TimeoutMillis: 30_000, ValidateOnly: true}
	for _, name := range names {
		q.Topics = append(q.Topics, kmsg.CreatePartitionsRequestTopic{Topic: name, Count: 3})
	}
	return q
}

// doomed makes the topic that a request may delete.
func doomed(name string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		w.createTopic(t, name)
	}
}
