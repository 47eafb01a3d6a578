package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var idle Idle
		ctx, cancel := context.WithCancel(idle.In(t.Context()))
		defer cancel()
		for range 2 {
			wait := BeginWait(ctx)
			<-time.After(time.Hour)
			wait.End()
			<-time.After(time.Minute)
		}
		BeginWait(t.Context()).End() // nobody counts here
		if idle.Total() != 2*time.Hour {
			t.Errorf("waited %v", idle.Total())
		}
		if n := testing.AllocsPerRun(100, func() { BeginWait(ctx).End() }); n != 0 {
			t.Errorf("%v allocations for a wait", n)
		}
	})
}
