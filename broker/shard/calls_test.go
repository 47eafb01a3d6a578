package shard

import (
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestCallsReturnWhileTheMachineServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		mustLoad(t, h, &memoryLog{})
		gate := make(chan struct{})
		calls := make([]Wait, 2*maxCalls)
		for i := range calls {
			calls[i] = h.Send(t.Context(), 0, wish{call: gate})
		}
		synctest.Wait()
		mustAsk(t, h, wish{add: 1})
		close(gate)
		for _, wait := range calls {
			if got, err := wait(t.Context()); err != nil || got != gate {
				t.Fatalf("the call returned %v, %v", got, err)
			}
		}
		if got := mustAsk(t, h, wish{call: errDisk}); got != nil {
			t.Fatalf("a call that panics returned %v", got)
		}
	})
}

func TestNoMoreCallsAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		defer h.Close()
		mustLoad(t, h, &memoryLog{})
		gate := make(chan struct{})
		defer close(gate)
		for range maxCalls {
			h.Send(t.Context(), 0, wish{call: gate})
		}
		one := h.Send(t.Context(), 0, wish{call: "late"})
		synctest.Wait()
		answered := make(chan any, 1)
		go func() { answer, _ := one(t.Context()); answered <- answer }()
		synctest.Wait()
		select {
		case got := <-answered:
			t.Fatalf("one call more has run and returned %v", got)
		default:
		}
		gate <- struct{}{}
		if got := <-answered; got != "late" {
			t.Fatalf("the call returned %v", got)
		}
	})
}

func TestUnloadEndsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost()
		mustLoad(t, h, &memoryLog{})
		wait := h.Send(t.Context(), 0, wish{call: make(chan struct{})})
		synctest.Wait()
		h.Close()
		_, err := wait(t.Context())
		expectCode(t, err, wire.NotCoordinator)
	})
}
