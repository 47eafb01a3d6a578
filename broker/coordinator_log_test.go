package broker

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/shard"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// offsetsWorld is a coordinator over a partition of the offsets topic, on a memory disk whose power can fail.
type offsetsWorld struct {
	t       *testing.T
	disk    *vfs.Memory
	dir     *storage.Directory
	set     *replica.Set
	part    *replica.Replica
	groups  *shard.Groups
	cleaner *storage.Cleaner
}

func newOffsetsWorld(t *testing.T) *offsetsWorld {
	w := &offsetsWorld{t: t, disk: vfs.NewMemory(time.Now)}
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *offsetsWorld) open() {
	w.t.Helper()
	var err error
	w.dir, err = storage.Open(storage.Config{FS: w.disk, Dir: "/data", JournalFileBytes: 1 << 20, CheckpointInterval: time.Hour})
	w.must(err)
	registry := prometheus.NewRegistry()
	metrics, err := replica.NewMetrics(registry)
	w.must(err)
	cleanerMetrics, err := storage.NewCleanerMetrics(registry, time.Now)
	w.must(err)
	logger := slog.New(slog.DiscardHandler)
	w.set = replica.NewSet(replica.Config{
		NodeID: 1, Directories: []*storage.Directory{w.dir}, Walker: record.NewWalker(), Settings: smallCompactedSegments,
		Metrics: metrics, Clock: time.Now, Logger: logger,
	})
	image := meta.NewImage()
	for _, c := range []meta.Command{
		&meta.RegisterBroker{Broker: meta.Broker{ID: 1}},
		&meta.CreateTopics{Topics: []meta.NewTopic{{Name: group.Topic, ID: meta.TopicID{9}, Replicas: [][]int32{{1}}}}},
	} {
		next, delta, _ := image.Apply(image.Index()+1, c)
		w.set.Follow(image, next, delta)
		image = next
	}
	w.part = w.set.Get(group.Topic, 0)
	w.groups = shard.NewGroups(shard.GroupsConfig{
		Group: testOptions("").Group, Partitions: func() int32 { return 1 }, Logger: logger,
	})
	w.must(w.groups.Load(0, 1, &coordinatorLog{part: w.part}))
	w.loaded()
	w.cleaner = storage.NewCleaner(storage.CleanerConfig{
		Threads: 1, DedupeBytes: 1 << 20, LoadFactor: 0.9, IOBytes: 64 << 10, BytesPerSecond: 1e300, Logs: w.set.Stable, Metrics: cleanerMetrics,
	})
}

// smallCompactedSegments hold a batch or two.
func smallCompactedSegments(t *meta.Topic) *replica.Settings {
	s := compactingRules{}.ReplicaSettings(t)
	s.Log.SegmentBytes = 400
	return s
}

func (w *offsetsWorld) close() {
	w.groups.Close()
	_ = w.dir.Close()
}

func (w *offsetsWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// powerFails loses what was not synced and starts anew with the rest.
func (w *offsetsWorld) powerFails() {
	w.t.Helper()
	crashed := w.disk.Crash(1)
	w.close()
	w.disk = crashed
	w.open()
}

// loaded waits until the coordinator serves.
func (w *offsetsWorld) loaded() {
	w.t.Helper()
	for {
		_, err := w.ask(group.ListTopics{})
		if wire.CodeOf(err) != wire.CoordinatorLoadInProgress {
			w.must(err)
			return
		}
		<-time.After(time.Millisecond)
	}
}

func (w *offsetsWorld) ask(q group.Request) (any, error) {
	return w.groups.SendGroup(w.t.Context(), "g", q)(w.t.Context())
}

func (w *offsetsWorld) commit(topic string, offset int64) {
	w.t.Helper()
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Version, q.Group, q.Generation = 9, "g", -1
	q.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: offset}}}}
	_, err := w.ask(group.Commit{OffsetCommitRequest: q})
	w.must(err)
}

func (w *offsetsWorld) commitTxn(epoch int16, topic string, offset int64) error {
	q := kmsg.NewPtrTxnOffsetCommitRequest()
	q.Group, q.Generation, q.ProducerID, q.ProducerEpoch = "g", -1, 4000, epoch
	q.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{Offset: offset}}}}
	guard, _ := w.part.StartVerification(q.ProducerID, epoch, -1, false) // a zombie gets none, and its offsets are refused all the same
	_, err := w.ask(group.CommitTxn{TxnOffsetCommitRequest: q, Guard: guard})
	return err
}

