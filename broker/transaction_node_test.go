package broker

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
)

const (
	// crashPartitions are the partitions of topic t: those of one transaction are in both log directories.
	crashPartitions = 4
	// crashMarkers are the markers of a transaction: the group's offsets are part of it too.
	crashMarkers = crashPartitions + 1
	// crashID is the transactional id whose transaction is interrupted, crashGroup the group whose offset it commits.
	crashID, crashGroup = "id", "group"
	// crashTimeout is how long its transactions may take: longer than any step here, unless the clock is put forward.
	crashTimeout = 30 * time.Second
)

// txnNode is a node with two log directories, on which a transaction is interrupted. Each directory has a journal of its own, so that a
// part of what a transaction writes can be lost.
type txnNode struct {
	t       *testing.T
	ctx     context.Context
	options Options
	broker  *Broker
	// forward puts the node's clock forward.
	forward func(time.Duration)
}

// fastClock is a clock that can be put forward.
type fastClock struct{ ahead atomic.Int64 }

func (c *fastClock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *fastClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// formatTxnNode makes a node that was never started.
func formatTxnNode(ctx context.Context, t *testing.T, level int16) *txnNode {
	t.Helper()
	n := &txnNode{t: t, ctx: ctx, options: txnNodeOptions(t.TempDir())}
	formatWith(t, n.options, map[string]int16{meta.TransactionVersion: level})
	return n
}

func txnNodeOptions(dir string) Options {
	o := testOptions(dir)
	o.LogDirs = []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}
	o.MetadataDir = filepath.Join(dir, "metadata")
	o.OffsetsTopic.Partitions, o.TransactionTopic.Partitions = 1, 1
	o.JournalBytes = 8 << 20
	o.Transactions.AbortInterval = 50 * time.Millisecond
	return o
}

// before lets the node commit a transaction, and stops it.
func (n *txnNode) before() {
	n.t.Helper()
	n.broker = start(n.t, n.options)
	c := client(n.t, n.broker)
	defer c.Close()
	_, err := kadm.NewClient(c).CreateTopic(n.ctx, crashPartitions, 1, nil, "t")
	n.must(err)
	n.transact("before")
	if !n.complete() { // its markers would be taken for those of the next transaction
		n.t.Fatal("the transaction before is not complete")
	}
	stop(n.t, n.broker)
}

func (n *txnNode) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// client is a client with the transactional id.
func (n *txnNode) client() *kgo.Client {
	n.t.Helper()
	return client(n.t, n.broker, interruptedClient()...)
}

func interruptedClient() []kgo.Opt {
	return []kgo.Opt{kgo.TransactionalID(crashID), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionTimeout(crashTimeout)}
}

// transact commits a value to each partition of t, and the offset 1 more than before for the group, in one transaction.
func (n *txnNode) transact(value string) {
	n.t.Helper()
	c := n.client()
	defer c.Close()
	n.must(transactIn(n.ctx, c, value))
}

// transactIn commits one transaction.
func transactIn(ctx context.Context, c *kgo.Client, value string) error {
	if err := beginIn(ctx, c, value); err != nil {
		return err
	}
	return c.EndTransaction(ctx, kgo.TryCommit)
}

// beginIn does all of one transaction but its end; the offset of the group in it is the length of the value.
func beginIn(ctx context.Context, c *kgo.Client, value string) error {
	if err := produceIn(ctx, c, value); err != nil {
		return err
	}
	return commitOffset(ctx, c, int64(len(value)))
}

// produceIn begins a transaction with a value in each partition of t.
func produceIn(ctx context.Context, c *kgo.Client, value string) error {
	if err := c.BeginTransaction(); err != nil {
		return err
	}
	var records []*kgo.Record
	for p := range int32(crashPartitions) {
		records = append(records, &kgo.Record{Topic: "t", Partition: p, Value: []byte(value)})
	}
	return c.ProduceSync(ctx, records...).FirstErr()
}

// commitOffset commits an offset of t-0 in the client's transaction.
func commitOffset(ctx context.Context, c *kgo.Client, offset int64) error {
	id, epoch, err := c.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = crashID, id, epoch, crashGroup
	added, err := add.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	if added.ErrorCode != 0 {
		return fmt.Errorf("add offsets: code %d", added.ErrorCode)
	}
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Group, q.Generation = crashID, id, epoch, crashGroup, -1
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = "t"
	part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	part.Offset = offset
	topic.Partitions = append(topic.Partitions, part)
	q.Topics = append(q.Topics, topic)
	committed, err := q.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	if code := committed.Topics[0].Partitions[0].ErrorCode; code != 0 {
		return fmt.Errorf("commit an offset: code %d", code)
	}
	return nil
}

// powerless waits until a log directory has noticed that the power is gone, or the context ends.
func (n *txnNode) powerless(ctx context.Context) {
	select {
	case <-n.broker.directories[0].Failed():
	case <-n.broker.directories[1].Failed():
	case <-ctx.Done():
	}
}

