package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// maxSteps bounds how many steps of an action the power is cut at.
const maxSteps = 1000

// forget has a directory's checkpoint files tell of a log, longer than those that come, of a topic that is deleted.
func forget(t *testing.T, d *Directory) {
	t.Helper()
	l, err := d.Create(TopicID{77}, "topic", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	patched := batchOf(1, 10, testTime.UnixMilli())
	patch(patched, 1_000_000, 1)
	_, err = l.Append(patched, AppendInfo{LeaderEpoch: 1, Origin: Replication})
	must(t, err)
	must(t, l.DeleteRecordsBefore(1_000_000))
	must(t, d.Checkpoint())
	must(t, d.Delete(TopicID{77}, 0))
}

// foreignGaps writes a log with gaps and a raised start into the other directory, and closes it.
func foreignGaps(t *testing.T, disk vfs.FS) (data []byte, start int64) {
	t.Helper()
	cfg := testConfig(disk)
	cfg.Dir = otherDir
	d := openDir(t, cfg)
	must(t, (&MetaProperties{ClusterID: "c", NodeID: 1}).Write(disk, otherDir))
	l := newLogIn(t, d)
	replicated(t, l, 20)
	must(t, l.DeleteRecordsBefore(30))
	data, start = readAll(t, l), l.StartOffset()
	must(t, d.Close())
	return data, start
}

// TestACrashAfterAnImport cuts the power at every step of an import's end, before any checkpoint: the log is there as a whole or
// not at all, whatever had its name before.
func TestACrashAfterAnImport(t *testing.T) {
	for _, older := range []bool{false, true} {
		for cut, published := 0, false; !published; cut++ {
			disk := vfs.NewMemory(nil)
			want, start := foreignGaps(t, disk)
			d := openDir(t, testConfig(disk))
			if older {
				forget(t, d)
			}
			s, err := d.Stage(t.Context(), surveyed(t, disk))
			must(t, err)
			disk.CutPowerAfter(cut)
			err = s.Publish()
			if published = err == nil; !published && !errors.Is(err, vfs.ErrPowerLost) || cut > maxSteps {
				t.Fatalf("cut after %d steps: %v", cut, err)
			}
			for seed := range uint64(2) {
				d := openDir(t, testConfig(disk.Crash(seed)))
				l := d.Log("topic", 0)
				switch {
				case l == nil || l.TopicID() != testTopic:
					if published {
						t.Fatalf("cut after %d steps, seed %d: the log is gone", cut, seed)
					}
				case l.StartOffset() != start || !bytes.Equal(readAll(t, l), want):
					t.Fatalf("cut after %d steps, seed %d: from %d to %d, not from %d on", cut, seed, l.StartOffset(), l.EndOffset(), start)
				}
				must(t, d.Close())
			}
			_ = d.Close() // without power
		}
	}
}

// movable makes two directories, the first of which has a log with gaps and a raised start, and the second an older log's traces.
func movable(t *testing.T, disk vfs.FS) (from, to *Directory, want []byte) {
	t.Helper()
	from, to = twoDirectories(t, disk)
	forget(t, to)
	l := newLogIn(t, from)
	replicated(t, l, 20)
	must(t, l.DeleteRecordsBefore(30))
	return from, to, readAll(t, l)
}

// checkMovable opens what a crash has left: one of the directories has the log, and each that has it has all of it.
func checkMovable(t *testing.T, disk vfs.FS, want []byte, what string) {
	t.Helper()
	from, to := twoDirectories(t, disk)
	found := 0
	for _, d := range []*Directory{from, to} {
		l := d.Log("topic", 0)
		if l == nil || l.TopicID() != testTopic {
			continue
		}
		found++
		if l.StartOffset() != 30 || !bytes.Equal(readAll(t, l), want) {
			t.Fatalf("%s: in %s it is from %d to %d", what, d.Path(), l.StartOffset(), l.EndOffset())
		}
	}
	if found == 0 {
		t.Fatalf("%s: the log is gone", what)
	}
	must(t, errors.Join(from.Close(), to.Close()))
}

// TestACrashDuringAMoveToAnOlderName cuts the power at every step of a move into a directory whose checkpoints tell of a deleted
// topic's partition of the same name.
func TestACrashDuringAMoveToAnOlderName(t *testing.T) {
	for cut, moved := 0, false; !moved; cut++ {
		disk := vfs.NewMemory(nil)
		from, to, want := movable(t, disk)
		disk.CutPowerAfter(cut)
		m, err := to.StartMove(from.Log("topic", 0))
		if err == nil {
			_, err = m.Finish(context.Background())
		}
		if moved = err == nil; !moved && !errors.Is(err, vfs.ErrPowerLost) || cut > maxSteps {
			t.Fatalf("cut after %d steps: %v", cut, err)
		}
		for seed := range uint64(2) {
			checkMovable(t, disk.Crash(seed), want, fmt.Sprintf("cut after %d steps, seed %d", cut, seed))
		}
		_, _ = from.Close(), to.Close() // without power
	}
}

// TestAMoveIsGivenUpAtItsEnd: the copy can not be read when it has its name. The power goes at every step of what follows.
func TestAMoveIsGivenUpAtItsEnd(t *testing.T) {
	for cut, ended := 0, false; !ended; cut++ {
		disk := vfs.NewMemory(nil)
		faults := vfs.NewFaults(disk)
		from, to, want := movable(t, faults)
		m, err := to.StartMove(from.Log("topic", 0))
		must(t, err)
		must(t, m.Copy(context.Background()))
		faults.Add(vfs.Fault{Op: vfs.OpList, Path: movedDir + "/topic-0", Count: 1, Err: syscall.EIO})
		disk.CutPowerAfter(cut)
		_, err = m.Finish(context.Background())
		if !errors.Is(err, syscall.EIO) && !errors.Is(err, vfs.ErrPowerLost) || cut > maxSteps {
			t.Fatalf("cut after %d steps: the move ends with %v", cut, err)
		}
		ended = m.Abandon() == nil && errors.Is(err, syscall.EIO)
		if ended {
			checkGivenUp(t, to)
		}
		for seed := range uint64(2) {
			checkMovable(t, disk.Crash(seed), want, fmt.Sprintf("cut after %d steps, seed %d", cut, seed))
		}
		_, _ = from.Close(), to.Close() // without power
	}
}

// checkGivenUp fails unless a directory is online and nothing of the copy is there.
func checkGivenUp(t *testing.T, to *Directory) {
	t.Helper()
	must(t, to.Err())
	entries, err := to.cfg.FS.List(movedDir)
	must(t, err)
	for _, e := range entries {
		if _, _, partition := parsePartitionDir(e.Name); partition {
			t.Errorf("%s is there", e.Name)
		}
	}
}
