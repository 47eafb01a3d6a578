//go:build interop

package interop

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactionCases are about transactions and idempotent producers.
func transactionCases() []tried {
	write, describe := []string{"WRITE transaction wires"}, []string{"DESCRIBE transaction wires"}
	return []tried{
		{
			name: "InitProducerId of an idempotent producer", version: 5, request: func(*world) kmsg.Request { return initOf(nil) },
			needs: []string{"IDEMPOTENT_WRITE cluster"},
			also: []string{
				"WRITE topic cashbook", "WRITE topic cash*", "WRITE topic *", "READ topic cashbook", "ALL topic cashbook", "WRITE cluster", "ALL cluster",
				"WRITE topic cashbook, deny WRITE topic cashbook", "WRITE topic cashbook, deny WRITE topic cash*", "WRITE topic cashbook, deny WRITE topic *",
				"WRITE topic cash*, deny WRITE topic cashbook", "WRITE topic cashbook, deny IDEMPOTENT_WRITE cluster", "WRITE topic *, deny ALL topic cashbook",
				"WRITE topic cashbook from 192.0.2.1", "WRITE transaction wires",
			},
		},
		{
			name: "InitProducerId of a transactional id", version: 5, request: func(*world) kmsg.Request { return initOf(kmsg.StringPtr("transfers")) },
			needs: []string{"WRITE transaction transfers"},
			also:  []string{"DESCRIBE transaction transfers", "IDEMPOTENT_WRITE cluster", "WRITE topic cashbook", "WRITE transaction trans*", "TWO_PHASE_COMMIT transaction transfers"},
		},
		{
			name: "AddPartitionsToTxn", version: 3, request: func(w *world) kmsg.Request { return w.addPartitionsOf(wires, cashbook) },
			needs: []string{write[0], "WRITE topic cashbook"}, also: []string{"DESCRIBE transaction wires, WRITE topic cashbook", "WRITE transaction wires, DESCRIBE topic cashbook", "CLUSTER_ACTION cluster"},
		},
		{
			name: "AddPartitionsToTxn of two topics", version: 3, request: func(w *world) kmsg.Request { return w.addPartitionsOf(wires, cashbook, vault) },
			needs: []string{write[0], "WRITE topic cashbook"},
		},
		{
			name: "AddPartitionsToTxn of what is not there", version: 3, request: func(w *world) kmsg.Request { return w.addPartitionsOf(wires, cashbook, "nowhere") },
			needs: []string{write[0], "WRITE topic cashbook", "WRITE topic nowhere"},
		},
		{name: "AddPartitionsToTxn of a broker", version: 5, request: func(w *world) kmsg.Request {
			of := w.producers[wires]
			return &kmsg.AddPartitionsToTxnRequest{Transactions: []kmsg.AddPartitionsToTxnRequestTransaction{{
				TransactionalID: wires, ProducerID: of.id, ProducerEpoch: of.epoch, VerifyOnly: true,
				Topics: []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: cashbook, Partitions: []int32{0}}},
			}}}
		}, needs: []string{"CLUSTER_ACTION cluster"}, also: []string{"WRITE transaction wires, WRITE topic cashbook"}},
		{name: "AddOffsetsToTxn", version: 3, request: func(w *world) kmsg.Request {
			of := w.producers[wires]
			return &kmsg.AddOffsetsToTxnRequest{TransactionalID: wires, ProducerID: of.id, ProducerEpoch: of.epoch, Group: tellers}
		}, needs: []string{write[0], "READ group tellers"}, also: []string{"WRITE transaction wires, DESCRIBE group tellers", "DESCRIBE transaction wires, READ group tellers"}},
		{
			name: "TxnOffsetCommit", version: 4, request: func(w *world) kmsg.Request { return w.txnCommitOf(wires, tellers, cashbook, vault) },
			needs: []string{write[0], "READ group tellers", "READ topic cashbook"}, also: []string{"WRITE transaction wires, READ group tellers, DESCRIBE topic cashbook"},
		},
		{
			name: "TxnOffsetCommit of what is not there", version: 4, request: func(w *world) kmsg.Request { return w.txnCommitOf(wires, tellers, "nowhere") },
			needs: []string{write[0], "READ group tellers", "READ topic nowhere"},
		},
		{name: "EndTxn", version: 3, request: func(*world) kmsg.Request {
			return &kmsg.EndTxnRequest{TransactionalID: wires, ProducerID: 1 << 40, Commit: true} // no producer's: the transaction stays open
		}, needs: write, also: describe},
		{
			name: "WriteTxnMarkers", version: 1, request: func(*world) kmsg.Request {
				return &kmsg.WriteTxnMarkersRequest{Markers: []kmsg.WriteTxnMarkersRequestMarker{{
					ProducerID: 1 << 41, Topics: []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: cashbook, Partitions: []int32{0}}},
				}}}
			}, needs: []string{"CLUSTER_ACTION cluster"},
			also: []string{"ALTER cluster", "ALTER cluster, deny CLUSTER_ACTION cluster", "CLUSTER_ACTION cluster, deny ALTER cluster", "WRITE topic cashbook, WRITE transaction wires"},
		},
		{
			name: "DescribeTransactions", version: 0, request: func(*world) kmsg.Request {
				return &kmsg.DescribeTransactionsRequest{TransactionalIDs: []string{wires, salaries}}
			},
			needs: []string{describe[0], "DESCRIBE topic cashbook"}, also: []string{write[0], "DESCRIBE cluster"},
		},
		{
			name: "DescribeTransactions of what is not there", version: 0, request: func(*world) kmsg.Request {
				return &kmsg.DescribeTransactionsRequest{TransactionalIDs: []string{"nowhere"}}
			},
			needs: []string{"DESCRIBE transaction nowhere"},
		},
		{
			name: "ListTransactions", version: 1, request: func(*world) kmsg.Request { return &kmsg.ListTransactionsRequest{DurationFilterMillis: -1} }, needs: describe,
			also: []string{write[0], "DESCRIBE cluster", "DESCRIBE transaction *, deny DESCRIBE transaction salaries"},
		},
	}
}

func initOf(id *string) kmsg.Request {
	return &kmsg.InitProducerIDRequest{TransactionalID: id, TransactionTimeoutMillis: 60_000, ProducerID: -1, ProducerEpoch: -1}
}

func (w *world) addPartitionsOf(id string, topics ...string) kmsg.Request {
	of := w.producers[id]
	q := &kmsg.AddPartitionsToTxnRequest{TransactionalID: id, ProducerID: of.id, ProducerEpoch: of.epoch}
	for _, name := range topics {
		q.Topics = append(q.Topics, kmsg.AddPartitionsToTxnRequestTopic{Topic: name, Partitions: []int32{0}})
	}
	return q
}

func (w *world) txnCommitOf(id, group string, topics ...string) kmsg.Request {
	of := w.producers[id]
	q := &kmsg.TxnOffsetCommitRequest{TransactionalID: id, ProducerID: of.id, ProducerEpoch: of.epoch, Group: group, Generation: -1}
	for _, name := range topics {
		q.Topics = append(q.Topics, kmsg.TxnOffsetCommitRequestTopic{Topic: name, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{LeaderEpoch: -1}}})
	}
	return q
}
