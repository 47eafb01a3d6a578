package replica

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testNode = 1

var testTime = time.UnixMilli(1_760_000_000_000)

// world is a set of replicas over a memory disk, and the metadata that it follows.
type world struct {
	t      testing.TB
	fs     vfs.FS
	dirs   []*storage.Directory
	set    *Set
	image  *meta.Image
	minISR int
	// journalFile is the size of the journals' files, policy when they are synced.
	journalFile int64
	policy      journal.FlushPolicy
	// broken is a directory that can not be opened.
	broken string

	registry *prometheus.Registry
	// change changes the settings of new and reconfigured replicas; it may be nil.
	change func(*Settings)
	logged bytes.Buffer // written by the test's goroutine alone
}

func newWorld(t testing.TB, directories int) *world { return newWorldOf(t, directories, 4<<20) }

// newWorldOf is newWorld with journal files of another size.
func newWorldOf(t testing.TB, directories int, journalFile int64) *world {
	t.Helper()
	w := &world{journalFile: journalFile, t: t, fs: vfs.NewMemory(clock), image: meta.NewImage(), minISR: 1}
	for _, id := range []int32{testNode, testNode + 1} {
		w.apply(&meta.RegisterBroker{Broker: meta.Broker{ID: id}})
	}
	w.open(directories)
	return w
}

func clock() time.Time { return testTime }

func (w *world) open(directories int) {
	w.t.Helper()
	w.dirs = nil
	for i := range directories {
		cfg := storage.Config{
			FS: w.fs, Dir: fmt.Sprintf("/data%d", i), JournalFileBytes: w.journalFile, FlushPolicy: w.policy, CheckpointInterval: time.Hour, Clock: clock,
		}
		if cfg.Dir == w.broken {
			w.dirs = append(w.dirs, storage.Unopened(cfg, syscall.EIO))
			continue
		}
		d, err := storage.Open(cfg)
		if err != nil {
			w.t.Fatal(err)
		}
		w.dirs = append(w.dirs, d)
		w.t.Cleanup(func() { _ = d.Close() })
	}
	w.registry = prometheus.NewRegistry()
	metrics, err := NewMetrics(w.registry)
	if err != nil {
		w.t.Fatal(err)
	}
	w.set = NewSet(Config{
		NodeID: testNode, Directories: w.dirs, Walker: record.NewWalker(), Settings: w.settings, Metrics: metrics, Clock: clock, Logger: slog.New(slog.NewTextHandler(&w.logged, nil)),
	})
}

// restart closes everything, opens it again and follows the image as a whole.
func (w *world) restart() {
	w.t.Helper()
	n := len(w.dirs)
	for _, d := range w.dirs {
		if err := d.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.open(n)
	w.set.RemoveStrays(w.image)
	w.follow()
}

// follow has the set follow the image as a whole.
func (w *world) follow() {
	var delta meta.Delta
	w.image.Topics(func(t *meta.Topic) bool {
		delta.TopicsCreated = append(delta.TopicsCreated, t)
		return true
	})
	w.set.Follow(meta.NewImage(), w.image, delta)
}

func (w *world) settings(*meta.Topic) *Settings {
	s := &Settings{
		Log: storage.DefaultLogConfig(), BeforeMaxMs: math.MaxInt64, AfterMaxMs: 3_600_000, MaxMessageBytes: 1 << 20, MinISR: w.minISR,
	}
	if w.change != nil {
		w.change(s)
	}
	return s
}

func (w *world) apply(c meta.Command) {
	w.t.Helper()
	old := w.image
	next, delta, _ := old.Apply(old.Index()+1, c)
	w.image = next
	if w.set != nil {
		w.set.Follow(old, next, delta)
	}
}

func (w *world) create(name string, id byte, replicas ...[]int32) {
	w.t.Helper()
	w.apply(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: name, ID: meta.TopicID{id}, Replicas: replicas}}})
	if w.image.Topic(name) == nil {
		w.t.Fatalf("topic %s was not created", name)
	}
}

func (w *world) replica(name string, partition int32) *Replica {
	w.t.Helper()
	r := w.set.Get(name, partition)
	if r == nil {
		w.t.Fatalf("no replica of %s-%d", name, partition)
	}
	return r
}

// batchOf makes a batch of n records, the first of which has the timestamp at and each of the others one millisecond more.
func batchOf(n int, at time.Time) record.Batch {
	var b record.Builder
	for i := range n {
		b.Add(at.UnixMilli()+int64(i), fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "value %d", i))
	}
	return b.Batch()
}

func mustAppend(t testing.TB, r *Replica, b record.Batch) Appended {
	t.Helper()
	a, err := r.Append(b, true, true, 0, testTime)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// counted is the value of a counter with one label, 0 where it has not been counted.
func (w *world) counted(name, label string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
