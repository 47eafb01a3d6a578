package storage

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/journal"
)

// draw is what a seed chooses for all its lives.
type draw struct {
	policy journal.FlushPolicy
	// references is the size from which batches go round the journal; 0 means that of the configuration.
	references int64
	// directories is how many there are. Where there are two, logs move between them.
	directories int
	// tiny has the segment cache, which all directories share, give something up all the time.
	tiny bool
	// faults has a call fail in some lives. bare removes the side-cars before some starts.
	faults, bare bool
	// scrubs has the scrubber read, which makes the side-cars that are missing.
	scrubs bool
	// volume has checkpoints sync the volume, however few logs there are.
	volume bool
}

func newDraw(r *rand.Rand) (d draw) {
	if r.IntN(3) == 0 {
		d.policy = journal.FlushInterval + journal.FlushPolicy(r.IntN(2))
	}
	if r.IntN(2) == 0 {
		d.references = 300 + r.Int64N(1500)
	}
	d.directories = 1
	if r.IntN(3) == 0 {
		d.directories = 2
	}
	d.tiny = r.IntN(3) == 0
	d.faults = r.IntN(3) == 0
	d.bare = r.IntN(4) == 0
	d.scrubs = r.IntN(3) == 0
	d.volume = r.IntN(2) == 0
	return d
}

func (d draw) String() string {
	return fmt.Sprintf("flush policy %s, %d directories, tiny cache %t, faults %t, side-cars removed %t, scrubbed %t, volume synced %t", d.policy, d.directories, d.tiny, d.faults, d.bare, d.scrubs, d.volume)
}

// config is that of a directory.
func (m *model) config(dir string, cache *SegmentCache) Config {
	cfg := testConfig(m.gate)
	cfg.Dir, cfg.Cache = dir, cache
	cfg.FlushPolicy = m.draw.policy
	cfg.JournalFileBytes = 64 << 10
	cfg.ReferenceBytes = m.draw.references
	cfg.RecoveryThreads, cfg.syncsAtOnce = 1, 1 // a seed repeats the order of all calls
	cfg.snapshotBytes = 1500
	if m.draw.volume {
		cfg.volumeLogs = 1
	}
	cfg.Clock = m.clock.now
	cfg.DefaultLogConfig.SegmentBytes = 6000
	cfg.DefaultLogConfig.VerifyTransactions = true
	cfg.DefaultLogConfig.SegmentMs = time.Hour.Milliseconds()
	cfg.DefaultLogConfig.RetentionBytes = 20_000
	cfg.DefaultLogConfig.RetentionMs = 6 * time.Hour.Milliseconds()
	return cfg
}

// newCache is the one that the directories of a life share.
func (m *model) newCache() *SegmentCache {
	cfg := CacheConfig{Clock: m.clock.now}
	if m.draw.tiny {
		cfg.Files, cfg.IndexBytes, cfg.Policy = MinCacheFiles, 100, evict.LRU
	}
	cache, err := NewSegmentCache(cfg)
	must(m.t, err)
	return cache
}
