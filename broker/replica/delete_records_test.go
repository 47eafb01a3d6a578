package replica

import (
	"testing"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestCompactedTopicsKeepTheirRecords(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	mustAppend(t, r, batchOf(3, testTime))
	settings := *r.settings.Load()
	settings.Log.CompactOnly = true
	r.configure(&settings)
	if _, err := r.DeletableTo(ToHighWatermark); wire.CodeOf(err) != wire.PolicyViolation {
		t.Errorf("compact alone: %v", err)
	}
	settings.Log.CompactOnly = false
	r.configure(&settings)
	to, err := r.DeletableTo(ToHighWatermark)
	if err != nil || to != 3 {
		t.Fatalf("up to %d: %v", to, err)
	}
	wait, err := r.StartDeleteRecords(to)
	if err != nil {
		t.Fatal(err)
	}
	if low, err := wait(t.Context()); err != nil || low != 3 || r.LogStart() != 3 {
		t.Errorf("the log starts at %d, told %d: %v", r.LogStart(), low, err)
	}
	if to, err := r.DeletableTo(1); err != nil || to != 3 {
		t.Errorf("below the log start: to %d, %v", to, err)
	}
}
