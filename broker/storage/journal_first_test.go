package storage

import (
	"errors"
	"testing"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestARecoveryRestsOnADurableJournal: a killed process leaves a log start in the journal that no disk has, and the power goes at
// every step of the start that follows. Where it takes the log start back, it must not leave what recovery has done because of it:
// leader epochs of which the first one has lost its end.
func TestARecoveryRestsOnADurableJournal(t *testing.T) {
	for cut := 0; ; cut++ {
		disk, opened := startAfterKill(t, cut)
		for seed := range uint64(5) {
			d := openDir(t, testConfig(disk.Crash(seed)))
			l := d.Log("topic", 0)
			want := EpochEnd{1, max(l.StartOffset(), 3)}
			if got := l.EndOffsetFor(1); got != want {
				t.Fatalf("cut after %d steps, seed %d: epoch 1 of a log from %d on ends at %+v, want %+v", cut, seed, l.StartOffset(), got, want)
			}
			must(t, d.Close())
		}
		if opened {
			return
		}
		if cut > 1000 {
			t.Fatal("a start takes no end")
		}
	}
}

// startAfterKill writes two epochs and a log start in the second one, kills the process, and cuts the power so many steps into
// the next start.
func startAfterKill(t *testing.T, cut int) (disk *vfs.Memory, opened bool) {
	t.Helper()
	disk = vfs.NewMemory(nil)
	cfg := testConfig(disk)
	cfg.FlushPolicy = journal.FlushOS
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	for epoch := range int32(2) {
		if _, err := l.Append(batchOf(3, 100, testTime.UnixMilli()), AppendInfo{LeaderEpoch: epoch + 1, Origin: Client}); err != nil {
			t.Fatal(err)
		}
	}
	must(t, d.Checkpoint())
	must(t, l.DeleteRecordsBefore(4))
	disk = disk.Kill()
	_ = d.Close() // without its disk
	disk.CutPowerAfter(cut)
	cfg.FS = disk
	d, err := Open(cfg)
	if err != nil && !errors.Is(err, vfs.ErrPowerLost) {
		t.Fatal(err)
	}
	if err == nil {
		_ = d.Close() // it may lose its power now
	}
	return disk, err == nil
}
