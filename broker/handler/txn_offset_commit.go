package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// txnCommitLoads is the first version of TxnOffsetCommit that knows COORDINATOR_LOAD_IN_PROGRESS.
	txnCommitLoads = 2
	// txnCommitAbortable is the first one that knows TRANSACTION_ABORTABLE, txnCommitAdds the first whose client leaves it to the broker
	// to add the partition of the offsets to the transaction (KIP-890).
	txnCommitAbortable, txnCommitAdds = 4, 5
)

// txnOffsetCommit is API 28, versions 0-5: offsets that are committed with the transaction.
func (t *Transactions) txnOffsetCommit() api.Row {
	return api.Spec[*kmsg.TxnOffsetCommitRequest, []groupTopic]{
		Row: api.Row{Key: 28, Name: "TxnOffsetCommit", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: offsetFrame},
		Resolve: func(_ *api.Call, q *kmsg.TxnOffsetCommitRequest) []groupTopic {
			image := t.image()
			list := make([]groupTopic, 0, len(q.Topics))
			for i := range q.Topics {
				list = append(list, findTopic(image, false, q.Topics[i].Topic, meta.TopicID{}))
			}
			return list
		},
		Needs: func(_ *api.Call, q *kmsg.TxnOffsetCommitRequest, topics []groupTopic) authz.Needs {
			needs := authz.Needs{All: []authz.Need{onTransaction(authz.Write, q.TransactionalID), onGroup(authz.Read, q.Group)}}
			needTopics(&needs, authz.Read, topics)
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.TxnOffsetCommitRequest, code int16) kmsg.Response {
			return txnCommitAnswer(q, code)
		},
		Handle: t.commitOffsets,
	}.Build()
}

func (t *Transactions) commitOffsets(ctx context.Context, c *api.Call, q *kmsg.TxnOffsetCommitRequest, topics []groupTopic) api.Answer {
	resp := txnCommitAnswer(q, wire.None)
	send := *q
	send.Topics = nil
	parts := offsetParts{granted: c.Granted}
	for ti := range q.Topics {
		valid := kmsg.NewTxnOffsetCommitRequestTopic()
		valid.Topic = topics[ti].name
		for pi, p := range q.Topics[ti].Partitions {
			if parts.admits(&topics[ti], p.Partition, &resp.Topics[ti].Partitions[pi].ErrorCode) {
				valid.Partitions = append(valid.Partitions, p)
			}
		}
		if len(valid.Partitions) > 0 {
			send.Topics = append(send.Topics, valid)
		}
	}
	if len(send.Topics) == 0 {
		return api.Now(resp)
	}
	stored, code := t.storeOffsets(ctx, &send)
	if code != wire.None {
		return api.Now(txnCommitAnswer(q, code))
	}
	for _, topic := range stored.Topics {
		for _, p := range topic.Partitions {
			parts.told(p.ErrorCode)
		}
	}
	return api.Now(resp)
}

// storeOffsets has the group's coordinator write the offsets, once their partition is known to be part of the transaction.
func (t *Transactions) storeOffsets(ctx context.Context, q *kmsg.TxnOffsetCommitRequest) (*kmsg.TxnOffsetCommitResponse, int16) {
	if q.Group == "" {
		return nil, wire.InvalidGroupID
	}
	guard, err := t.verifyOffsets(ctx, q)
	code := wire.CodeOf(err)
	var stored *kmsg.TxnOffsetCommitResponse
	if code == wire.None {
		stored, code = askCommit[*kmsg.TxnOffsetCommitResponse](ctx, t.Groups, q.Group, group.CommitTxn{TxnOffsetCommitRequest: q, Guard: guard})
	}
	if code == wire.CoordinatorLoadInProgress && q.Version < txnCommitLoads {
		code = wire.CoordinatorNotAvailable
	}
	return stored, code
}

// verifyOffsets makes sure that the partition of the group's offsets is part of the transaction. Its error is in a coordinator's terms.
func (t *Transactions) verifyOffsets(ctx context.Context, q *kmsg.TxnOffsetCommitRequest) (guard uint64, err error) {
	s := txnCommitSupport(q.Version)
	partition, ok := t.Groups.partitionOf(q.Group)
	if !ok {
		return 0, wire.Errorf(wire.NotCoordinator, "%s does not exist", group.Topic)
	}
	part, err := t.Markers.Partitions.find(group.Topic, partition, -1)
	if err == nil {
		guard, err = part.StartVerification(q.ProducerID, q.ProducerEpoch, noSequence, s == adding)
	}
	switch {
	case replica.Refused(err):
		return 0, err
	case err != nil:
		return 0, wire.Errorf(wire.NotCoordinator, "%w", err)
	case guard == 0: // the transaction is known to have offsets there, or nothing is verified
		return 0, nil
	}
	producer := txn.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch}
	parts := []txn.TopicPartition{{Topic: group.Topic, Partition: partition}}
	err = t.Verification.ensure(ctx, q.TransactionalID, producer, parts, s)[0]
	if wire.CodeOf(err) == wire.NotEnoughReplicas {
		return 0, wire.Errorf(wire.CoordinatorNotAvailable, "%w", err)
	}
	return guard, err
}

// noSequence is the sequence of batches that have none.
const noSequence = -1

func txnCommitSupport(version int16) support {
	switch {
	case version >= txnCommitAdds:
		return adding
	case version >= txnCommitAbortable:
		return abortable
	default:
		return oldErrors
	}
}

// txnCommitAnswer has the same code for every partition.
func txnCommitAnswer(q *kmsg.TxnOffsetCommitRequest, code int16) *kmsg.TxnOffsetCommitResponse {
	resp := q.ResponseKind().(*kmsg.TxnOffsetCommitResponse)
	for i := range q.Topics {
		topic := kmsg.NewTxnOffsetCommitResponseTopic()
		topic.Topic = q.Topics[i].Topic
		for _, p := range q.Topics[i].Partitions {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, code
			topic.Partitions = append(topic.Partitions, one)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}
