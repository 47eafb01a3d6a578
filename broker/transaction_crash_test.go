package broker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// crashPartitions are the partitions of topic t: those of one transaction are in both log directories.
	crashPartitions = 4
	// crashID is the transactional id whose transaction is interrupted, crashGroup the group whose offset it commits.
	crashID, crashGroup = "id", "group"
	// crashTimeout is how long its transactions may take: longer than any step here, unless the clock is put forward.
	crashTimeout = 30 * time.Second
)

// crashWorld is a broker whose log directories are in memory, so that its power can be cut at any change to them. Each has a journal of
// its own, so that a part of what a transaction writes can be lost.
type crashWorld struct {
	t       *testing.T
	ctx     context.Context
	options Options
	disk    *vfs.Memory
	broker  *Broker
	// ahead is by how many nanoseconds the node's clock is ahead of the real one.
	ahead *atomic.Int64
}

// newCrashWorld makes a node that has committed a transaction and was stopped.
func newCrashWorld(ctx context.Context, t *testing.T, level int16) *crashWorld {
	t.Helper()
	dir := t.TempDir()
	w := &crashWorld{t: t, ctx: ctx, disk: vfs.NewMemory(nil), options: testOptions(dir)}
	w.options.LogDirs = []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}
	w.options.MetadataDir = filepath.Join(dir, "metadata")
	w.options.OffsetsTopic.Partitions, w.options.TransactionTopic.Partitions = 1, 1
	w.options.JournalBytes = 8 << 20
	w.options.Transactions.AbortInterval = 50 * time.Millisecond
	formatWith(t, w.options, map[string]int16{meta.TransactionVersion: level})
	for i, name := range []string{"/one", "/two"} {
		data, err := os.ReadFile(filepath.Join(w.options.LogDirs[i], "meta.properties"))
		w.must(err)
		w.must(w.disk.Mkdir(name))
		w.must(vfs.ReplaceFile(w.disk, name+"/meta.properties", data))
		w.options.LogDirs[i] = name
	}
	w.must(vfs.SyncDir(w.disk, "/"))
	w.options.Files = w.disk
	w.broker = start(t, w.options)
	c := client(t, w.broker)
	defer c.Close()
	admin := kadm.NewClient(c)
	_, err := admin.CreateTopic(ctx, crashPartitions, 1, nil, "t")
	w.must(err)
	w.transact("before")
	if !w.complete() { // its markers would be taken for those of the next transaction
		t.Fatal("the transaction before is not complete")
	}
	stop(t, w.broker)
	return w
}

func (w *crashWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// copy is another node in the same state. The world is not running.
func (w *crashWorld) copy(t *testing.T) *crashWorld {
	t.Helper()
	c := &crashWorld{t: t, ctx: w.ctx, options: w.options, disk: w.disk.Crash(1), ahead: new(atomic.Int64)}
	w.disk = w.disk.Crash(1)
	c.options.MetadataDir = filepath.Join(t.TempDir(), "metadata")
	c.must(os.CopyFS(c.options.MetadataDir, os.DirFS(w.options.MetadataDir)))
	c.options.Files = c.disk
	c.options.Clock = func() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }
	return c
}

// client is a client with the transactional id of this world.
func (w *crashWorld) client() *kgo.Client {
	w.t.Helper()
	return client(w.t, w.broker, kgo.TransactionalID(crashID), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionTimeout(crashTimeout))
}

