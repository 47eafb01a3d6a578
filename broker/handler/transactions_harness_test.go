package handler

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/shard"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// txnBroker is a recordsBroker with coordinators of transactions and groups, whose logs are in memory, of one partition each.
type txnBroker struct {
	*recordsBroker
	area    *Transactions
	txns    *shard.Transactions
	groups  *shard.Groups
	changes *changeLog
	created []string
	nextID  atomic.Int64
	// refused counts the regular expressions that were refused.
	refused int
	// held, where set, keeps markers from being written until it is closed.
	held chan struct{}
	// offsets is the log of the groups' coordinator.
	offsets *groupLog
}

func newTxnBroker(t *testing.T, b *recordsBroker) *txnBroker {
	t.Helper()
	x := &txnBroker{recordsBroker: b, changes: &changeLog{}, offsets: &groupLog{}}
	x.nextID.Store(100)
	b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{
		{Name: group.Topic, ID: meta.TopicID{8}, Replicas: [][]int32{{1}}, Internal: true},
		{Name: txn.Topic, ID: meta.TopicID{9}, Replicas: [][]int32{{1}}, Internal: true},
	}})
	partitions := func() int32 { return 1 }
	clock := func() time.Time { return recordsTime }
	x.groups = shard.NewGroups(shard.GroupsConfig{
		Group:      group.Config{MaxOffsetMetadata: 4096, OffsetsRetention: time.Hour, ExpiryInterval: time.Hour, MaxAppendBytes: 1 << 19},
		Partitions: partitions, Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	x.txns = shard.NewTransactions(shard.TransactionsConfig{
		Transactions: txn.Config{
			MaxTimeout: 15 * time.Minute, AbortInterval: 10 * time.Second, IDExpiration: time.Hour, ExpiryInterval: time.Hour,
			MarkerRetryMin: 100 * time.Millisecond, MarkerRetryMax: time.Second, MaxAppendBytes: 1 << 19,
		},
		Partitions: partitions, Do: x.do, Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	groups := &Groups{
		Coordinator: x.groups, Image: b.log.Image, CreateTopic: func(topic string) { x.created = append(x.created, topic) },
		Endpoint:      func(int32, string) (string, int32, bool) { return "broker-1.test", 9094, true },
		CommitTimeout: testCommitTimeout,
	}
	verification := &Verification{
		Verifier: LocalVerifier{x.txns}, Pause: 20 * time.Millisecond, Limit: 100 * time.Millisecond,
	}
	b.area.Verification = verification
	x.area = &Transactions{
		Coordinator: x.txns, Groups: groups, ProducerIDs: NewProducerIDs(b.log, 1), Verification: verification, Changes: x.changes,
		RefusedRegex: func(*api.Call, error) { x.refused++ },
		Markers:      &Markers{Partitions: Partitions{b.log.Image, b.set}, Groups: x.groups, Clock: clock},
	}
	for _, row := range append(x.area.Rows(), groups.Rows()...) {
		b.rows[row.Key] = row
	}
	if err := x.groups.Load(0, 1, x.offsets); err != nil {
		t.Fatal(err)
	}
	if err := x.txns.Load(0, 1, &groupLog{}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return x
}

// withTransactions runs a test in a bubble whose time passes only while everybody waits.
func withTransactions(t *testing.T, run func(t *testing.T, x *txnBroker)) {
	t.Helper()
	withRecords(t, func(t *testing.T, b *recordsBroker) {
		x := newTxnBroker(t, b)
		defer func() {
			x.txns.Close()
			x.groups.Close()
		}()
		run(t, x)
	})
}

// do carries out what the coordinators call for.
func (x *txnBroker) do(ctx context.Context, _ int32, what any) any {
	send, ok := what.(txn.SendMarkers)
	if !ok {
		return txn.ProducerID{ID: x.nextID.Add(1)}
	}
	if x.held != nil {
		select {
		case <-x.held:
		case <-ctx.Done():
		}
	}
	codes := x.area.Markers.Write(ctx, []Marker{{Partitions: send.Partitions, Marker: coordinator.Marker{
		ProducerID: send.ProducerID, Epoch: send.Epoch, Commit: send.Commit, CoordinatorEpoch: send.CoordinatorEpoch, Level: int8(send.Level),
	}}})[0]
	marked := make(txn.Marked, len(codes))
	for i := range codes {
		marked[i] = txn.MarkedPartition{TopicPartition: send.Partitions[i], Code: codes[i]}
	}
	return marked
}

func (x *txnBroker) init(id string, version int16) *kmsg.InitProducerIDResponse {
	x.t.Helper()
	q := kmsg.NewPtrInitProducerIDRequest()
	q.TransactionalID, q.TransactionTimeoutMillis = &id, 60_000
	return x.send(q, version).(*kmsg.InitProducerIDResponse)
}

// begin makes a producer of a transactional id.
func (x *txnBroker) begin(id string) txn.Producer {
	x.t.Helper()
	p := x.init(id, 5)
	wantTxnCode(x.t, "init", p.ErrorCode, wire.None)
	return txn.Producer{ID: p.ProducerID, Epoch: p.ProducerEpoch}
}

// endedWithoutMarker commits a transaction of version 2 with one record, holds its marker back until x.held is closed, and returns the
// producer as it goes on.
func (x *txnBroker) endedWithoutMarker() txn.Producer {
	x.t.Helper()
	x.held = make(chan struct{})
	p := x.begin("id")
	wantTxnCode(x.t, "first batch", x.write("id", p, 0, 12), wire.None)
	wantTxnCode(x.t, "end", x.end("id", p, true, 5).ErrorCode, wire.None)
	p.Epoch++
	return p
}

// add adds a partition as a client does, and returns its code.
func (x *txnBroker) add(id string, p txn.Producer, topic string, partition int32, version int16) int16 {
	x.t.Helper()
	q := kmsg.NewPtrAddPartitionsToTxnRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch = id, p.ID, p.Epoch
	q.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: topic, Partitions: []int32{partition}}}
	return x.send(q, version).(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions[0].ErrorCode
}

func (x *txnBroker) end(id string, p txn.Producer, commit bool, version int16) *kmsg.EndTxnResponse {
	x.t.Helper()
	q := kmsg.NewPtrEndTxnRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Commit = id, p.ID, p.Epoch, commit
	return x.send(q, version).(*kmsg.EndTxnResponse)
}

// write sends one transactional record to t-0.
func (x *txnBroker) write(id string, p txn.Producer, sequence int32, version int16) int16 {
	x.t.Helper()
	q := produceRequest("t", 1, 0, txnBatch(p, sequence))
	q.TransactionID = &id
	return x.produce(q, version).ErrorCode
}

// txnBatch is a client's batch of one record in a transaction.
func txnBatch(p txn.Producer, sequence int32) []byte {
	const crcAt, sequenceAt = 17, 53
	var b record.Builder
	b.Transaction(p.ID, p.Epoch)
	b.Add(recordsTime.UnixMilli(), []byte("key"), []byte("value"))
	batch := b.Batch()
	binary.BigEndian.PutUint32(batch[sequenceAt:], uint32(sequence))
	binary.BigEndian.PutUint32(batch[crcAt:], batch.ComputeCRC())
	return batch
}

func wantTxnCode(t testing.TB, what string, got, want int16) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %s, want %s", what, wire.CodeName(got), wire.CodeName(want))
	}
}
