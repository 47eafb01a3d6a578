package tls

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestPipesAreNotWaitedFor holds that a pipe without a writer in the place of a store or among revocation lists is refused: a plain open
// waits at it for ever, and with it all reloads, the metrics and the end of the broker.
func TestPipesAreNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir} {
		if _, err := readFiles(path); !errors.Is(err, errNotRegular) {
			t.Errorf("store %s: %v", path, err)
		}
	}
	if _, err := newCRLFiles([]string{dir}).read(nil, time.Now()); !errors.Is(err, errNotRegular) {
		t.Errorf("revocation lists: %v", err)
	}
}