// transact commits a value to each partition of t, and the offset 1 more than before for the group, in one transaction.
func (w *crashWorld) transact(value string) {
	w.t.Helper()
	c := w.client()
	defer c.Close()
	w.must(transactIn(w.ctx, c, value))
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
	if err := c.BeginTransaction(); err != nil {
		return err
	}
	var records []*kgo.Record
	for p := range int32(crashPartitions) {
		records = append(records, &kgo.Record{Topic: "t", Partition: p, Value: []byte(value)})
	}
	if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	return commitOffset(ctx, c, int64(len(value)))
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

// interrupt does a transaction during which the power is cut. It reports whether it was ended as far as its client knows.
func (w *crashWorld) interrupt(e ending, cut powerCut) (ended bool) {
	w.t.Helper()
	c := w.client()
	defer c.Close()
	if _, _, err := c.ProducerID(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		defer cancel()
		w.powerless(ctx)
	}()
	if cut.begin != nil {
		cut.begin(w)
	}
	err := beginIn(ctx, c, "interrupted")
	if err == nil && cut.end != nil {
		cut.end(w)
	}
	if err == nil {
		err = e.end(ctx, w, c)
	}
	cancel()
	<-watched
	return err == nil
}

// powerless waits until a log directory has noticed that the power is gone, or the context ends.
func (w *crashWorld) powerless(ctx context.Context) {
	select {
	case <-w.broker.directories[0].Failed():
	case <-w.broker.directories[1].Failed():
	case <-ctx.Done():
	}
}

// abandon writes to both log directories, so that each notices that its power is gone and nobody waits for them.
func (w *crashWorld) abandon() {
	w.t.Helper()
	for p := range int32(crashPartitions) {
		var b record.Builder
		b.Add(time.Now().UnixMilli(), nil, nil)
		_, _ = w.broker.replicas.Get("t", p).AppendOwn(b.Batch(), time.Now()) // fails now or at the sync
	}
	for _, d := range w.broker.directories {
		<-d.Failed()
	}
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	_ = w.broker.Shutdown(ctx) // its disk is gone
}

// complete waits until the interrupted transaction is complete, and reports false when the power went before that.
func (w *crashWorld) complete() bool {
	w.t.Helper()
	for {
		answer, err := w.broker.transactions.SendTxn(w.ctx, crashID, txn.Describe{TransactionalID: crashID})(w.ctx)
		state, _ := answer.(*kmsg.DescribeTransactionsResponseTransactionState)
		switch {
		case err != nil:
			return false
		case strings.HasPrefix(state.State, "Complete"):
			return true
		}
		moment, cancel := context.WithTimeout(w.ctx, time.Millisecond)
		w.powerless(moment)
		gone := moment.Err() == nil
		cancel()
		if gone {
			return false
		}
	}
}

// crash loses what was not synced, as the seed says, and starts the node again.
func (w *crashWorld) crash(seed uint64) {
	w.t.Helper()
	left := w.disk.Crash(seed)
	w.abandon()
	w.disk, w.options.Files = left, left
	w.broker = start(w.t, w.options)
}

// log reads the records and markers of a partition, up to an end. Without uncommitted ones, a marker has to be the last.
func (w *crashWorld) log(topic string, partition int32, end int64, isolation kgo.IsolationLevel) []*kgo.Record {
	w.t.Helper()
	c := client(w.t, w.broker, kgo.KeepControlRecords(), kgo.FetchIsolationLevel(isolation), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {partition: kgo.NewOffset().AtStart()},
	}))
	defer c.Close()
	var records []*kgo.Record
	for len(records) == 0 || records[len(records)-1].Offset < end-1 {
		fetches := c.PollFetches(w.ctx)
		w.must(fetches.Err0())
		records = append(records, fetches.Records()...)
	}
	return records
}

// where says how far the interrupted transaction had come before the crash: the state of its last record in __transaction_state, and how
// many partitions of t had its marker. The broker before the crash led them in the epoch before the present one.
func (w *crashWorld) where(admin *kadm.Client) string {
	w.t.Helper()
	ends, err := admin.ListEndOffsets(w.ctx, txn.Topic, "t")
	w.must(err)
	var state kmsg.TransactionState
	for _, r := range w.log(txn.Topic, 0, offsetIn(ends, txn.Topic, 0), kgo.ReadUncommitted()) {
		var value kmsg.TxnMetadataValue
		w.must(value.ReadFrom(r.Value))
		if r.LeaderEpoch < w.leaderEpoch(txn.Topic, 0) {
			state = value.State
		}
	}
	marked := 0
	for p := range int32(crashPartitions) {
		for _, r := range w.log("t", p, offsetIn(ends, "t", p), kgo.ReadUncommitted()) {
			if r.Attrs.IsControl() && r.LeaderEpoch == w.leaderEpoch("t", p)-1 {
				marked++
			}
		}
	}
	switch {
	case state != kmsg.TransactionStatePrepareCommit && state != kmsg.TransactionStatePrepareAbort || marked == 0:
	case marked < crashPartitions:
		return fmt.Sprint(state, " with some markers")
	default:
		return fmt.Sprint(state, " with all markers")
	}
	return fmt.Sprint(state)
}

