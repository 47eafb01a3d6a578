package handler

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/fetchsession"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// recordsBroker has the APIs of records over a memory disk, with the topics "t" (id 1, two partitions), "u" (id 2) and the
// internal "__own" (id 3).
type recordsBroker struct {
	t     testing.TB
	log   *securityLog
	set   *replica.Set
	area  *Records
	rows  map[int16]api.Row
	rules groupGrants
	user  string
	// unverified says of logs that are configured from now on that transactions need no verification.
	unverified bool
}

var recordsTime = time.UnixMilli(1_760_000_000_000)

func newRecordsBroker(t testing.TB, cfg storage.Config) *recordsBroker {
	t.Helper()
	clock := func() time.Time { return recordsTime }
	cfg.CheckpointInterval, cfg.Clock = time.Hour, clock
	d, err := storage.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	b := &recordsBroker{t: t, log: &securityLog{Store: meta.NewStore()}, rules: groupGrants{"*"}, user: "alice", rows: map[int16]api.Row{}}
	metrics, err := replica.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	b.set = replica.NewSet(replica.Config{
		NodeID: 1, Directories: []*storage.Directory{d}, Walker: record.NewWalker(), Metrics: metrics, Clock: clock, Logger: slog.New(slog.DiscardHandler),
		Settings: func(*meta.Topic) *replica.Settings {
			log := storage.DefaultLogConfig()
			log.VerifyTransactions = !b.unverified
			return &replica.Settings{
				Log: log, BeforeMaxMs: math.MaxInt64, AfterMaxMs: 3_600_000, MaxMessageBytes: 1 << 20, MinISR: 1,
			}
		},
	})
	b.log.Subscribe(b.set.Follow)
	b.area = &Records{
		Image: b.log.Image, Replicas: b.set, Clock: clock, MaxFetchBytes: 55 << 20,
		Sessions: fetchsession.NewCache(fetchsession.Config{Slots: 10, MinIdle: time.Minute, Clock: clock}),
	}
	for _, row := range b.area.Rows() {
		b.rows[row.Key] = row
	}
	b.register(1)
	b.propose(&meta.CreateTopics{Topics: []meta.NewTopic{
		{Name: "t", ID: meta.TopicID{1}, Replicas: [][]int32{{1}, {1}}},
		{Name: "u", ID: meta.TopicID{2}, Replicas: [][]int32{{1}}},
		{Name: "__own", ID: meta.TopicID{3}, Replicas: [][]int32{{1}}, Internal: true},
	}})
	if b.log.Image().Topic("__own") == nil {
		t.Fatal("the topics were not created")
	}
	return b
}

// withRecords runs a test in a bubble whose time passes only while everybody waits.
func withRecords(t *testing.T, run func(t *testing.T, b *recordsBroker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		disk := vfs.NewMemory(func() time.Time { return recordsTime })
		run(t, newRecordsBroker(t, storage.Config{FS: disk, Dir: "/data", JournalFileBytes: 4 << 20}))
	})
}

func (b *recordsBroker) register(id int32) {
	b.propose(&meta.RegisterBroker{Broker: meta.Broker{
		ID: id, Rack: "r1", Endpoints: []meta.Endpoint{{Listener: "TLS", Protocol: "SASL_SSL", Host: fmt.Sprintf("broker-%d.test", id), Port: 9094}},
	}})
}

func (b *recordsBroker) propose(c meta.Command) {
	b.t.Helper()
	if _, err := b.log.Propose(context.Background(), c); err != nil {
		b.t.Fatal(err)
	}
}

// call makes a call as the pipeline does, up to the handler.
func (b *recordsBroker) call(q kmsg.Request, version int16) (api.Row, *api.Call, *authz.Need) {
	q.SetVersion(version)
	row := b.rows[q.Key()]
	c := &api.Call{
		Conn: api.Conn{Listener: "TLS", Host: netip.MustParseAddr("10.0.0.1")}, Key: q.Key(), Version: version, Request: q,
		Session: &auth.Session{Principal: auth.User(b.user)},
	}
	c.Resolved = row.Resolve(c)
	granted, refused := authz.Grant(b.rules, c.Subject(), row.Needs(c))
	c.Granted = granted
	return row, c, refused
}

// send sends a request, as a server reads it, and returns the answer, as a client reads it; nil where there is none.
func (b *recordsBroker) send(q kmsg.Request, version int16) kmsg.Response {
	b.t.Helper()
	q.SetVersion(version)
	read := kmsg.RequestForKey(q.Key())
	read.SetVersion(version)
	if err := read.ReadFrom(q.AppendTo(nil)); err != nil {
		b.t.Fatal(err)
	}
	row, c, refused := b.call(read, version)
	if refused != nil {
		return decoded(b.t, row.Refuse(c, wire.TransactionalIDAuthorizationFailed))
	}
	answer := row.Handle(b.t.Context(), c)
	resp := answer.Response
	if answer.Later != nil {
		resp = answer.Later(b.t.Context())
	}
	if resp == nil {
		return nil
	}
	return decoded(b.t, resp)
}

func decoded(t testing.TB, resp kmsg.Response) kmsg.Response {
	t.Helper()
	out := kmsg.ResponseForKey(resp.Key())
	out.SetVersion(resp.GetVersion())
	if err := out.ReadFrom(resp.AppendTo(nil)); err != nil {
		t.Fatalf("decode %T: %v", resp, err)
	}
	return out
}

func recordsBatch(n int) []byte {
	var b record.Builder
	for i := range n {
		b.Add(recordsTime.UnixMilli()+int64(i), fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "value %d", i))
	}
	return b.Batch()
}

// produceRequest asks for acks=-1 on one partition, by name and by id.
func produceRequest(topic string, id byte, partition int32, batch []byte) *kmsg.ProduceRequest {
	q := kmsg.NewPtrProduceRequest()
	q.Acks, q.TimeoutMillis = -1, 30_000
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = topic, meta.TopicID{id}
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, batch
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	return q
}

func (b *recordsBroker) produce(q *kmsg.ProduceRequest, version int16) kmsg.ProduceResponseTopicPartition {
	b.t.Helper()
	return b.send(q, version).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
}

// fill appends batches of ten records to t-0 and returns the size of one.
func (b *recordsBroker) fill(batches int) int {
	b.t.Helper()
	for range batches {
		if p := b.produce(produceRequest("t", 1, 0, recordsBatch(10)), 9); p.ErrorCode != wire.None {
			b.t.Fatalf("produce: %s", wire.CodeName(p.ErrorCode))
		}
	}
	return len(recordsBatch(10))
}
