package storage

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// watchedVolume is a memory disk that counts the syncs of volumes and of .log files, and calls something, once it is set, behind the
// next sync of a volume.
type watchedVolume struct {
	*vfs.Faults
	behind         once
	volumes, files atomic.Int64
	elsewhere      string // the directory that is on another volume
}

func (w *watchedVolume) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := w.Faults.Open(name, mode)
	if err != nil || !strings.HasSuffix(name, logSuffix) {
		return f, err
	}
	return watchedFile{f, w}, nil
}

func (w *watchedVolume) OpenVolume(dir string) (vfs.Volume, error) {
	v, err := w.Faults.OpenVolume(dir)
	return watchedSync{v, w}, err
}

type watchedFile struct {
	vfs.File
	disk *watchedVolume
}

func (f watchedFile) Sync() error {
	f.disk.files.Add(1)
	return f.File.Sync()
}

type watchedSync struct {
	vfs.Volume
	disk *watchedVolume
}

func (v watchedSync) Sync() error {
	v.disk.volumes.Add(1)
	err := v.Volume.Sync()
	v.disk.behind.run()
	return err
}

// Holds says of one partition's directory that it is elsewhere, if so set.
func (v watchedSync) Holds(dir string) bool { return dir != v.disk.elsewhere }

const volumeTestLogs = 5

// openWatched opens a directory whose checkpoints sync the volume from so many logs on, and gives each of some logs a batch.
func openWatched(t *testing.T, change func(*Config)) (*vfs.Memory, *watchedVolume, *Directory, []*Log) {
	t.Helper()
	memory := vfs.NewMemory(nil)
	disk := &watchedVolume{Faults: vfs.NewFaults(memory)}
	cfg := testConfig(disk)
	cfg.volumeLogs = volumeTestLogs
	if change != nil {
		change(&cfg)
	}
	d := openDir(t, cfg)
	logs := make([]*Log, volumeTestLogs)
	for i := range logs {
		l, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig) //nolint:gosec // small
		must(t, err)
		logs[i] = l
	}
	appendAll(t, logs)
	disk.volumes.Store(0)
	disk.files.Store(0)
	return memory, disk, d, logs
}

func appendAll(t *testing.T, logs []*Log) {
	t.Helper()
	for _, l := range logs {
		appendTo(t, l, batchOf(3, 100, testTime.UnixMilli()))
		waitConfirmed(t, l)
	}
}

// recoveryPoints checks how far the logs are known to be durable.
func recoveryPoints(t *testing.T, logs []*Log, want int64) {
	t.Helper()
	for _, l := range logs {
		l.mu.Lock()
		got := l.recoveryPoint
		l.mu.Unlock()
		if got != want {
			t.Fatalf("the recovery point of partition %d is %d, want %d", l.partition, got, want)
		}
	}
}

// TestManyLogsAreSyncedByTheVolume: one sync of the volume serves all logs, and what is said to be durable survives any power loss.
func TestManyLogsAreSyncedByTheVolume(t *testing.T) {
	memory, disk, d, logs := openWatched(t, nil)
	must(t, d.Checkpoint())
	if v, f := disk.volumes.Load(), disk.files.Load(); v != 1 || f != 0 {
		t.Fatalf("%d syncs of the volume and %d of segments, want 1 and 0", v, f)
	}
	recoveryPoints(t, logs, 3)
	for seed := range uint64(20) {
		crashed := openDir(t, testConfig(memory.Crash(seed)))
		for _, l := range crashed.logs() {
			if l.EndOffset() != 3 {
				t.Fatalf("seed %d: partition %d ends at %d", seed, l.partition, l.EndOffset())
			}
		}
		must(t, crashed.Close())
	}
	_ = d.Close() // without its disk
}

// TestFewLogsAreSyncedByTheirFiles: where few have something to write, and where it is configured.
func TestFewLogsAreSyncedByTheirFiles(t *testing.T) {
	changes := map[string]func(*Config){
		"few":        func(cfg *Config) { cfg.volumeLogs = volumeTestLogs + 1 },
		"configured": func(cfg *Config) { cfg.FilesOnly = true },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			_, disk, d, logs := openWatched(t, change)
			must(t, d.Checkpoint())
			if v, f := disk.volumes.Load(), disk.files.Load(); v != 0 || f != volumeTestLogs {
				t.Fatalf("%d syncs of the volume and %d of segments, want 0 and %d", v, f, volumeTestLogs)
			}
			recoveryPoints(t, logs, 3)
			must(t, d.Close())
		})
	}
	t.Run("idle", func(t *testing.T) {
		_, disk, d, logs := openWatched(t, nil)
		must(t, d.Checkpoint())
		appendAll(t, logs[1:])
		must(t, d.Checkpoint())
		if v, f := disk.volumes.Load(), disk.files.Load(); v != 1 || f != volumeTestLogs-1 {
			t.Fatalf("%d syncs of the volume and %d of segments, want 1 and %d", v, f, volumeTestLogs-1)
		}
		must(t, d.Close())
	})
}

// TestAnotherVolumeIsNotSynced: where another one is mounted in a partition's place, its files are synced by themselves.
func TestAnotherVolumeIsNotSynced(t *testing.T) {
	_, disk, d, logs := openWatched(t, func(cfg *Config) { cfg.volumeLogs = volumeTestLogs - 1 })
	disk.elsewhere = logs[2].path
	must(t, d.Checkpoint())
	if v, f := disk.volumes.Load(), disk.files.Load(); v != 1 || f != 1 {
		t.Fatalf("%d syncs of the volume and %d of segments, want 1 and 1", v, f)
	}
	recoveryPoints(t, logs, 3)
	must(t, d.Close())
}

