package adopt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

var testTime = time.UnixMilli(1_700_000_000_000)

const (
	kafkaNode = 4
	ownNode   = 1
)

// world is a source and a target on memory disks.
type world struct {
	t      *testing.T
	disk   *vfs.Memory
	own    *vfs.Memory // that of the target
	store  *meta.Store
	dirs   []*storage.Directory
	index  uint64
	locked bool
	// noTokens says that the target has no secret for delegation tokens.
	noTokens bool
	// refuse fails the proposal of a kind of command.
	refuse func(meta.Command) bool
}

// partitionSpec is a partition of the source.
type partitionSpec struct {
	topic   string
	id      meta.TopicID
	number  int32
	records int
}

func newWorld(t *testing.T, directories int) *world {
	t.Helper()
	w := &world{t: t, disk: vfs.NewMemory(nil), own: vfs.NewMemory(nil), store: meta.NewStore()}
	w.apply(&meta.SetCluster{ClusterID: "own"})
	for i := range directories {
		w.dirs = append(w.dirs, w.open(w.own, fmt.Sprintf("/own%d", i)))
	}
	return w
}

func (w *world) open(disk vfs.FS, dir string) *storage.Directory {
	w.t.Helper()
	d, err := storage.Open(storage.Config{
		FS: disk, Dir: dir, JournalFileBytes: 1 << 20, CheckpointInterval: time.Hour, Clock: func() time.Time { return testTime },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (w *world) apply(c meta.Command) meta.Result {
	w.t.Helper()
	data, err := meta.Encode(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.index++
	answer, err := w.store.Apply(w.index, data)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.(meta.Result)
}

var errProposal = errors.New("no leader")

// Close implements io.Closer for the lock.
func (w *world) Close() error { return nil }

func (w *world) run(r Request) (*Report, error) {
	w.t.Helper()
	return w.runIn(w.t.Context(), r)
}

func (w *world) runIn(ctx context.Context, r Request) (*Report, error) {
	w.t.Helper()
	to := Target{
		NodeID: ownNode, Directories: w.dirs, Image: w.store.Image,
		Propose: func(_ context.Context, c meta.Command) (meta.Result, error) {
			if w.refuse != nil && w.refuse(c) {
				return meta.Result{}, errProposal
			}
			return w.apply(c), nil
		},
		CheckTopicConfig: func(c map[string]string) error {
			if _, bad := c["unclean.leader.election.enable"]; bad {
				return errors.New("not acted on")
			}
			return nil
		},
		OffsetsConfigs: map[string]string{"cleanup.policy": "compact"}, TransactionConfigs: map[string]string{"min.insync.replicas": "1"}, Tokens: !w.noTokens,
		FS: w.disk, Clock: func() time.Time { return testTime }, Logger: slog.New(slog.DiscardHandler),
		Hold: func(name string) (io.Closer, error) {
			if w.locked {
				return nil, vfs.ErrLocked
			}
			return w, nil
		},
	}
	if r.DryRun {
		to.Directories = nil
	}
	if r.From == nil {
		r.From = []string{kafkaDir}
	}
	return Run(ctx, r, to)
}

// source writes a log directory as Apache Kafka leaves it.
func (w *world) source(dir string, specs ...partitionSpec) {
	w.t.Helper()
	if err := (&storage.MetaProperties{ClusterID: "theirs", NodeID: kafkaNode}).Write(w.disk, dir); err != nil {
		w.t.Fatal(err)
	}
	d := w.open(w.disk, dir)
	for _, s := range specs {
		l, err := d.Create(s.id, s.topic, s.number, storage.DefaultLogConfig())
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range s.records {
			var b record.Builder
			b.Add(testTime.UnixMilli(), nil, fmt.Appendf(nil, "%s %d %d", s.topic, s.number, i))
			if _, err := l.Append(b.Batch(), storage.AppendInfo{LeaderEpoch: 8, Origin: storage.Client}); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if err := d.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// metadata writes the metadata log, in which node 4 is in sync with the partitions of these topics.
func (w *world) metadata(more [][]byte, specs ...partitionSpec) {
	w.t.Helper()
	var records [][]byte
	for _, s := range specs {
		if s.number == 0 {
			records = append(records, topicOf(s.topic, s.id))
		}
		records = append(records, partitionOf(s.id, s.number, kafkaNode, 5, kafkaNode, 9))
	}
	writeFile(w.t, w.disk, metadataSegment(0), batchOf(0, append(records, more...)...))
}

func plainSpecs() []partitionSpec {
	return []partitionSpec{
		{"a", topicA, 0, 10}, {"a", topicA, 1, 0}, {"b", topicB, 0, 3}, {group.Topic, meta.TopicID{2}, 0, 2}, {"__transaction_state", meta.TopicID{3}, 0, 1},
	}
}

func (w *world) log(topic string, partition int32) *storage.Log {
	w.t.Helper()
	for _, d := range w.dirs {
		if l := d.Log(topic, partition); l != nil {
			return l
		}
	}
	w.t.Fatalf("no log of %s-%d", topic, partition)
	return nil
}

func kinds(r *Report) []Kind {
	var out []Kind
	for _, p := range r.Problems {
		if !slices.Contains(out, p.Kind) {
			out = append(out, p.Kind)
		}
	}
	return out
}

func TestEverythingIsImported(t *testing.T) {
	w := newWorld(t, 2)
	w.source(kafkaDir, plainSpecs()...)
	w.apply(&meta.AlterScram{Upserts: []meta.ScramCredential{{User: "u", Mechanism: meta.ScramSHA512, Salt: []byte("own"), Iterations: 5000}}})
	w.metadata([][]byte{
		configOf(meta.TopicConfig, "a", "retention.ms", value("5")), configOf(meta.TopicConfig, group.Topic, "segment.bytes", value("1")),
		configOf(meta.TopicConfig, "__transaction_state", "cleanup.policy", value("compact")),
		configOf(meta.TopicConfig, "__transaction_state", "min.insync.replicas", value("2")),
		configOf(meta.TopicConfig, "b", "min.insync.replicas", value("2")),
		aclOf(1, aclFor("User:a")), userOf("u", 1), userOf("u", 2), recordOf(producerIDs, 0).int32(1).int64(9).int64(4000).end(),
	}, plainSpecs()...)

	dry, err := w.run(Request{DryRun: true})
	if err != nil || dry.Imported || w.store.Image().TopicCount() != 0 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	report, err := w.run(Request{})
	if err != nil || !report.Imported || len(report.Problems) != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	for i := range dry.Topics {
		for k := range dry.Topics[i].Partitions {
			dry.Topics[i].Partitions[k].To = report.Topics[i].Partitions[k].To
		}
	}
	if diff := cmp.Diff(dry.Topics, report.Topics); diff != "" {
		t.Errorf("the dry run said otherwise: %s", diff)
	}
	img := w.store.Image()
	partitions := func(epochs ...int32) (out []meta.Partition) {
		for _, e := range epochs {
			out = append(out, meta.Partition{Leader: ownNode, LeaderEpoch: e, Replicas: []int32{ownNode}, ISR: []int32{ownNode}})
		}
		return out
	}
	want := []*meta.Topic{
		{ID: meta.TopicID{2}, Name: group.Topic, Internal: true, Configs: map[string]string{"cleanup.policy": "compact"}, Partitions: partitions(9)},
		{ID: meta.TopicID{3}, Name: "__transaction_state", Internal: true, Configs: map[string]string{"min.insync.replicas": "1"}, Partitions: partitions(9)},
		{ID: topicA, Name: "a", Configs: map[string]string{"retention.ms": "5"}, Partitions: partitions(9, 6)},
		{ID: topicB, Name: "b", Configs: map[string]string{"min.insync.replicas": "2"}, Partitions: partitions(9)},
	}
	var topics []*meta.Topic
	img.Topics(func(t *meta.Topic) bool { topics = append(topics, t); return true })
	if diff := cmp.Diff(want, topics); diff != "" {
		t.Error(diff)
	}
	for _, s := range plainSpecs() {
		if l := w.log(s.topic, s.number); l.EndOffset() != int64(s.records) || l.TopicID() != s.id {
			t.Errorf("%s-%d ends at %d, its id is %x", s.topic, s.number, l.EndOffset(), l.TopicID())
		}
	}
	spread := []int{0, 0}
	for i, d := range w.dirs {
		d.Logs(func(*storage.Log) bool { spread[i]++; return true })
	}
	if spread[0] == 0 || spread[1] == 0 {
		t.Errorf("logs per directory: %v", spread)
	}
	if u := img.Scram("u", meta.ScramSHA512); string(u.Salt) != "own" || img.Scram("u", meta.ScramSHA256) == nil {
		t.Errorf("user %v", u)
	}
	if img.ACLCount() != 1 || img.NextProducerID() != 4000 || !slices.Equal(report.KeptUsers, []string{"u (SCRAM-SHA-512)"}) {
		t.Errorf("%d ACLs, producer ids from %d on, kept %v", img.ACLCount(), img.NextProducerID(), report.KeptUsers)
	}
	if len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "min.insync.replicas") {
		t.Errorf("notes %q", report.Notes)
	}
	audited := 0
	img.PendingAudit(func(r *meta.AuditRecord) bool {
		if r.Origin.Principal == "User:(import)" {
			audited++
		}
		return true
	})
	if audited != len(want)+2 {
		t.Errorf("%d audit records", audited)
	}
}

func TestPartsAndTopicsCanBeLeftOut(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	w.metadata([][]byte{aclOf(1, aclFor("User:a")), userOf("u", 1)}, plainSpecs()...)
	report, err := w.run(Request{Topics: regexp.MustCompile("^(?:b)$"), Without: []Part{ACLs, Users, Offsets}})
	if err != nil {
		t.Fatal(err)
	}
	img := w.store.Image()
	if img.Topic("b") == nil || img.Topic("__transaction_state") == nil || img.TopicCount() != 2 || img.ACLCount() != 0 || img.Scram("u", meta.ScramSHA256) != nil {
		t.Errorf("%d topics, %d ACLs: %+v", img.TopicCount(), img.ACLCount(), report)
	}
}

func TestWhatStandsAgainstAnImport(t *testing.T) {
	a0, a1 := partitionSpec{"a", topicA, 0, 2}, partitionSpec{"a", topicA, 1, 2}
	outOfSync := recordOf(partitionChange, 2).int32(0).uuid(topicA).uvarint(1).tag(0, (&encoder{}).int32s(9)).b
	brokenACL := authz.Binding{Type: authz.Topic, Name: "", Pattern: authz.Literal, Principal: "User:a", Host: "*", Operation: authz.Read, Permission: authz.Allow}
	cases := map[string]struct {
		prepare func(w *world)
		kind    Kind
		// topics is how many are imported where the problem is accepted.
		topics int
	}{
		"a topic of the name": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata(nil, a0)
			w.apply(&meta.AdoptTopics{Node: ownNode, Topics: []meta.AdoptedTopic{{Name: "a", ID: topicB, LeaderEpochs: []int32{0}}}})
		}, Blocked, 1},
		"a topic of the id": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata(nil, a0)
			w.apply(&meta.AdoptTopics{Node: ownNode, Topics: []meta.AdoptedTopic{{Name: "other", ID: topicA, LeaderEpochs: []int32{0}}}})
		}, Blocked, 1},
		"a colliding name": {func(w *world) {
			s := partitionSpec{"x.y", topicA, 0, 1}
			w.source(kafkaDir, s)
			w.metadata(nil, s)
			w.apply(&meta.AdoptTopics{Node: ownNode, Topics: []meta.AdoptedTopic{{Name: "x_y", ID: topicB, LeaderEpochs: []int32{0}}}})
		}, Blocked, 1},
		"the audit log's name": {func(w *world) {
			s := partitionSpec{controller.AuditTopic, topicA, 0, 1}
			w.source(kafkaDir, s)
			w.metadata(nil, s)
		}, Blocked, 0},
		"a part of a topic": {func(w *world) { w.source(kafkaDir, a0); w.metadata(nil, a0, a1) }, Blocked, 0},
		"a partition twice": {func(w *world) {
			w.source(kafkaDir, a0)
			w.source("/kafka2", a0)
			w.metadata(nil, a0)
		}, Blocked, 0},
		"an invalid ACL": {func(w *world) { w.source(kafkaDir, a0); w.metadata([][]byte{aclOf(1, brokenACL)}, a0) }, Blocked, 0},
		"nothing of a topic": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata(nil, a0, partitionSpec{"b", topicB, 0, 0})
		}, Missing, 1},
		"out of sync":     {func(w *world) { w.source(kafkaDir, a0); w.metadata([][]byte{outOfSync}, a0) }, OutOfSync, 1},
		"no metadata log": {func(w *world) { w.source(kafkaDir, a0, a1) }, OutOfSync, 1},
		"a configuration that is not acted on": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata([][]byte{configOf(meta.TopicConfig, "a", "unclean.leader.election.enable", value("true"))}, a0)
		}, Configs, 1},
		"remote storage": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata([][]byte{configOf(meta.TopicConfig, "a", "remote.storage.enable", value("true"))}, a0)
		}, Tiered, 1},
		"a killed broker": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata(nil, a0)
			if err := w.disk.Remove(kafkaDir + "/.kafka_cleanshutdown"); err != nil {
				w.t.Fatal(err)
			}
		}, Unclean, 1},
		"a leader epoch in the metadata that nothing follows": {func(w *world) {
			w.source(kafkaDir, a0)
			writeFile(w.t, w.disk, metadataSegment(0), batchOf(0, topicOf("a", topicA), partitionOf(topicA, 0, kafkaNode, math.MaxInt32, kafkaNode)))
		}, Blocked, 0},
		"a leader epoch in the metadata that changes go beyond": {func(w *world) {
			change := recordOf(partitionChange, 2).int32(0).uuid(topicA).uvarint(1).tag(1, (&encoder{}).int32(kafkaNode)).b
			w.source(kafkaDir, a0)
			writeFile(w.t, w.disk, metadataSegment(0),
				batchOf(0, topicOf("a", topicA), partitionOf(topicA, 0, kafkaNode, math.MaxInt32, kafkaNode), change))
		}, Blocked, 0},
		"a leader epoch in the log that nothing follows": {func(w *world) {
			w.source(kafkaDir, a0)
			w.appendInEpoch(math.MaxInt32)
			w.metadata(nil, a0)
		}, Blocked, 0},
		"producer ids that are all given": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata([][]byte{recordOf(producerIDs, 0).int32(1).int64(9).int64(math.MaxInt64 - 1).end()}, a0)
		}, Blocked, 0},
		"an open transaction": {func(w *world) {
			w.source(kafkaDir, a0)
			w.metadata(nil, a0)
			w.openTransaction()
		}, OpenTransactions, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			c.prepare(w)
			r := Request{}
			if _, err := w.disk.List("/kafka2"); err == nil {
				r.From = []string{kafkaDir, "/kafka2"}
			}
			before := w.store.Image()
			for _, dry := range []bool{true, false} {
				r.DryRun = dry
				report, err := w.run(r)
				if !errors.Is(err, ErrRefused) || !slices.Equal(kinds(report), []Kind{c.kind}) || report.Imported {
					t.Fatalf("dry %v: %v, %+v", dry, err, report)
				}
			}
			if w.store.Image() != before || w.dirs[0].Log("a", 0) != nil {
				t.Error("something was changed")
			}
			r.Accept = Kinds()
			report, err := w.run(r)
			if accepted := c.kind != Blocked; accepted != (err == nil) || accepted != report.Imported {
				t.Fatalf("accepted: %v, %+v", err, report)
			}
			if got := w.store.Image().TopicCount(); got != c.topics {
				t.Errorf("%d topics, want %d", got, c.topics)
			}
		})
	}
}

