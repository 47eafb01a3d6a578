package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// addOffsetsToTxn is API 25, versions 0-4: the partition that keeps a group's offsets becomes part of the transaction.
func (t *Transactions) addOffsetsToTxn() api.Row {
	return api.Spec[*kmsg.AddOffsetsToTxnRequest, struct{}]{
		Row: api.Row{Key: 25, Name: "AddOffsetsToTxn", Min: 0, Max: 4, Gate: api.Authenticated, MaxBytes: entryBody},
		Needs: func(_ *api.Call, q *kmsg.AddOffsetsToTxnRequest, _ struct{}) authz.Needs {
			return authz.Needs{All: []authz.Need{onTransaction(authz.Write, q.TransactionalID), onGroup(authz.Read, q.Group)}}
		},
		Refuse: func(_ *api.Call, q *kmsg.AddOffsetsToTxnRequest, code int16) kmsg.Response {
			return addOffsetsAnswer(q, code)
		},
		Handle: func(ctx context.Context, _ *api.Call, q *kmsg.AddOffsetsToTxnRequest, _ struct{}) api.Answer {
			return api.Now(addOffsetsAnswer(q, toldFenced(t.addOffsets(ctx, q), q.Version, fencedByEpoch)))
		},
	}.Build()
}

func (t *Transactions) addOffsets(ctx context.Context, q *kmsg.AddOffsetsToTxnRequest) int16 {
	partition, ok := t.Groups.partitionOf(q.Group)
	if !ok {
		t.Groups.CreateTopic(group.Topic)
		return wire.CoordinatorNotAvailable
	}
	return addToTxn(ctx, t.Coordinator, txn.Add{
		TransactionalID: q.TransactionalID, Producer: txn.Producer{ID: q.ProducerID, Epoch: q.ProducerEpoch},
		Partitions: []txn.TopicPartition{{Topic: group.Topic, Partition: partition}},
	})
}

func addOffsetsAnswer(q *kmsg.AddOffsetsToTxnRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AddOffsetsToTxnResponse)
	resp.ErrorCode = code
	return resp
}
