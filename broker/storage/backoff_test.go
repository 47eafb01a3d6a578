package storage

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestBackoffGrows(t *testing.T) {
	var b backoff
	now := testTime
	if !b.due(now) {
		t.Error("what has not failed has to wait")
	}
	var pauses []time.Duration
	for range 16 {
		b.failed(now, 100*time.Millisecond)
		pauses = append(pauses, b.pause)
		if b.due(b.next.Add(-1)) || !b.due(b.next) {
			t.Fatalf("after %v it is due at the wrong time", b.pause)
		}
		now = b.next
	}
	if pauses[0] != 100*time.Millisecond || pauses[1] != time.Second || pauses[2] != 2*time.Second || pauses[15] != maxBackoff {
		t.Errorf("the pauses are %v", pauses)
	}
}

// movingClock is a clock that a test moves.
type movingClock struct{ passed atomic.Int64 }

func (c *movingClock) now() time.Time        { return testTime.Add(time.Duration(c.passed.Load())) }
func (c *movingClock) pass(by time.Duration) { c.passed.Add(int64(by)) }

// lockedBuffer takes the log of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// TestALogThatCanNotBeReadIsCompactedLater: it is tried after pauses that grow, counted meanwhile, and told of once.
func TestALogThatCanNotBeReadIsCompactedLater(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	d := openDir(t, compactConfig(disk))
	l := fillLog(t, d, 1, "topic", 200)
	want := newest(t, l)
	must(t, d.Checkpoint())
	var clock movingClock
	var logged lockedBuffer
	c := testCleaner(t, d, clock.now)
	c.cfg.Backoff, c.cfg.Logger = 15*time.Second, slog.New(slog.NewTextHandler(&logged, nil))
	for i, wait := range []time.Duration{0, 15 * time.Second, 30 * time.Second} {
		disk.Add(vfs.Fault{Op: vfs.OpRead, Path: logSuffix, Count: 1, Err: syscall.EIO})
		if i > 0 {
			clock.pass(wait - 1)
			if c.Clean(t.Context()) || disk.Pending() == 0 {
				t.Fatalf("failure %d: it is tried before its time", i)
			}
			clock.pass(1)
		}
		if c.Clean(t.Context()) || disk.Pending() > 0 {
			t.Fatalf("failure %d: it is not tried", i)
		}
	}
	clock.pass(time.Minute - 1)
	if c.Clean(t.Context()) || gaugeOf(t, c.cfg.Metrics.uncleanable) != 1 || gaugeOf(t, c.cfg.Metrics.uncleanableBytes) == 0 {
		t.Error("it is compacted before its time, or not counted")
	}
	clock.pass(1)
	if !c.Clean(t.Context()) || len(c.failed) > 0 {
		t.Fatalf("it is not compacted: %v", c.failed)
	}
	if c.Clean(t.Context()) || gaugeOf(t, c.cfg.Metrics.uncleanable) != 0 {
		t.Error("it is counted still")
	}
	if n := logged.count("level=WARN"); n != 1 || logged.count("level=ERROR") > 0 || d.Counts().FailedReads != 3 {
		t.Errorf("%d warnings, %d failed reads", n, d.Counts().FailedReads)
	}
	must(t, d.Err())
	if got := newest(t, l); !maps.Equal(got, want) {
		t.Errorf("the newest records are %v, want %v", got, want)
	}
	must(t, d.Close())
}

// TestMendingIsTriedAfterPausesThatGrow: the batches can not be read at first. It is told of once, however often it is read.
func TestMendingIsTriedAfterPausesThatGrow(t *testing.T) {
	memory := vfs.NewMemory(nil)
	want, segments := indexedLog(t, memory)
	disk := vfs.NewFaults(memory)
	var clock movingClock
	var logged lockedBuffer
	cfg := testConfig(disk)
	cfg.Clock, cfg.Logger = clock.now, slog.New(slog.NewTextHandler(&logged, nil))
	d := openDir(t, cfg)
	l := d.Log("topic", 0)
	damaged := (*l.segments.Load())[1]
	flipBit(t, memory, segments[1].name(offsetSuffix), 14)
	read := func() {
		t.Helper()
		if _, err := l.Read(damaged.base, 1, l.EndOffset(), true, nil); wire.CodeOf(err) != wire.KafkaStorageError {
			t.Fatal(err)
		}
	}
	pauseIs := func(pause time.Duration) func() bool {
		return func() bool {
			damaged.mend.mu.Lock()
			defer damaged.mend.mu.Unlock()
			return !damaged.mend.asked && damaged.mend.backoff.pause == pause
		}
	}
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		disk.Add(vfs.Fault{Op: vfs.OpRead, Path: segments[1].name(logSuffix), Count: 1, Err: syscall.EIO})
		read()
		until(t, "a try has failed", pauseIs(pause))
		for range 3 {
			read()
		}
		if !pauseIs(pause)() {
			t.Error("it is tried again at once")
		}
		clock.pass(pause)
	}
	mended(t, d, l, want)
	if n := logged.count("can not be built anew"); n != 1 {
		t.Errorf("told of %d times", n)
	}
	must(t, d.Close())
}

// TestCompactionDoesNotWaitForWhatCanNotBeMended: an index and the batches are damaged, and the log is given up, once.
func TestCompactionDoesNotWaitForWhatCanNotBeMended(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := compactConfig(disk)
	d := openDir(t, cfg)
	fillLog(t, d, 1, "topic", 200)
	must(t, d.Close())
	d = openDir(t, cfg)
	l := d.Log("topic", 0)
	first := (*l.segments.Load())[0]
	flipBit(t, disk, first.name(offsetSuffix), 3)
	flipBit(t, disk, first.name(logSuffix), 75)
	first.offsets.damaged.Store(true) // as by a read
	var clock movingClock
	var logged lockedBuffer
	c := testCleaner(t, d, clock.now)
	c.cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	until(t, "the log is given up", func() bool {
		clock.pass(time.Hour)
		if c.Clean(context.Background()) {
			t.Fatal("it is compacted")
		}
		return c.failed[l] != nil
	})
	if !errors.Is(c.failed[l], ErrCorrupt) || logged.count("level=WARN") > 1 || logged.count("level=ERROR") != 1 {
		t.Errorf("%v; %s", c.failed[l], logged.b.String())
	}
	must(t, d.Close())
}