// appendInEpoch appends a batch of a leader epoch to the source's topic a.
func (w *world) appendInEpoch(epoch int32) {
	w.t.Helper()
	d := w.open(w.disk, kafkaDir)
	var b record.Builder
	b.Add(testTime.UnixMilli(), nil, []byte("late"))
	if _, err := d.Log("a", 0).Append(b.Batch(), storage.AppendInfo{LeaderEpoch: epoch, Origin: storage.Client}); err != nil {
		w.t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// openTransaction appends the batch of a transaction to the source's topic a.
func (w *world) openTransaction() {
	w.t.Helper()
	d := w.open(w.disk, kafkaDir)
	log := d.Log("a", 0)
	guard, err := log.StartVerification(6, 0, 0, false)
	if err != nil {
		w.t.Fatal(err)
	}
	var b record.Builder
	b.Add(testTime.UnixMilli(), nil, []byte("open"))
	batch := transactional(b.Batch(), 6)
	if _, err := log.Append(batch, storage.AppendInfo{LeaderEpoch: 8, Origin: storage.Client, Guard: guard}); err != nil {
		w.t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// TestOpenTransactionsComeWithTheirCoordinator: where __transaction_state comes along they are not refused, and reported all the same.
func TestOpenTransactionsComeWithTheirCoordinator(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	w.metadata(nil, plainSpecs()...)
	w.openTransaction()
	for _, dry := range []bool{true, false} {
		report, err := w.run(Request{DryRun: dry})
		if err != nil || report.Imported == dry || len(report.Problems) != 0 || report.Topics[2].Partitions[0].OpenTransactions != 1 {
			t.Fatalf("dry %v: %v, %+v", dry, err, report)
		}
		if len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "partition 0 has 1 open transaction(s), the first one from offset 10 on") {
			t.Errorf("dry %v: notes %q", dry, report.Notes)
		}
	}
}

func TestAnInterruptedImportIsRunAgain(t *testing.T) {
	for name, refuse := range map[string]func(meta.Command) bool{
		"before the topics": func(c meta.Command) bool { _, ok := c.(*meta.AdoptTopics); return ok },
		"at once":           func(meta.Command) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.source(kafkaDir, plainSpecs()...)
			w.metadata([][]byte{aclOf(1, aclFor("User:a")), userOf("u", 1)}, plainSpecs()...)
			w.refuse = refuse
			report, err := w.run(Request{})
			if !errors.Is(err, errProposal) || report.Imported || w.store.Image().TopicCount() != 0 {
				t.Fatalf("%v, %+v", err, report)
			}
			// The machine stops there.
			w.own = w.own.Kill()
			w.dirs = []*storage.Directory{w.open(w.own, "/own0")}
			w.refuse = nil
			if report, err = w.run(Request{}); err != nil || !report.Imported {
				t.Fatalf("again: %v, %+v", err, report)
			}
			if err := w.dirs[0].Close(); err != nil {
				t.Fatal(err)
			}
			w.dirs = []*storage.Directory{w.open(w.own, "/own0")}
			for _, s := range plainSpecs() {
				if l := w.log(s.topic, s.number); l.EndOffset() != int64(s.records) {
					t.Errorf("%s-%d ends at %d", s.topic, s.number, l.EndOffset())
				}
			}
			if _, err := w.run(Request{}); !errors.Is(err, ErrRefused) {
				t.Errorf("a third time: %v", err)
			}
		})
	}
}

// TestPowerLossAtEveryStepOfAnImport cuts the power at each write of an import, and runs it again after the crash.
func TestPowerLossAtEveryStepOfAnImport(t *testing.T) {
	for steps := range 5000 {
		w := newWorld(t, 1)
		w.source(kafkaDir, plainSpecs()...)
		w.metadata(nil, plainSpecs()...)
		w.own.CutPowerAfter(steps)
		_, err := w.run(Request{})
		done := err == nil
		w.own = w.own.Crash(uint64(steps)) //nolint:gosec // counts from 0
		_ = w.dirs[0].Close()
		w.dirs = []*storage.Directory{w.open(w.own, "/own0")}
		if committed := w.store.Image().TopicCount() > 0; !committed {
			if report, err := w.run(Request{}); err != nil || !report.Imported {
				t.Fatalf("again after %d steps: %v, %+v", steps, err, report)
			}
		}
		for _, s := range plainSpecs() {
			if l := w.log(s.topic, s.number); l.EndOffset() != int64(s.records) || l.TopicID() != s.id {
				t.Fatalf("after %d steps %s-%d ends at %d", steps, s.topic, s.number, l.EndOffset())
			}
		}
		if err := w.dirs[0].Close(); err != nil {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		if done {
			if steps < 50 {
				t.Errorf("an import of %d steps", steps)
			}
			return
		}
	}
	t.Error("the import does not come to its end")
}

func TestACancelledImportLeavesNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	w.metadata(nil, plainSpecs()...)
	before, err := w.own.List("/own0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if report, err := w.runIn(ctx, Request{}); !errors.Is(err, context.Canceled) || report.Imported {
		t.Fatalf("%v, %+v", err, report)
	}
	after, err := w.own.List("/own0")
	if err != nil || len(after) != len(before) || w.store.Image().TopicCount() != 0 {
		t.Errorf("%v before, %v after: %v", before, after, err)
	}
}

func TestALogOfAnotherTopicIsNotReplaced(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	w.metadata(nil, plainSpecs()...)
	if _, err := w.dirs[0].Create(meta.TopicID{77}, "b", 0, storage.DefaultLogConfig()); err != nil {
		t.Fatal(err)
	}
	if report, err := w.run(Request{}); err == nil || !strings.Contains(err.Error(), "another topic b") || report.Imported {
		t.Errorf("%v, %+v", err, report)
	}
	if w.log("b", 0).TopicID() != (meta.TopicID{77}) || w.store.Image().TopicCount() != 0 {
		t.Error("the log was replaced")
	}
}

func TestDamageEndsAnImport(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, plainSpecs()...)
	w.metadata(nil, plainSpecs()...)
	name := kafkaDir + "/a-0/00000000000000000000.log"
	data, err := vfs.ReadFile(w.disk, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := vfs.ReplaceFile(w.disk, name, data); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		report, err := w.run(Request{DryRun: dry, Accept: Kinds()})
		if !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), name+" at position") || report.Imported || w.store.Image().TopicCount() != 0 {
			t.Errorf("dry %v: %v, %+v", dry, err, report)
		}
	}
}

