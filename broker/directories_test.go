package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// twoDirectories are the options of a broker with two log directories; the metadata log is in the first one.
func twoDirectories(t *testing.T) Options {
	t.Helper()
	o := testOptions(t.TempDir())
	o.LogDirs = append(o.LogDirs, filepath.Join(filepath.Dir(o.LogDirs[0]), "more"))
	format(t, o)
	return o
}

// session is a client of a broker with a deadline.
type session struct {
	*testing.T
	ctx    context.Context
	client *kgo.Client
	admin  *kadm.Client
}

func connect(t *testing.T, b *Broker) *session {
	t.Helper()
	c := client(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordRetries(0), kgo.DisableIdempotentWrite())
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return &session{T: t, ctx: ctx, client: c, admin: kadm.NewClient(c)}
}

func (s *session) produce(topic string, partition int32) error {
	return s.client.ProduceSync(s.ctx, &kgo.Record{Topic: topic, Partition: partition, Value: []byte("kept")}).FirstErr()
}

func (s *session) create(topic string, partitions int32) {
	s.Helper()
	if _, err := s.admin.CreateTopic(s.ctx, partitions, 1, nil, topic); err != nil {
		s.Fatal(err)
	}
}

// held maps each directory's last element to its partitions of a topic; nil for an offline directory.
func (s *session) held(topic string) map[string][]int32 {
	s.Helper()
	described, err := s.admin.DescribeAllLogDirs(s.ctx, nil)
	if err != nil {
		s.Fatal(err)
	}
	out := map[string][]int32{}
	described.Each(func(d kadm.DescribedLogDir) {
		name := filepath.Base(d.Dir)
		if errors.Is(d.Err, kerr.KafkaStorageError) {
			out[name] = nil
			return
		}
		out[name] = []int32{}
		for p := range d.Topics[topic] {
			out[name] = append(out[name], p)
		}
	})
	return out
}

// ends is where a partition ends; an error where it is offline.
func (s *session) ends(topic string, partition int32) (int64, error) {
	s.Helper()
	listed, err := s.admin.ListEndOffsets(s.ctx, topic)
	if o, found := listed.Lookup(topic, partition); found {
		return o.Offset, o.Err
	}
	return -1, fmt.Errorf("partition %d of %s is not listed: %w", partition, topic, err)
}

func TestADirectoryThatIsAwayAtTheStart(t *testing.T) {
	o := twoDirectories(t)
	b := start(t, o)
	s := connect(t, b)
	s.create("t", 4)
	for p := range int32(4) {
		if err := s.produce("t", p); err != nil {
			t.Fatal(err)
		}
	}
	away := s.held("t")["more"]
	if len(away) == 0 || len(away) == 4 {
		t.Fatalf("the partitions are in %v", s.held("t"))
	}
	stop(t, b)
	// The mount is missing: its directory is empty.
	hidden := o.LogDirs[1] + ".hidden"
	if err := os.Rename(o.LogDirs[1], hidden); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(o.LogDirs[1], 0o700); err != nil {
		t.Fatal(err)
	}

	b = start(t, o)
	s = connect(t, b)
	if s.held("t")["more"] != nil {
		t.Errorf("a directory that is away is online: %v", s.held("t"))
	}
	for p := range int32(4) {
		if _, err := s.ends("t", p); (err != nil) != slices.Contains(away, p) {
			t.Errorf("partition %d, with %v away: %v", p, away, err)
		}
	}
	checkOfflineReplicas(t, s, away)
	s.create("later", 2)
	if err := s.produce("later", 1); err != nil {
		t.Errorf("a topic that is made meanwhile: %v", err)
	}
	if _, err := s.admin.UpdatePartitions(s.ctx, 6, "t"); err != nil {
		t.Fatal(err)
	}
	if err := s.produce("t", 5); err != nil {
		t.Errorf("a partition that is made meanwhile: %v", err)
	}
	if _, err := s.ends("t", away[0]); err == nil {
		t.Error("a partition that is away was made anew")
	}
	stop(t, b)
	b = start(t, o)
	s = connect(t, b)
	if end, err := s.ends("t", 5); err != nil || end != 1 {
		t.Errorf("what was made meanwhile ends at %d: %v", end, err)
	}
	stop(t, b)

	if err := errors.Join(os.RemoveAll(o.LogDirs[1]), os.Rename(hidden, o.LogDirs[1])); err != nil {
		t.Fatal(err)
	}
	b = start(t, o)
	defer stop(t, b)
	s = connect(t, b)
	for p := range int32(4) {
		if end, err := s.ends("t", p); err != nil || end != 1 {
			t.Errorf("partition %d ends at %d with its directory back: %v", p, end, err)
		}
	}
}

