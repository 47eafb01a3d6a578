//go:build interop

package interop

import (
	"testing"
	"time"
)

const (
	// stillFor is how long a wait goes on while nothing changes: a busy machine may take seconds for what takes another one milliseconds.
	stillFor = time.Minute
	// atMost bounds a wait that sees changes all the time: what goes round in circles is a failure, too.
	atMost = 3 * time.Minute
	// The pause between two looks, which grows: a look may cost the broker a request.
	firstPause, lastPause = 5 * time.Millisecond, 50 * time.Millisecond
	// countedPause is how much of a pause counts. A test that was not run for longer, as on a machine that was stopped, has not waited for
	// that.
	countedPause = time.Second
)

// waitFor waits until something is done, for a minute.
func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	waitSeeing(t, what, func() (string, bool) { return "", done() })
}

// waitSeeing waits until something is done, for as long as the state that each look tells of goes on changing. When nothing has changed for a
// minute it fails with the state.
func waitSeeing(t *testing.T, what string, look func() (state string, done bool)) {
	t.Helper()
	var waited, still time.Duration
	pause, before := firstPause, time.Now()
	last, done := look()
	for !done {
		if still > stillFor || waited > atMost {
			t.Fatalf("waited %s for %s, the last %s of it without any progress: %s", waited.Round(time.Second), what, still.Round(time.Second), last)
		}
		<-time.After(pause)
		pause = min(pause*5/4, lastPause)
		var state string
		state, done = look()
		passed := min(time.Since(before), countedPause)
		before = time.Now()
		waited, still = waited+passed, still+passed
		if state != last {
			last, still = state, 0
		}
	}
}

// reportFailures tells of the first failures of clients: one makes many.
func reportFailures(t *testing.T, who string, failures []string) {
	t.Helper()
	const shown = 10
	for _, f := range failures[:min(len(failures), shown)] {
		t.Errorf("%s: %s", who, f)
	}
	if len(failures) > shown {
		t.Errorf("%s: %d more failures", who, len(failures)-shown)
	}
}
