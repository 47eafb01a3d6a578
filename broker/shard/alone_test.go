package shard

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

var (
	someone   = &coordinator.Producer{ID: 7, Epoch: 2, Guard: 9}
	ending    = &coordinator.Marker{ProducerID: 7, Epoch: 2, Commit: true}
	errFenced = fmt.Errorf("%w: %w", ErrRefused, wire.Errorf(wire.InvalidProducerEpoch, "epoch 2 is older than 3"))
)

func TestTransactionsAndMarkersShareNoBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{gate: make(chan error)}
		mustLoad(t, h, log)
		wishes := []wish{{add: 1}, {add: 2}, {add: 3, producer: someone}, {add: 4}, {end: ending}, {add: 5}}
		var waits []Wait
		for _, w := range wishes {
			waits = append(waits, h.Send(t.Context(), 0, w))
		}
		synctest.Wait()
		for range log.batches {
			log.gate <- nil
		}
		for i, sum := range []uint64{1, 3, 6, 10, 10, 15} {
			if got, err := waits[i](t.Context()); err != nil || got != sum {
				t.Fatalf("answer %d = %v, %v, want %d", i, got, err, sum)
			}
		}
		if len(log.alone) != 2 || *log.alone[0].Producer != *someone || len(log.alone[0].Records) != 1 || *log.alone[1].Marker != *ending {
			t.Fatalf("of their own: %+v", log.alone)
		}
		for i, e := range log.entries {
			if (e.Marker != nil) != (i == 4) || e.Marker == nil && uint64(e.Value[0]) != wishes[i].add {
				t.Fatalf("entry %d = %+v", i, e)
			}
		}
	})
}

// A refused append costs its own request and nothing else: the machine goes on, with what it knew before.
func TestRefusedAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{gate: make(chan error), refusal: errFenced}
		mustLoad(t, h, log)
		before := h.Send(t.Context(), 0, wish{add: 1})
		refused := h.Send(t.Context(), 0, wish{add: 2, producer: someone})
		marker := h.Send(t.Context(), 0, wish{end: ending})
		after := h.Send(t.Context(), 0, wish{add: 4})
		synctest.Wait()
		for range 2 {
			log.gate <- nil
		}
		for _, wait := range []Wait{refused, marker} {
			_, err := wait(t.Context())
			expectCode(t, err, wire.InvalidProducerEpoch)
		}
		for wait, want := range map[*Wait]uint64{&before: 1, &after: 5} {
			if got, err := (*wait)(t.Context()); err != nil || got != want {
				t.Fatalf("sum = %v, %v, want %d", got, err, want)
			}
		}
		if len(log.alone) != 0 {
			t.Fatalf("written: %+v", log.alone)
		}
	})
}

// Any other error leaves open what is in the log: the machine is loaded again.
func TestFailedAppendOfATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		log := &memoryLog{refusal: errDisk}
		mustLoad(t, h, log)
		_, err := h.Ask(t.Context(), 0, wish{add: 2, producer: someone})
		expectCode(t, err, wire.NotCoordinator)
		<-time.After(firstRetry)
		synctest.Wait()
		if got := mustAsk(t, h, wish{}); got != uint64(0) {
			t.Fatalf("sum = %v", got)
		}
	})
}

func TestMachineKnowsTheLeaderEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		for _, epoch := range []int32{3, 4} {
			if err := h.Load(0, epoch, &memoryLog{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := mustAsk(t, h, wish{epoch: true}); got != epoch {
				t.Fatalf("epoch = %v, want %d", got, epoch)
			}
		}
	})
}

func TestTellReachesMachinesThatAreBeingLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		loading := make(chan struct{})
		for p, log := range []*memoryLog{{}, {loading: loading}} {
			if err := h.Load(int32(p), 1, log); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if err := h.Tell(t.Context(), wish{tell: 5}); err != nil {
			t.Fatal(err)
		}
		close(loading)
		synctest.Wait()
		for p := range int32(2) {
			if got, err := h.Ask(t.Context(), p, wish{level: true}); err != nil || got != uint64(5) {
				t.Fatalf("partition %d: level = %v, %v", p, got, err)
			}
		}
	})
}