// checkOfflineReplicas compares the offline replicas of Metadata with the partitions that are away.
func checkOfflineReplicas(t *testing.T, s *session, away []int32) {
	t.Helper()
	q := kmsg.NewPtrMetadataRequest()
	q.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr("t")}}
	described, err := q.RequestWith(s.ctx, s.client)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range described.Topics[0].Partitions {
		if offline := slices.Contains(away, p.Partition); offline != (len(p.OfflineReplicas) == 1) || offline != (p.Leader == -1) {
			t.Errorf("partition %d: leader %d, offline replicas %v", p.Partition, p.Leader, p.OfflineReplicas)
		}
	}
}

func TestNoDirectoryIsOnlineAtTheStart(t *testing.T) {
	o := twoDirectories(t)
	for _, d := range o.LogDirs {
		if err := os.WriteFile(filepath.Join(d, "meta.properties"), []byte("version=7\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := New(o).Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "/more") || !strings.Contains(err.Error(), "/data") {
		t.Errorf("it has to name each directory: %v", err)
	}
}

func TestADirectoryThatFailsAtRunTime(t *testing.T) {
	o := twoDirectories(t)
	faults := vfs.NewFaults(vfs.OS{})
	o.Files = faults
	b := start(t, o)
	s := connect(t, b)
	s.create("t", 4)
	held := s.held("t")
	fails, lives := held["more"], held["data"]
	faults.Add(vfs.Fault{Op: vfs.OpSync, Path: "/more/chronik.journal", Err: errors.New("input/output error")})
	if err := s.produce("t", fails[0]); err == nil {
		t.Error("a record was acknowledged that is not on disk")
	}
	if err := s.produce("t", lives[0]); err != nil {
		t.Errorf("the other directory: %v", err)
	}
	if s.held("t")["more"] != nil {
		t.Error("the failed directory is online")
	}
	checkOfflineReplicas(t, s, fails)
	select {
	case err := <-b.Failed():
		t.Fatalf("the broker gave up with a directory left: %v", err)
	default:
	}
	faults.Add(vfs.Fault{Op: vfs.OpSync, Path: "/data/chronik.journal", Err: errors.New("input/output error")})
	_ = s.produce("t", lives[0])
	select {
	case err := <-b.Failed():
		if !errors.Is(err, errOffline) {
			t.Errorf("the last line: %v", err)
		}
	case <-s.ctx.Done():
		t.Error("the broker goes on without a directory")
	}
	faults.Clear()
	if err := b.Shutdown(s.ctx); err == nil {
		t.Error("a stop without its directories is no clean one")
	}
}

// A read that fails is answered with an error; the partition is not taken out of service, and the next read may succeed.
func TestAReadThatFails(t *testing.T) {
	o := twoDirectories(t)
	faults := vfs.NewFaults(vfs.OS{})
	o.Files = faults
	b := start(t, o)
	defer stop(t, b)
	s := connect(t, b)
	s.create("t", 1)
	if err := s.produce("t", 0); err != nil {
		t.Fatal(err)
	}
	faults.Add(vfs.Fault{Op: vfs.OpRead, Path: "/t-0/", Err: syscall.EIO})
	q := kmsg.NewPtrFetchRequest()
	q.MaxBytes = 1 << 20
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes = 1 << 20
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	c := client(t, b, kgo.MaxVersions(kversion.V2_8_0())) // the last one that names topics
	defer c.Close()
	fetch := func() kmsg.FetchResponseTopicPartition {
		resp, err := c.Broker(1).RetriableRequest(s.ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		return resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
	}
	if got := fetch(); got.ErrorCode != kerr.KafkaStorageError.Code || len(got.RecordBatches) != 0 {
		t.Errorf("a read that fails: code %d, %d bytes", got.ErrorCode, len(got.RecordBatches))
	}
	if held := s.held("t"); held["data"] == nil || held["more"] == nil {
		t.Errorf("a directory is offline: %v", held)
	}
	faults.Clear()
	if got := fetch(); got.ErrorCode != 0 || len(got.RecordBatches) == 0 {
		t.Errorf("the next read: code %d, %d bytes", got.ErrorCode, len(got.RecordBatches))
	}
}

func TestCordonedDirectoriesGetNothingNew(t *testing.T) {
	o := twoDirectories(t)
	o.CordonedDirs = o.LogDirs[1:]
	b := start(t, o)
	s := connect(t, b)
	s.create("t", 4)
	if held := s.held("t"); len(held["data"]) != 4 || len(held["more"]) != 0 {
		t.Errorf("the partitions are in %v", held)
	}
	stop(t, b)
	o.CordonedDirs = o.LogDirs
	b = start(t, o)
	defer stop(t, b)
	s = connect(t, b)
	if _, err := s.admin.CreateTopic(s.ctx, 1, 1, nil, "u"); !errors.Is(err, kerr.InvalidReplicationFactor) {
		t.Errorf("with all directories cordoned: %v", err)
	}
	if err := s.produce("t", 0); err != nil {
		t.Errorf("what is there goes on: %v", err)
	}
}
