//go:build interop

package interop

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// aclTableCases are the requests of the table.
func aclTableCases() []tried {
	var out []tried
	for _, of := range [][]tried{
		recordCases(), metadataCases(), topicCases(), groupCases(), memberCases(), transactionCases(), ruleCases(), tokenCases(),
		configCases(), clusterCases(), shareCases(),
	} {
		out = append(out, of...)
	}
	return out
}

// recordCases write and read records.
func recordCases() []tried {
	write, read, describe := []string{"WRITE topic cashbook"}, []string{"READ topic cashbook"}, []string{"DESCRIBE topic cashbook"}
	return []tried{
		{
			name: "Produce by name", version: 12, request: func(w *world) kmsg.Request { return w.produceOf(oneRecord("x")) }, needs: write,
			also: []string{"WRITE topic cash*", "WRITE topic *", "WRITE topic *, deny WRITE topic cash*", "WRITE cluster", "ALL topic cashbook"},
		},
		{
			name: "Produce by id", version: 13, request: func(w *world) kmsg.Request { return w.produceOf(oneRecord("x")) }, needs: write,
			also: []string{"DESCRIBE topic cashbook"},
		},
		{name: "Produce by an unknown id", version: 13, request: func(w *world) kmsg.Request {
			q := w.produceOf(oneRecord("x"))
			q.Topics[0].TopicID = unknownID
			return q
		}, needs: write},
		{name: "Produce idempotently", version: 12, request: func(w *world) kmsg.Request {
			return w.produceOf(sequenced(oneRecord("x"), producer{id: 1 << 40}, false))
		}, needs: write, also: []string{"IDEMPOTENT_WRITE cluster"}},
		{name: "Produce in a transaction", version: 11, request: func(w *world) kmsg.Request {
			q := w.produceOf(sequenced(oneRecord("x"), w.producers[wires], true))
			q.TransactionID = kmsg.StringPtr(wires)
			return q
		}, needs: []string{"WRITE transaction wires", "WRITE topic cashbook"}, also: []string{"DESCRIBE transaction wires, WRITE topic cashbook"}},
		{name: "Produce to two topics", version: 12, request: func(w *world) kmsg.Request {
			q := w.produceOf(oneRecord("x"))
			q.Topics = append(q.Topics, kmsg.ProduceRequestTopic{Topic: vault, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: oneRecord("x")}}})
			return q
		}, needs: write},
		{name: "Produce to what is not there", version: 12, request: func(w *world) kmsg.Request {
			q := w.produceOf(oneRecord("x"))
			q.Topics[0].Topic = "nowhere"
			return q
		}, needs: []string{"WRITE topic nowhere"}},
		{
			name: "Fetch by name", version: 12, request: func(w *world) kmsg.Request { return w.tableFetch(cashbook) }, needs: read,
			also: []string{"DESCRIBE topic cashbook", "WRITE topic cashbook", "READ topic cash*", "READ topic *, deny ALL topic cash*", "CLUSTER_ACTION cluster"},
		},
		{
			name: "Fetch by id", version: 17, request: func(w *world) kmsg.Request { return w.tableFetch(cashbook) }, needs: read,
			also: []string{"DESCRIBE topic cashbook", "READ topic cashbook, deny DESCRIBE topic cashbook"},
		},
		{name: "Fetch of two topics by id", version: 17, request: func(w *world) kmsg.Request { return w.tableFetch(cashbook, vault) }, needs: read},
		{name: "Fetch by an unknown id", version: 17, request: func(w *world) kmsg.Request {
			q := w.tableFetch(cashbook)
			q.Topics[0].TopicID = unknownID
			return q
		}, needs: read},
		{name: "Fetch of what is not there", version: 12, request: func(w *world) kmsg.Request {
			q := w.tableFetch(cashbook)
			q.Topics[0].Topic = "nowhere"
			return q
		}, needs: []string{"READ topic nowhere"}},
		{name: "Fetch of a follower", version: 12, request: func(w *world) kmsg.Request {
			q := w.tableFetch(cashbook)
			q.ReplicaID = 7
			return q
		}, needs: []string{"CLUSTER_ACTION cluster"}, also: []string{"READ topic cashbook"}},
		{
			name: "ListOffsets", version: 9, request: func(*world) kmsg.Request { return listOffsetsOf(cashbook, vault) }, needs: describe,
			also: []string{"READ topic cashbook", "WRITE topic cashbook", "ALTER topic cashbook", "DELETE topic cashbook", "CREATE topic cashbook", "READ topic cashbook, deny DESCRIBE topic cashbook"},
		},
		{
			name: "ListOffsets of what is not there", version: 9, request: func(*world) kmsg.Request { return listOffsetsOf("nowhere") },
			needs: []string{"DESCRIBE topic nowhere"},
		},
		{
			name: "OffsetForLeaderEpoch", version: 4, request: func(*world) kmsg.Request { return epochOf(-2, cashbook, vault) }, needs: describe,
			also: []string{"READ topic cashbook", "CLUSTER_ACTION cluster"},
		},
		{
			name: "OffsetForLeaderEpoch of a follower", version: 4, request: func(*world) kmsg.Request { return epochOf(7, cashbook) },
			needs: []string{"CLUSTER_ACTION cluster"}, also: describe,
		},
		{
			name: "DeleteRecords", version: 2, request: func(*world) kmsg.Request { return deleteRecordsOf(cashbook, vault) }, needs: []string{"DELETE topic cashbook"},
			also: []string{"WRITE topic cashbook", "DESCRIBE topic cashbook", "ALTER cluster"},
		},
		{name: "DescribeProducers", version: 0, request: func(*world) kmsg.Request {
			return &kmsg.DescribeProducersRequest{Topics: []kmsg.DescribeProducersRequestTopic{{Topic: cashbook, Partitions: []int32{0}}, {Topic: vault, Partitions: []int32{0}}}}
		}, needs: read, also: []string{"DESCRIBE topic cashbook", "WRITE topic cashbook"}},
	}
}

