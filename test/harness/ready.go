package harness

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"
)

// startProcess starts a program and returns what is closed when it has ended.
func startProcess(t testing.TB, what string, cmd *exec.Cmd) chan struct{} {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", what, err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	return exited
}

// awaitReady asks until a program that has been started is ready. It must be so within startTimeout, and not end before; exited is
// nil where that can not be told.
func awaitReady(t testing.TB, what string, exited <-chan struct{}, log *tail, ready func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ready(ctx) {
		select {
		case <-exited:
			t.Fatalf("%s ended at start:\n%s", what, log.last(logLines))
		case <-ctx.Done():
			t.Fatalf("%s is not ready after %s:\n%s", what, startTimeout, log.last(logLines))
		case <-tick.C:
		}
	}
}

// listens tells whether somebody listens on an address.
func listens(address string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
}