// complete waits until the interrupted transaction is complete, and reports false when the power went before that.
func (n *txnNode) complete() bool {
	n.t.Helper()
	for {
		answer, err := n.broker.transactions.SendTxn(n.ctx, crashID, txn.Describe{TransactionalID: crashID})(n.ctx)
		state, _ := answer.(*kmsg.DescribeTransactionsResponseTransactionState)
		switch {
		case err != nil:
			return false
		case strings.HasPrefix(state.State, "Complete"):
			return true
		}
		moment, cancel := context.WithTimeout(n.ctx, time.Millisecond)
		n.powerless(moment)
		gone := moment.Err() == nil
		cancel()
		if gone {
			return false
		}
	}
}

// log reads the records and markers of a partition, up to an end. Without uncommitted ones, a marker has to be the last.
func (n *txnNode) log(topic string, partition int32, end int64, isolation kgo.IsolationLevel) []*kgo.Record {
	n.t.Helper()
	c := client(n.t, n.broker, kgo.KeepControlRecords(), kgo.FetchIsolationLevel(isolation), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {partition: kgo.NewOffset().AtStart()},
	}))
	defer c.Close()
	var records []*kgo.Record
	for len(records) == 0 || records[len(records)-1].Offset < end-1 {
		fetches := c.PollFetches(n.ctx)
		n.must(fetches.Err0())
		records = append(records, fetches.Records()...)
	}
	return records
}

// where says how far the interrupted transaction had come before the crash: the state of its last record in __transaction_state, and how
// many of its partitions had their marker. The broker before the crash led them in the epoch before the present one.
func (n *txnNode) where(admin *kadm.Client) string {
	n.t.Helper()
	ends, err := admin.ListEndOffsets(n.ctx, txn.Topic, group.Topic, "t")
	n.must(err)
	var state kmsg.TransactionState
	for _, r := range n.log(txn.Topic, 0, offsetIn(ends, txn.Topic, 0), kgo.ReadUncommitted()) {
		var value kmsg.TxnMetadataValue
		n.must(value.ReadFrom(r.Value))
		if r.LeaderEpoch < n.leaderEpoch(txn.Topic, 0) {
			state = value.State
		}
	}
	var marked int32
	for topic, partitions := range map[string]int32{"t": crashPartitions, group.Topic: 1} {
		for p := range partitions {
			for _, r := range n.log(topic, p, offsetIn(ends, topic, p), kgo.ReadUncommitted()) {
				if r.Attrs.IsControl() && r.LeaderEpoch == n.leaderEpoch(topic, p)-1 {
					marked++
				}
			}
		}
	}
	if state == kmsg.TransactionStatePrepareCommit || state == kmsg.TransactionStatePrepareAbort {
		return withMarkers(state.String(), marked)
	}
	return state.String()
}

// withMarkers is a state of a transaction some of whose partitions have their marker.
func withMarkers(state string, count int32) string {
	return fmt.Sprintf("%s with %d of %d markers", state, count, crashMarkers)
}

func (n *txnNode) leaderEpoch(topic string, partition int32) int32 {
	return n.broker.store.Image().Topic(topic).Partitions[partition].LeaderEpoch
}

func offsetIn(offsets kadm.ListedOffsets, topic string, partition int32) int64 {
	o, _ := offsets.Lookup(topic, partition)
	return o.Offset
}

// check finds out how the interrupted transaction ended: everywhere in one way, with nothing twice and nothing left open. after are the values
// that were committed since.
func (n *txnNode) check(admin *kadm.Client, after ...string) (committed bool) {
	n.t.Helper()
	stable, err := admin.ListCommittedOffsets(n.ctx, "t")
	n.must(err)
	ends, err := admin.ListEndOffsets(n.ctx, "t")
	n.must(err)
	offsets, err := admin.FetchOffsets(kadm.RequireStable(n.ctx), crashGroup)
	n.must(err)
	want := append([]string{"before"}, after...)
	at, _ := offsets.Lookup("t", 0)
	if committed = at.At == int64(len("interrupted")); committed {
		want = slices.Insert(want, 1, "interrupted")
	} else if at.At != int64(len("before")) {
		n.t.Errorf("the group is at offset %d", at.At)
	}
	for p := range int32(crashPartitions) {
		if s, e := offsetIn(stable, "t", p), offsetIn(ends, "t", p); s != e {
			n.t.Errorf("partition %d is stable up to %d of %d", p, s, e)
		}
		var values []string
		for _, r := range n.log("t", p, offsetIn(stable, "t", p), kgo.ReadCommitted()) {
			if !r.Attrs.IsControl() {
				values = append(values, string(r.Value))
			}
		}
		if !slices.Equal(values, want) {
			n.t.Errorf("partition %d has %v, not %v", p, values, want)
		}
	}
	return committed
}