// produceOf is a batch for the first topic.
func (w *world) produceOf(batch []byte) *kmsg.ProduceRequest {
	return &kmsg.ProduceRequest{Acks: -1, TimeoutMillis: 30_000, Topics: []kmsg.ProduceRequestTopic{{
		Topic: cashbook, TopicID: w.ids[cashbook], Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch}},
	}}}
}

// sequenced makes a batch the first of a producer.
func sequenced(batch []byte, of producer, transactional bool) []byte {
	if transactional {
		batch[attributesAt+1] |= 1 << 4
	}
	binary.BigEndian.PutUint64(batch[43:], uint64(of.id))
	binary.BigEndian.PutUint16(batch[51:], uint16(of.epoch))
	binary.BigEndian.PutUint32(batch[53:], 0)
	return signed(batch)
}

// tableFetch reads what is in topics, without a session.
func (w *world) tableFetch(names ...string) *kmsg.FetchRequest {
	q := fetchOf([16]byte{})
	q.SessionEpoch, q.MaxWaitMillis, q.MinBytes = -1, 0, 0
	like := q.Topics[0]
	q.Topics = nil
	for _, name := range names {
		topic := like
		topic.Topic, topic.TopicID = name, w.ids[name]
		q.Topics = append(q.Topics, topic)
	}
	return q
}

func listOffsetsOf(names ...string) *kmsg.ListOffsetsRequest {
	q := &kmsg.ListOffsetsRequest{ReplicaID: -1}
	for _, name := range names {
		q.Topics = append(q.Topics, kmsg.ListOffsetsRequestTopic{
			Topic: name, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{CurrentLeaderEpoch: -1, Timestamp: -1}},
		})
	}
	return q
}

func epochOf(replica int32, names ...string) *kmsg.OffsetForLeaderEpochRequest {
	q := &kmsg.OffsetForLeaderEpochRequest{ReplicaID: replica}
	for _, name := range names {
		q.Topics = append(q.Topics, kmsg.OffsetForLeaderEpochRequestTopic{
			Topic: name, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}},
		})
	}
	return q
}

func deleteRecordsOf(names ...string) *kmsg.DeleteRecordsRequest {
	q := &kmsg.DeleteRecordsRequest{TimeoutMillis: 30_000}
	for _, name := range names {
		q.Topics = append(q.Topics, kmsg.DeleteRecordsRequestTopic{Topic: name, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: 0}}})
	}
	return q
}