func (w *crashWorld) leaderEpoch(topic string, partition int32) int32 {
	return w.broker.store.Image().Topic(topic).Partitions[partition].LeaderEpoch
}

func offsetIn(offsets kadm.ListedOffsets, topic string, partition int32) int64 {
	o, _ := offsets.Lookup(topic, partition)
	return o.Offset
}

// check finds out how the interrupted transaction ended: everywhere in one way, as the client was told, and with nothing left open.
func (w *crashWorld) check(admin *kadm.Client, toldCommitted bool) (committed bool) {
	w.t.Helper()
	stable, err := admin.ListCommittedOffsets(w.ctx, "t")
	w.must(err)
	ends, err := admin.ListEndOffsets(w.ctx, "t")
	w.must(err)
	found := 0
	for p := range int32(crashPartitions) {
		if s, e := offsetIn(stable, "t", p), offsetIn(ends, "t", p); s != e {
			w.t.Errorf("partition %d is stable up to %d of %d", p, s, e)
		}
		if slices.ContainsFunc(w.log("t", p, offsetIn(stable, "t", p), kgo.ReadCommitted()), func(r *kgo.Record) bool { return string(r.Value) == "interrupted" }) {
			found++
		}
	}
	committed = found > 0
	if found != 0 && found != crashPartitions || toldCommitted && !committed {
		w.t.Errorf("%d of %d partitions have the records; the client was told of a commit: %v", found, crashPartitions, toldCommitted)
	}
	offsets, err := admin.FetchOffsets(w.ctx, crashGroup)
	w.must(err)
	want := map[bool]int64{true: int64(len("interrupted")), false: int64(len("before"))}[committed]
	if at, _ := offsets.Lookup("t", 0); at.At != want {
		w.t.Errorf("the group is at offset %d, not %d; committed: %v", at.At, want, committed)
	}
	return committed
}

// powerFails cuts the power during a transaction and starts the node again. The transaction has ended in one way everywhere, and a client
// with the same transactional id goes on. It returns in which state it was when the power went, and whether it was over by then.
func powerFails(t *testing.T, base *crashWorld, seed uint64, e ending, cut powerCut) (state string, over bool) {
	t.Helper()
	w := base.copy(t)
	w.broker = start(t, w.options)
	ended := w.interrupt(e, cut)
	over = ended && w.complete()
	w.crash(seed)
	defer func() { stop(t, w.broker) }()
	c := client(t, w.broker)
	defer c.Close()
	admin := kadm.NewClient(c)
	state = w.where(admin)
	next := w.client()
	defer next.Close()
	if _, _, err := next.ProducerID(w.ctx); err != nil {
		t.Fatalf("%s, %s: the next producer: %v", e.name, state, err)
	}
	committed := w.check(admin, ended && e.commits)
	if committed && !e.commits {
		t.Errorf("%s, %s: what was never to be committed is", e.name, state)
	}
	w.must(transactIn(w.ctx, next, "after"))
	t.Logf("%s, %s: ended %v, committed %v", e.name, state, ended, committed)
	return state, over
}

// TestPowerFailsAtEachStepOfATransaction cuts the power at each change to the disk that a transaction makes, from its first batch to its
// completion: at every append of its coordinator and of its partitions, before it is on the disk and after it. Of the transactions that
// are aborted, which begin in the same way, it takes a sample of the changes from their end on.
func TestPowerFailsAtEachStepOfATransaction(t *testing.T) {
	for level := range int16(3) {
		t.Run(fmt.Sprintf("transaction.version %d", level), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			base := newCrashWorld(ctx, t, level)
			for _, e := range endings() {
				stride := 1
				switch {
				case testing.Short() || raceDetector || !e.commits:
					stride = 5
				case level == 1: // the same changes as at 0
					stride = 2
				}
				for n, over := 0, false; !over; n += stride {
					cut := powerCut{end: cutAfter(n)}
					if e.commits {
						cut = powerCut{begin: cutAfter(n)}
					}
					_, over = powerFails(t, base, uint64(n), e, cut) //nolint:gosec // not negative
				}
			}
		})
	}
}
