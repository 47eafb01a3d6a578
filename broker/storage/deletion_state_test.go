package storage

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// remains are the logs and segments that may still be in memory.
type remains struct {
	logs     []weak.Pointer[Log]
	segments []weak.Pointer[segment]
}

func (r *remains) note(l *Log) {
	r.logs = append(r.logs, weak.Make(l))
	for _, s := range *l.segments.Load() {
		r.segments = append(r.segments, weak.Make(s))
	}
}

// count is how many of them are in memory.
func (r *remains) count() (logs, segments int) {
	runtime.GC()
	for _, l := range r.logs {
		if l.Value() != nil {
			logs++
		}
	}
	for _, s := range r.segments {
		if s.Value() != nil {
			segments++
		}
	}
	return logs, segments
}

// TestADeletedLogLeavesNothingInMemory makes, uses and deletes logs again and again: appends of idempotent producers, reads,
// compaction, scrubbing, deleted records and a truncation. The logs and their segments, those that compaction has replaced too, are
// free to go, and nothing else tells of them.
func TestADeletedLogLeavesNothingInMemory(t *testing.T) {
	for name, policy := range map[string]evict.Policy{"LRU": evict.LRU, "LFU": evict.LFU} {
		t.Run(name, func(t *testing.T) {
			cfg := compactConfig(vfs.NewMemory(nil))
			cache, err := NewSegmentCache(CacheConfig{Policy: policy, Clock: cfg.Clock})
			must(t, err)
			cfg.Cache = cache
			d := openDir(t, cfg)
			kept := fillLog(t, d, 200, "kept", 10)
			must(t, d.Checkpoint())
			cleaner, scrubber := testCleaner(t, d, cfg.Clock), newScrubber(t, d)
			before := cache.Stats()

			var left remains
			for i := range byte(20) {
				useAndDelete(t, d, cleaner, scrubber, i+1, &left)
			}
			appendTo(t, kept, keyed("key", "what follows"))
			waitConfirmed(t, kept)
			must(t, d.Checkpoint())
			cleaner.Clean(t.Context())
			d.reap(cfg.Clock().Add(2 * cfg.DefaultLogConfig.FileDeleteDelay))

			deadline := time.Now().Add(10 * time.Second)
			logs, segments := left.count()
			for ; logs+segments > 0 && time.Now().Before(deadline); logs, segments = left.count() {
				runtime.Gosched()
			}
			if logs+segments > 0 || len(left.segments) < 100 {
				t.Errorf("%d of %d logs and %d of %d segments are in memory", logs, len(left.logs), segments, len(left.segments))
			}
			if after := cache.Stats(); after.OpenFiles > before.OpenFiles || after.Files.Held > before.Files.Held || after.Indexes.Held > before.Indexes.Held || after.UnsyncedFiles > 0 {
				t.Errorf("the cache had %+v and has %+v", before, after)
			}
			if len(d.byID) != 1 || len(d.named) != 1 || len(d.retired) != 0 || len(d.cleaned) > 1 || len(cleaner.failed) != 0 {
				t.Errorf("%d logs, named are %v, retired %v, cleaned %v, failed %v", len(d.byID), d.named, d.retired, d.cleaned, cleaner.failed)
			}
			must(t, d.Close())
		})
	}
}

// useAndDelete makes a log, does to it what can be done, and deletes it. Every third one is damaged, so that compaction gives up on it.
func useAndDelete(t *testing.T, d *Directory, cleaner *Cleaner, scrubber *Scrubber, id byte, left *remains) {
	t.Helper()
	l := fillLog(t, d, id, fmt.Sprint("short-lived-", id), 200)
	for sequence := range int32(10) {
		appendTo(t, l, idempotent(1, 0, sequence))
	}
	waitConfirmed(t, l)
	left.note(l)
	must(t, d.Checkpoint())
	must(t, scrubber.Scrub(t.Context()))
	if id%3 == 0 {
		flipBit(t, d.cfg.FS, (*l.segments.Load())[0].name(logSuffix), 75)
	} else {
		readAll(t, l)
	}
	for cleaner.Clean(t.Context()) {
	}
	left.note(l)
	if failed := cleaner.failed[l] != nil; failed != (id%3 == 0) {
		t.Fatalf("log %d could not be compacted: %t", id, failed)
	}
	must(t, l.DeleteRecordsBefore(150))
	_, err := l.Retain(d.cfg.Clock(), l.Confirmed())
	must(t, err)
	must(t, l.Truncate(205))
	appendTo(t, l, keyed("key", "the last one"))
	must(t, d.Delete(l.id, 0))
}

// TestAFileIsNotKeptThatIsClosedWhileItIsOpened: it would hold its place in the cache until that is full.
func TestAFileIsNotKeptThatIsClosedWhileItIsOpened(t *testing.T) {
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	before := d.files.cache.Stats()
	h := newHandle(d.files, testDir+"/file")
	h.mu.Lock()
	o, opened, err := h.openLocked(vfs.Create)
	h.mu.Unlock()
	if err != nil || !opened {
		t.Fatalf("opened: %t, %v", opened, err)
	}
	must(t, h.Close()) // by another goroutine, before the one that has opened it goes on
	h.keep()
	must(t, h.release(o))
	if after := d.files.cache.Stats(); after.Files.Held != before.Files.Held || after.OpenFiles != before.OpenFiles {
		t.Errorf("the cache had %d files, %d of them open, and has %d and %d", before.Files.Held, before.OpenFiles, after.Files.Held, after.OpenFiles)
	}
	must(t, d.Close())
}