func TestSourcesThatAreNone(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.run(Request{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	w.source(kafkaDir, plainSpecs()...)
	w.metadata(nil, plainSpecs()...)
	other := &storage.MetaProperties{ClusterID: "theirs", NodeID: kafkaNode + 1}
	if err := other.Write(w.disk, "/kafka2"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(Request{From: []string{kafkaDir, "/kafka2"}}); err == nil || !strings.Contains(err.Error(), "one node is imported at a time") {
		t.Errorf("directories of two nodes: %v", err)
	}
	if _, err := w.run(Request{Metadata: "/kafka2"}); !errors.Is(err, ErrMetadataLog) {
		t.Errorf("no metadata log where it is said to be: %v", err)
	}
	w.locked = true
	if _, err := w.run(Request{}); !errors.Is(err, ErrRunning) {
		t.Errorf("a running broker: %v", err)
	}
}

func TestForgedNumbersTakeNothingAway(t *testing.T) {
	w := newWorld(t, 1)
	w.source(kafkaDir, partitionSpec{"a", topicA, 0, 0})
	batch := transactional(batchOf(0, []byte("v")), math.MaxInt64-1)
	batch[22] &^= 1 << 4 // an idempotent one
	binary.BigEndian.PutUint32(batch[17:], batch.ComputeCRC())
	for _, suffix := range []string{".log", ".sums"} {
		name := kafkaDir + "/a-0/00000000000000000000" + suffix
		if err := w.disk.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, w.disk, kafkaDir+"/a-0/00000000000000000000.log", batch)
	report, err := w.run(Request{Accept: []Kind{OutOfSync}})
	if err != nil || !report.Imported || report.Topics[0].Records != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if next := w.store.Image().NextProducerID(); next != 0 {
		t.Errorf("producer ids begin at %d: a client's own choice has used the others up", next)
	}

	w = newWorld(t, 1)
	w.source(kafkaDir, partitionSpec{"a", topicA, math.MaxInt32 - 1, 0})
	report, err = w.run(Request{Accept: Kinds()})
	if !errors.Is(err, ErrRefused) || !slices.Equal(kinds(report), []Kind{OutOfSync, Blocked}) && !slices.Equal(kinds(report), []Kind{Blocked, OutOfSync}) {
		t.Errorf("%+v, %v", report, err)
	}
}
