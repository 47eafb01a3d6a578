package shard

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestHost() *Host[wish] {
	return New(Config[wish]{
		New:    newCounter,
		Do:     echo,
		Name:   "test",
		Logger: slog.New(slog.DiscardHandler),
	})
}

// mustLoad loads partition 0 in epoch 1.
func mustLoad(t *testing.T, h *Host[wish], log Log) {
	t.Helper()
	if err := h.Load(0, 1, log); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func mustAsk(t *testing.T, h *Host[wish], w wish) any {
	t.Helper()
	answer, err := h.Ask(context.Background(), 0, w)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func expectCode(t *testing.T, err error, want int16) {
	t.Helper()
	if got := wire.CodeOf(err); got != want {
		t.Fatalf("got %v, want %s", err, wire.CodeName(want))
	}
}

func TestServesAfterLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		_, err := h.Ask(t.Context(), 0, wish{add: 1})
		expectCode(t, err, wire.NotCoordinator)

		log := &memoryLog{loading: make(chan struct{}), entries: []coordinator.Entry{{Record: added(40)}}}
		if err := h.Load(0, 1, log); err != nil {
			t.Fatal(err)
		}
		_, err = h.Ask(t.Context(), 0, wish{add: 1})
		expectCode(t, err, wire.CoordinatorLoadInProgress)
		close(log.loading)
		synctest.Wait()
		if got := mustAsk(t, h, wish{add: 2}); got != uint64(42) {
			t.Fatalf("sum = %v", got)
		}
		h.Unload(0)
		_, err = h.Ask(t.Context(), 0, wish{})
		expectCode(t, err, wire.NotCoordinator)
	})
}

func TestRequestsShareABatchWhileTheDiskIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{gate: make(chan error)}
		mustLoad(t, h, log)
		var waits []Wait
		for range 100 {
			waits = append(waits, h.Send(t.Context(), 0, wish{add: 1}))
		}
		synctest.Wait()
		records, batches := log.written()
		if records != 100 || batches >= 100 {
			t.Fatalf("%d records in %d batches before the first was confirmed", records, batches)
		}
		for range batches {
			log.gate <- nil
		}
		for i, wait := range waits {
			if got, err := wait(t.Context()); err != nil || got != uint64(i+1) {
				t.Fatalf("answer %d = %v, %v", i, got, err)
			}
		}
	})
}

func TestNoBatchIsLargerThanTheTopicTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{gate: make(chan error)}
		mustLoad(t, h, log)
		most := 3 * added(1).Size()
		if err := h.setMaxAppend(t.Context(), most, wish{tell: 1}); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			h.Send(t.Context(), 0, wish{add: 1})
		}
		synctest.Wait()
		total := 0
		for _, records := range log.batches {
			if records > 3 {
				t.Fatalf("a batch has %d records", records)
			}
			total += records
		}
		if total != 100 {
			t.Fatalf("%d records are written", total)
		}
	})
}

func TestFailedAppendLoadsAgain(t *testing.T) {
	for _, broken := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := newTestHost()
			defer h.Close()
			log := &memoryLog{}
			mustLoad(t, h, log)
			mustAsk(t, h, wish{add: 5})
			parked := h.Send(t.Context(), 0, wish{park: true})
			gate := make(chan error, 1)
			gate <- wire.Errorf(wire.NotEnoughReplicas, "alone")
			log.set(func(l *memoryLog) { l.broken, l.gate = broken, gate })
			_, err := h.Ask(t.Context(), 0, wish{add: 1})
			want := wire.CoordinatorNotAvailable
			if broken {
				want = wire.NotCoordinator
			}
			expectCode(t, err, want)
			_, err = parked(t.Context())
			expectCode(t, err, wire.NotCoordinator)
			_, err = h.Ask(t.Context(), 0, wish{})
			expectCode(t, err, wire.CoordinatorLoadInProgress)

			log.set(func(l *memoryLog) { l.broken, l.gate = false, nil })
			<-time.After(firstRetry)
			synctest.Wait()
			records, _ := log.written()
			if got := mustAsk(t, h, wish{}); got != uint64(4+records) {
				t.Fatalf("sum = %v with %d records", got, records)
			}
		})
	}
}

func TestUnreadableLogIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{unreadable: true}
		if err := h.Load(0, 1, log); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		_, err := h.Ask(t.Context(), 0, wish{})
		expectCode(t, err, wire.CoordinatorLoadInProgress)
		log.set(func(l *memoryLog) { l.unreadable = false })
		<-time.After(lastRetry)
		synctest.Wait()
		mustAsk(t, h, wish{add: 1})
	})
}

// TestPanicInReplayIsTriedAgain: a record that the machine can not bear must not take the process with it, at each start.
func TestPanicInReplayIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{entries: []coordinator.Entry{{Record: coordinator.Record{Key: []byte("boom")}}}}
		mustLoad(t, h, log)
		_, err := h.Ask(t.Context(), 0, wish{add: 1})
		expectCode(t, err, wire.CoordinatorLoadInProgress)
		log.set(func(l *memoryLog) { l.entries = []coordinator.Entry{{Record: added(40)}} })
		<-time.After(2 * firstRetry)
		synctest.Wait()
		if got := mustAsk(t, h, wish{add: 2}); got != uint64(42) {
			t.Fatalf("sum = %v", got)
		}
	})
}

func TestPanicOfTheMachineCostsOnlyItsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		mustLoad(t, h, &memoryLog{})
		mustAsk(t, h, wish{add: 3})
		_, err := h.Ask(t.Context(), 0, wish{boom: true})
		expectCode(t, err, wire.NotCoordinator)
		<-time.After(firstRetry)
		synctest.Wait()
		if got := mustAsk(t, h, wish{}); got != uint64(3) {
			t.Fatalf("sum = %v", got)
		}
	})
}

func TestWakesTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		mustLoad(t, h, &memoryLog{})
		began := time.Now()
		woken, ok := mustAsk(t, h, wish{alarm: time.Minute}).(time.Time)
		if !ok || woken.Sub(began) != time.Minute {
			t.Fatalf("woken after %s", woken.Sub(began))
		}
	})
}

func TestWaiterThatGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		mustLoad(t, h, &memoryLog{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Ask(ctx, 0, wish{alarm: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("err = %v", err)
		}
		<-time.After(2 * time.Minute)
		mustAsk(t, h, wish{add: 1})
	})
}

func TestCloseAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		for p := range int32(3) {
			if err := h.Load(p, 1, &memoryLog{gate: make(chan error)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Load(3, 1, &memoryLog{loading: make(chan struct{})}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var waits []Wait
		for p := range int32(3) {
			waits = append(waits, h.Send(t.Context(), p, wish{park: true}), h.Send(t.Context(), p, wish{add: 1}))
		}
		h.Close()
		for _, wait := range waits {
			_, err := wait(t.Context())
			expectCode(t, err, wire.NotCoordinator)
		}
		if err := h.Load(0, 1, &memoryLog{}); !errors.Is(err, ErrClosed) {
			t.Fatalf("load after close: %v", err)
		}
	})
}

// The values are what Apache Kafka 4.3.1 computes.
func TestPartitionFor(t *testing.T) {
	for key, want := range map[string]int32{
		"": 0, "group": 47, "console-consumer-12345": 6, "ÄÖ😀": 39, "polygenelubricants": 0,
	} {
		if got := PartitionFor(key, 50); got != want {
			t.Errorf("%q: partition %d, want %d", key, got, want)
		}
	}
	if got := PartitionFor("polygenelubricants", math.MaxInt32); got != 0 {
		t.Errorf("the smallest hash goes to %d", got)
	}
}
