package broker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/storage"
)

// shortLived is what the names of the topics begin with that are deleted.
const shortLived = "short-lived"

// compactingRules let all topics but the audit log be compacted, in small segments whose files go at once.
type compactingRules struct{ plainRules }

func (compactingRules) ReplicaSettings(t *meta.Topic) *replica.Settings {
	s := plainRules{}.ReplicaSettings(t)
	if t.Name == controller.AuditTopic {
		return s
	}
	s.Log.Compact, s.Log.CompactOnly, s.Log.MinCleanableRatio = true, true, 0
	s.Log.SegmentBytes, s.Log.FileDeleteDelay = 4000, 0
	return s
}

// held is what is left in memory of deleted topics.
type held struct {
	replicas []weak.Pointer[replica.Replica]
	logs     []weak.Pointer[storage.Log]
	topics   []weak.Pointer[meta.Topic]
}

func (h *held) note(b *Broker, topic string) {
	h.topics = append(h.topics, weak.Make(b.store.Image().Topic(topic)))
	for p := range int32(2) {
		h.replicas = append(h.replicas, weak.Make(b.replicas.Get(topic, p)))
		h.logs = append(h.logs, weak.Make(b.directories[0].Log(topic, p)))
	}
}

func living[T any](list []weak.Pointer[T]) (n int) {
	for _, p := range list {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// footprint is what the broker uses.
type footprint struct {
	goroutines, named                int
	openFiles, heldFiles, indexBytes int64
	replicas, logs, topics           int
}

func (h *held) footprint(t *testing.T, b *Broker) footprint {
	t.Helper()
	runtime.GC()
	cache := b.cache.Stats()
	return footprint{
		goroutines: runtime.NumGoroutine(), named: openByName(t) + metricsByName(t, b) + filesByName(t, b.options.LogDirs[0]),
		openFiles: cache.OpenFiles, heldFiles: cache.Files.Held, indexBytes: cache.Indexes.Held,
		replicas: living(h.replicas), logs: living(h.logs), topics: living(h.topics),
	}
}

// within says whether nothing is more than it was.
func (f footprint) within(was footprint) bool {
	return f.goroutines <= was.goroutines && f.named <= was.named && f.openFiles <= was.openFiles && f.heldFiles <= was.heldFiles &&
		f.indexBytes <= was.indexBytes && f.replicas+f.logs+f.topics == 0
}

// openByName counts the files that the process has open and that belong to one of the topics.
func openByName(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.Contains(name, shortLived) {
			n++
		}
	}
	return n
}

// metricsByName counts the metrics that speak of one of the topics.
func metricsByName(t *testing.T, b *Broker) (n int) {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		n += strings.Count(family.String(), shortLived)
	}
	return n
}

// filesByName counts what stands in the log directory under the name of one of the topics.
func filesByName(t *testing.T, dir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, shortLived+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// TestDeletedTopicsLeaveNothing makes, uses and deletes topics again and again: idempotent producers, groups with offsets, fetch
// sessions and polls that wait, compaction and scrubbing. Then no more goroutines, files, memory and metrics are there than before.
func TestDeletedTopicsLeaveNothing(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Topics = func(func() *meta.Image) TopicRules { return compactingRules{} }
	o.Cleaner = storage.CleanerConfig{Threads: 1, Backoff: time.Millisecond, DedupeBytes: 1 << 20, LoadFactor: 0.9, IOBytes: 64 << 10, BytesPerSecond: 1e12}
	o.Scrub = storage.ScrubConfig{Interval: time.Millisecond, BytesPerSecond: 1 << 40}
	o.CheckpointInterval = 20 * time.Millisecond
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	s := connect(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // the race detector makes it slow
	defer cancel()
	s.ctx = ctx

	goOn := func() {
		if err := s.produce("kept", 0); err != nil {
			t.Fatal(err)
		}
	}
	s.create("kept", 1)
	goOn()
	var left held
	useTopicAndDelete(s, b, "warm-up", &held{}) // makes the offsets topic, and connections
	was := left.footprint(t, b)
	for i := range 10 {
		useTopicAndDelete(s, b, fmt.Sprint(shortLived, "-", i), &left)
	}
	goOn()
	now := left.footprint(t, b)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; !now.within(was) && s.ctx.Err() == nil; now = left.footprint(t, b) {
		<-tick.C
	}
	if !now.within(was) {
		t.Errorf("there was %+v and is, of %d replicas, %+v", was, len(left.replicas), now)
	}
}

// useTopicAndDelete makes a topic, has a producer and a group work with it, and deletes it while the group waits for more.
func useTopicAndDelete(s *session, b *Broker, topic string, left *held) {
	s.Helper()
	s.create(topic, 2)
	left.note(b, topic)
	producer := client(s.T, b)
	defer producer.Close()
	for i := range 60 {
		for key := range 4 {
			r := &kgo.Record{Topic: topic, Key: fmt.Append(nil, key), Value: fmt.Appendf(nil, "%0200d", i)}
			producer.Produce(s.ctx, r, nil)
		}
		if err := producer.Flush(s.ctx); err != nil {
			s.Fatal(err)
		}
	}
	consumer := client(s.T, b, kgo.ConsumeTopics(topic), kgo.ConsumerGroup("readers-of-"+topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.CloseAllowingRebalance()
	for seen := map[string]bool{}; len(seen) < 4; {
		fetches := consumer.PollFetches(s.ctx)
		if err := fetches.Err(); err != nil {
			s.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Key)] = true })
	}
	if err := consumer.CommitUncommittedOffsets(s.ctx); err != nil {
		s.Fatal(err)
	}
	polling, stopPolling := context.WithCancel(s.ctx)
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		consumer.PollFetches(polling)
	}()
	if _, err := s.admin.DeleteTopic(s.ctx, topic); err != nil {
		s.Fatal(err)
	}
	stopPolling()
	<-polled
}