// TestAFailedSyncOfTheVolume: a file that has lost something takes the directory offline; where it was another's, files are
// synced from then on.
func TestAFailedSyncOfTheVolume(t *testing.T) {
	t.Run("own", func(t *testing.T) {
		_, disk, d, logs := openWatched(t, nil)
		disk.Add(vfs.Fault{Op: vfs.OpSync, Path: testDir, Whole: true, Count: 1, Err: syscall.EIO})
		if err := d.Checkpoint(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("a checkpoint whose data is lost: %v", err)
		}
		if d.Err() == nil {
			t.Fatal("the directory is still in use")
		}
		recoveryPoints(t, logs, 0)
		_ = d.Close() // it says why it failed
	})
	t.Run("another's", func(t *testing.T) {
		_, disk, d, logs := openWatched(t, nil)
		disk.Add(vfs.Fault{Op: vfs.OpSync, Path: testDir, Whole: true, Count: 1, Err: syscall.EIO, Done: true})
		must(t, d.Checkpoint())
		recoveryPoints(t, logs, 3)
		appendAll(t, logs)
		must(t, d.Checkpoint())
		recoveryPoints(t, logs, 6)
		if v, f := disk.volumes.Load(), disk.files.Load(); v != 1 || f != 2*volumeTestLogs {
			t.Fatalf("%d syncs of the volume and %d of segments, want 1 and %d", v, f, 2*volumeTestLogs)
		}
		must(t, d.Close())
	})
}

// TestWhatComesDuringASyncOfTheVolume: appends, truncations, other flushes and deletions go on meanwhile; none of them is taken for
// durable that the volume's sync has not seen, and none of them is held up.
func TestWhatComesDuringASyncOfTheVolume(t *testing.T) {
	meanwhile := map[string]func(t *testing.T, d *Directory, l *Log) (end int64){
		"an append": func(t *testing.T, _ *Directory, l *Log) int64 {
			appendTo(t, l, batchOf(2, 100, testTime.UnixMilli()))
			return 3
		},
		"a flush": func(t *testing.T, _ *Directory, l *Log) int64 {
			appendTo(t, l, batchOf(2, 100, testTime.UnixMilli()))
			must(t, l.Sync())
			return 5
		},
		"a roll": func(t *testing.T, _ *Directory, l *Log) int64 {
			appendTo(t, l, batchOf(1, 15<<10, testTime.UnixMilli()))
			return 3
		},
		"a truncation": func(t *testing.T, _ *Directory, l *Log) int64 {
			must(t, l.Truncate(0))
			appendTo(t, l, batchOf(1, 100, testTime.UnixMilli()))
			return -1
		},
		"a deletion": func(t *testing.T, d *Directory, l *Log) int64 {
			must(t, d.Delete(testTopic, l.partition))
			return -1
		},
	}
	for name, do := range meanwhile {
		t.Run(name, func(t *testing.T) {
			memory, disk, d, logs := openWatched(t, nil)
			var want int64
			disk.behind.set(func() { want = do(t, d, logs[0]) })
			must(t, d.Checkpoint())
			if want >= 0 {
				recoveryPoints(t, logs[:1], want)
			}
			recoveryPoints(t, logs[1:], 3)
			survives(t, memory, d, logs[0])
		})
	}
}

// TestADirectoryIsClosedDuringASyncOfTheVolume: one that is offline is closed while somebody else's checkpoint is under way. The race
// detector tells.
func TestADirectoryIsClosedDuringASyncOfTheVolume(t *testing.T) {
	_, disk, d, _ := openWatched(t, nil)
	disk.Add(vfs.Fault{Op: vfs.OpSync, Path: testDir, Whole: true, Count: 1, Err: syscall.EIO, Done: true})
	closed := make(chan error, 1)
	disk.behind.set(func() {
		d.fail(syscall.EIO)
		go func() { closed <- d.Close() }()
	})
	if err := d.Checkpoint(); err == nil {
		t.Fatal("a checkpoint of an offline directory")
	}
	if err := <-closed; !errors.Is(err, syscall.EIO) {
		t.Fatalf("an offline directory closes with %v", err)
	}
}

// TestFlushesDuringASyncOfTheVolume: each of them takes over what the checkpoint's has begun, snapshots of producers too, wherever that is.
func TestFlushesDuringASyncOfTheVolume(t *testing.T) {
	memory, disk, d, logs := openWatched(t, func(cfg *Config) { cfg.snapshotBytes = 1 })
	var flushes sync.WaitGroup
	failed := make(chan error, len(logs))
	disk.behind.set(func() {
		for _, l := range logs {
			flushes.Go(func() { failed <- l.Sync() })
		}
	})
	must(t, d.Checkpoint())
	flushes.Wait()
	for range logs {
		must(t, <-failed)
	}
	recoveryPoints(t, logs, 3)
	survives(t, memory, d, logs[0])
}

// survives checks that a log is as it is after any power loss. The directory is of no use any more then.
func survives(t *testing.T, memory *vfs.Memory, d *Directory, l *Log) {
	t.Helper()
	there := d.Log("topic", l.partition) != nil
	var want []byte
	if there {
		waitConfirmed(t, l)
		want = readAll(t, l)
	}
	must(t, d.journal.Sync())
	for seed := range uint64(10) {
		crashed := openDir(t, testConfig(memory.Crash(seed)))
		found := crashed.Log("topic", l.partition)
		switch {
		case there != (found != nil):
			t.Fatalf("seed %d: the log is there is %t, want %t", seed, found != nil, there)
		case there && !bytes.Equal(readAll(t, found), want):
			t.Fatalf("seed %d: the log has changed", seed)
		}
		must(t, crashed.Close())
	}
	_ = d.Close() // without its disk
}
