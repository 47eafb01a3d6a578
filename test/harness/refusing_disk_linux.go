package harness

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// LimitFileSize lets the running process write no file beyond so many bytes: from now on the kernel refuses with EFBIG, which a
// broker can not tell from a disk that fails.
func (b *Broker) LimitFileSize(t testing.TB, bytes uint64) {
	t.Helper()
	if err := unix.Prlimit(b.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: bytes}, nil); err != nil {
		t.Fatalf("limit the size of the broker's files: %v", err)
	}
}

// ExitCode waits until the process has ended by itself.
func (b *Broker) ExitCode(t testing.TB) int {
	t.Helper()
	select {
	case <-b.exited:
		return b.cmd.ProcessState.ExitCode()
	case <-time.After(startTimeout):
		t.Fatalf("the broker did not end within %s", startTimeout)
		return 0
	}
}
