package shard

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// fakeWorld gives out producer ids and takes markers.
type fakeWorld struct{ markers []txn.SendMarkers }

func (w *fakeWorld) do(_ context.Context, _ int32, what any) any {
	switch what := what.(type) {
	case txn.WantProducerID:
		return txn.ProducerID{ID: 4000}
	case txn.SendMarkers:
		w.markers = append(w.markers, what)
		var marked txn.Marked
		for _, p := range what.Partitions {
			marked = append(marked, txn.MarkedPartition{TopicPartition: p})
		}
		return marked
	default:
		return nil
	}
}

func newTestTransactions(w *fakeWorld) *Transactions {
	return NewTransactions(TransactionsConfig{
		Transactions: txn.Config{
			MaxTimeout: 15 * time.Minute, AbortInterval: 10 * time.Second, IDExpiration: 24 * time.Hour, ExpiryInterval: time.Hour,
			MarkerRetryMin: 100 * time.Millisecond, MarkerRetryMax: 10 * time.Second, MaxAppendBytes: 1 << 19,
		},
		Partitions: func() int32 { return 50 },
		Do:         w.do,
		Logger:     slog.New(slog.DiscardHandler),
	})
}

func TestATransactionFromBeginToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world := &fakeWorld{}
		h := newTestTransactions(world)
		defer h.Close()
		unknown := coordinator.Entry{Record: coordinator.Record{Key: []byte{0, 9}, Value: []byte{1}}}
		log := &memoryLog{entries: []coordinator.Entry{unknown, {Marker: ending}}}
		partition := h.PartitionOf("t", 50)
		if err := h.Load(partition, 3, log); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ask := func(q txn.Request) any {
			t.Helper()
			answer, err := h.SendTxn(t.Context(), "t", q)(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		nobody := txn.Producer{ID: -1, Epoch: -1}
		p, _ := ask(txn.Init{TransactionalID: "t", TimeoutMillis: 1000, Expected: nobody}).(txn.Producer)
		if p != (txn.Producer{ID: 4000}) {
			t.Fatalf("producer = %+v", p)
		}
		ask(txn.Add{TransactionalID: "t", Producer: p, Partitions: []txn.TopicPartition{{Topic: "a", Partition: 1}}})
		ask(txn.End{TransactionalID: "t", Producer: p, Commit: true})
		synctest.Wait()
		if len(world.markers) != 1 || !world.markers[0].Commit || world.markers[0].CoordinatorEpoch != 3 {
			t.Fatalf("markers = %+v", world.markers)
		}
		told, _ := ask(txn.Describe{TransactionalID: "t"}).(*kmsg.DescribeTransactionsResponseTransactionState)
		if told == nil || told.State != "CompleteCommit" {
			t.Fatalf("state = %+v", told)
		}
	})
}

// The finalized transaction.version decides in which version records are written.
func TestLevelReachesMachinesNowAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestTransactions(&fakeWorld{})
		defer h.Close()
		logs := []*memoryLog{{}, {}}
		load := func(p int32) {
			if err := h.Load(p, 1, logs[p]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		load(0)
		if err := h.SetLevel(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		load(1)
		for p, log := range logs {
			_, err := h.Ask(t.Context(), int32(p), txn.Init{TransactionalID: "t", TimeoutMillis: 1000, Expected: txn.Producer{ID: -1, Epoch: -1}})
			if err != nil {
				t.Fatal(err)
			}
			if version := log.entries[0].Value[1]; version != 1 {
				t.Errorf("partition %d writes version %d", p, version)
			}
		}
	})
}

func TestMalformedTransactionStopsTheLoad(t *testing.T) {
	m := txnMachine{txn.New(txn.Config{}, 1, 0), slog.New(slog.DiscardHandler)}
	if err := m.Replay(coordinator.Entry{Record: coordinator.Record{Key: []byte{0, 0}}}); err == nil {
		t.Fatal("a key without an id was taken")
	}
	if wire.CodeOf(m.Replay(coordinator.Entry{Marker: ending})) != wire.None {
		t.Fatal("a marker was not skipped")
	}
}

func TestTransactionCoordinatorsFollowTheSizeOfBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestTransactions(&fakeWorld{})
		defer h.Close()
		var logged strings.Builder
		troubled := 0
		h.cfg.Logger, h.cfg.Troubled = slog.New(slog.NewTextHandler(&logged, nil)), func() { troubled++ }
		if err := h.Load(0, 1, &memoryLog{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for bytes, want := range map[int]int16{50: wire.UnknownServerError, 500: wire.None} {
			if err := h.SetMaxAppend(t.Context(), bytes); err != nil {
				t.Fatal(err)
			}
			q := txn.Init{TransactionalID: fmt.Sprint("t", bytes), TimeoutMillis: 1000, Expected: txn.Producer{ID: -1, Epoch: -1}}
			_, err := h.Ask(t.Context(), 0, q)
			expectCode(t, err, want)
		}
		if line := logged.String(); troubled != 1 || strings.Count(line, "id=t50 ") != 1 || !strings.Contains(line, "max.message.bytes") {
			t.Fatalf("counted %d, logged %q", troubled, line)
		}
	})
}
