package storage

import (
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestADiskThatIsFullAgainAndAgain: what is free suffices for the reserve and not for what comes next. The directory does not change its
// mind each second, and says so no more often; where there is plenty, it goes on at once.
func TestADiskThatIsFullAgainAndAgain(t *testing.T) {
	var clock movingClock
	var logged lockedBuffer
	disk := vfs.NewMemory(nil)
	disk.SetCapacity(20 << 20)
	cfg := testConfig(disk)
	cfg.ReserveBytes, cfg.Clock = 512<<10, clock.now
	cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	d := openDir(t, cfg)
	fills := func() { d.full.set(syscall.ENOSPC) }
	taken := func() bool { return d.Full() == nil }
	fills()
	until(t, "records are taken", taken) // the first time
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		fills()
		clock.pass(pause*time.Second - 1)
		if d.regain(); taken() {
			t.Fatalf("records are taken before %d s are over", pause)
		}
		clock.pass(1)
		until(t, "records are taken", taken)
	}
	clock.pass(fullPause)
	fills()
	until(t, "records are taken at once after a quiet time", taken)
	fills()
	disk.SetCapacity(100 << 20)
	until(t, "records are taken at once where there is plenty", taken)
	if n := logged.count("the disk is full"); n != 11 {
		t.Errorf("said %d times", n)
	}
	must(t, d.Close())
}