func (w *offsetsWorld) end(epoch int16, coordinatorEpoch int32, commit bool) error {
	_, err := w.ask(group.EndTxn{Marker: coordinator.Marker{ProducerID: 4000, Epoch: epoch, Commit: commit, CoordinatorEpoch: coordinatorEpoch}})
	return err
}

// expect checks what a reader of stable offsets sees: the offset and no error, or the error.
func (w *offsetsWorld) expect(topic string, want int64, code int16) {
	w.t.Helper()
	q := group.Fetch{Group: "g", RequireStable: true, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}}
	answer, err := w.ask(q)
	w.must(err)
	if p := answer.(*kmsg.OffsetFetchResponseGroup).Topics[0].Partitions[0]; p.Offset != want || p.ErrorCode != code {
		w.t.Fatalf("offset of %s = %d (%s), want %d (%s)", topic, p.Offset, wire.CodeName(p.ErrorCode), want, wire.CodeName(code))
	}
}

// compact closes the segment that is being written, by commits that belong to nobody else, and compacts the others.
func (w *offsetsWorld) compact() {
	w.t.Helper()
	for i := range 4 {
		w.commit("filler", int64(i))
	}
	before := w.entries()
	for w.cleaner.Clean(w.t.Context()) {
	}
	if after := w.entries(); after >= before {
		w.t.Fatalf("%d entries are left of %d", after, before)
	}
}

func (w *offsetsWorld) entries() (n int) {
	w.t.Helper()
	w.must((&coordinatorLog{part: w.part}).Read(w.t.Context(), func(coordinator.Entry) error { n++; return nil }))
	return n
}

// A pending offset has the key of the committed one. Were it taken for the newest of the key, compaction would remove the committed one,
// and an abort would leave nothing.
func TestCommittedOffsetOutlivesAnAbortedOneAndCompaction(t *testing.T) {
	for _, commit := range []bool{false, true} {
		t.Run(fmt.Sprintf("commit %t", commit), func(t *testing.T) {
			w := newOffsetsWorld(t)
			for offset := range int64(6) {
				w.commit("t", offset)
			}
			w.must(w.commitTxn(0, "t", 9))
			w.compact()
			w.powerFails()
			w.expect("t", -1, wire.UnstableOffsetCommit)

			w.must(w.end(0, 1, commit))
			w.compact()
			want := int64(5)
			if commit {
				want = 9
			}
			w.expect("t", want, wire.None)
			w.powerFails()
			w.expect("t", want, wire.None)
			w.compact()
			w.powerFails()
			w.expect("t", want, wire.None)
		})
	}
}

// A zombie producer or transaction coordinator is told so, and costs the partition's other groups nothing: the coordinator serves on,
// where after another error it would be loaded again.
func TestZombiesDoNotResetTheCoordinator(t *testing.T) {
	w := newOffsetsWorld(t)
	w.commit("t", 5)
	for _, step := range []struct {
		what string
		run  func() error
		want int16
	}{
		{"a producer", func() error { return w.commitTxn(3, "t", 9) }, wire.None},
		{"a producer of an older epoch", func() error { return w.commitTxn(2, "t", 10) }, wire.InvalidProducerEpoch},
		{"a marker of an older epoch", func() error { return w.end(2, 7, true) }, wire.InvalidProducerEpoch},
		{"a marker", func() error { return w.end(3, 7, false) }, wire.None},
		{"a marker of an older coordinator", func() error { return w.end(3, 6, true) }, wire.TransactionCoordinatorFenced},
	} {
		if err := step.run(); wire.CodeOf(err) != step.want {
			t.Fatalf("%s: %v, want %s", step.what, err, wire.CodeName(step.want))
		}
	}
	w.expect("t", 5, wire.None)
}

// The batches of one transaction have no sequence numbers of their own, so none may pass for a repetition of another.
func TestATransactionCommitsOffsetsMoreThanOnce(t *testing.T) {
	w := newOffsetsWorld(t)
	for round := range int64(3) {
		for i, topic := range []string{"t", "u", "t"} {
			w.must(w.commitTxn(int16(round), topic, 10*round+int64(i)))
		}
		w.powerFails()
		w.expect("t", -1, wire.UnstableOffsetCommit)
		w.must(w.end(int16(round), 1, true))
		for range 2 {
			w.expect("t", 10*round+2, wire.None)
			w.expect("u", 10*round+1, wire.None)
			w.powerFails()
		}
	}
}
