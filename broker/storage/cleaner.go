package storage

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"syscall"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// CleanerConfig says how logs are compacted. Threads, Logs and Metrics are required.
type CleanerConfig struct {
	// Threads is log.cleaner.threads: how many logs are compacted at once.
	Threads int
	// Backoff is log.cleaner.backoff.ms: the pause when there is nothing to do.
	Backoff time.Duration
	// DedupeBytes is log.cleaner.dedupe.buffer.size, the memory of all threads for the keys, in bytes; LoadFactor is
	// log.cleaner.io.buffer.load.factor, how full it may be.
	DedupeBytes int64
	LoadFactor  float64
	// IOBytes is log.cleaner.io.buffer.size, the memory of all threads for reading and writing, in bytes.
	IOBytes int64
	// BytesPerSecond is log.cleaner.io.max.bytes.per.second.
	BytesPerSecond float64
	// Logs yields the logs with their last stable offsets.
	Logs    func(yield func(l *Log, stable int64) bool)
	Metrics *CleanerMetrics
	Clock   func() time.Time
	Logger  *slog.Logger
}

// Cleaner compacts the logs of all directories, the dirtiest first (LogCleaner of Apache Kafka).
type Cleaner struct {
	cfg  CleanerConfig
	work compactor

	mu sync.Mutex
	// busy are the logs of rounds under way, failed those that are not compacted until the next start, putOff those that could not
	// be read, for which there are pauses.
	busy   map[*Log]bool
	failed map[*Log]error
	putOff map[*Log]*backoff
}

// minIOBytes is the smallest buffer: a batch that is larger gets one of its size.
const minIOBytes = 4 << 10

// NewCleaner makes a cleaner, which Run lets work.
func NewCleaner(cfg CleanerConfig) *Cleaner {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	threads := int64(max(cfg.Threads, 1))
	buffer := max(cfg.IOBytes/threads/2, minIOBytes)
	return &Cleaner{
		cfg: cfg, busy: map[*Log]bool{}, failed: map[*Log]error{}, putOff: map[*Log]*backoff{},
		work: compactor{
			mapBytes: cfg.DedupeBytes / threads, loadFactor: cfg.LoadFactor, readBytes: buffer, writeBytes: int(buffer),
			pace: newPace(cfg.BytesPerSecond), walker: record.NewWalker(),
		},
	}
}

// Run compacts until the context ends.
func (c *Cleaner) Run(ctx context.Context) {
	var threads sync.WaitGroup
	for range c.cfg.Threads {
		threads.Go(func() { c.thread(ctx) })
	}
	threads.Wait()
}

func (c *Cleaner) thread(ctx context.Context) {
	for ctx.Err() == nil {
		if c.Clean(ctx) {
			continue
		}
		timer := time.NewTimer(c.cfg.Backoff)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// Clean runs one round over the log that needs it most, or over the next one where that can not be compacted now. It returns
// false where there was nothing to do, or nothing that could be done.
func (c *Cleaner) Clean(ctx context.Context) (done bool) {
	tried := map[*Log]bool{}
	for ctx.Err() == nil && !done {
		l, stable := c.choose(tried)
		if l == nil {
			return false
		}
		tried[l] = true
		done = c.clean(ctx, l, stable)
		c.release(l)
	}
	return done
}

// choose takes the dirtiest log of those for which a round is due and was not tried.
func (c *Cleaner) choose(tried map[*Log]bool) (chosen *Log, chosenStable int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Clock()
	there := map[*Log]bool{}
	highest, most := 0.0, -1.0
	uncleanable := int64(0)
	c.cfg.Logs(func(l *Log, stable int64) bool {
		there[l] = true
		cfg := l.Config()
		if !cfg.Compact || l.d.Err() != nil || c.busy[l] {
			return true
		}
		d := l.dirt(now, stable, false)
		uncleanable += c.uncleanable(l, &d)
		if !c.ready(l, now) {
			return true
		}
		highest = max(highest, d.ratio())
		if d.wanted(&cfg) && d.ratio() > most && !tried[l] {
			chosen, chosenStable, most = l, stable, d.ratio()
		}
		return true
	})
	gone := func(l *Log) bool { return !there[l] }
	maps.DeleteFunc(c.failed, func(l *Log, _ error) bool { return gone(l) })
	maps.DeleteFunc(c.putOff, func(l *Log, _ *backoff) bool { return gone(l) })
	c.cfg.Metrics.looked(now, highest, len(c.failed)+len(c.putOff), uncleanable)
	if chosen != nil {
		c.busy[chosen] = true
	}
	return chosen, chosenStable
}

// uncleanable is how much is dirty of a log that can not be compacted, or not now. The caller holds the lock.
func (c *Cleaner) uncleanable(l *Log, d *dirt) int64 {
	if c.failed[l] == nil && c.putOff[l] == nil {
		return 0
	}
	return d.dirty
}

// ready says whether a log may be tried. The caller holds the lock.
func (c *Cleaner) ready(l *Log, now time.Time) bool {
	pause := c.putOff[l]
	return c.failed[l] == nil && (pause == nil || pause.due(now))
}

// postpone has a log wait for a longer time at each failure. The first one is news.
func (c *Cleaner) postpone(l *Log) (level slog.Level) {
	c.mu.Lock()
	defer c.mu.Unlock()
	level = slog.LevelDebug
	if c.putOff[l] == nil {
		c.putOff[l], level = &backoff{}, slog.LevelWarn
	}
	c.putOff[l].failed(c.cfg.Clock(), c.cfg.Backoff)
	return level
}

// succeeded ends the pauses of a log.
func (c *Cleaner) succeeded(l *Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.putOff, l)
}

func (c *Cleaner) release(l *Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, l)
}

// clean runs a round over a log. Where the journal still holds what is dirty a checkpoint comes first.
func (c *Cleaner) clean(ctx context.Context, l *Log, stable int64) (done bool) {
	now := c.cfg.Clock()
	cfg := l.Config()
	d := l.dirt(now, stable, true)
	if !d.wanted(&cfg) {
		if err := l.d.Checkpoint(); err != nil {
			return false // the directory is offline and has said so
		}
		if d = l.dirt(now, stable, true); !d.wanted(&cfg) {
			return false
		}
	}
	round, end, ok := l.beginCompaction(ctx)
	if !ok {
		return false
	}
	defer end()
	began := time.Now()
	stats, err := c.work.compact(round, l, d, now)
	stats.Took = time.Since(began)
	c.cfg.Metrics.ran(&stats, err)
	if err == nil {
		err = l.d.saveCleaned(l)
	}
	return c.report(l, &stats, err)
}

// report tells how a round ended. A log that can not be compacted stays as it is, and the others go on.
func (c *Cleaner) report(l *Log, stats *RoundStats, err error) (done bool) {
	logger := c.cfg.Logger.With("topic", l.topic, "partition", l.partition)
	switch {
	case err == nil:
		c.succeeded(l)
		logger.Info("compacted a log", "from", stats.FirstDirty, "to", stats.NextFirstDirty, "segments", stats.Segments, "into", stats.Written,
			"bytes_read", stats.BytesRead, "bytes_written", stats.BytesWritten, "records_read", stats.RecordsRead,
			"records_kept", stats.RecordsKept, "without_key", stats.WithoutKey, "took", stats.Took)
		return true
	case errors.Is(err, context.Canceled), l.d.Err() != nil:
	case l.mendDamaged():
		logger.Log(context.Background(), c.postpone(l), "a log can not be compacted until an index is built anew", "error", err)
	case vfs.Lacks(err), unopened(err):
		logger.Warn("a log can not be compacted now; it is tried again", "error", err)
	case ofSystem(err):
		l.d.failedRead(l.path, err)
		logger.Log(context.Background(), c.postpone(l), "a log can not be read to compact it; it is tried again", "error", err)
	default:
		logger.Error("a log can not be compacted; it is left as it is until the next start", "error", err)
		c.mu.Lock()
		c.failed[l] = err
		delete(c.putOff, l)
		c.mu.Unlock()
	}
	return false
}

// ofSystem says whether an error is that of a call which the operating system has refused, as when a disk can not be read: what it
// holds may be as it was written. Apache Kafka takes the log directory offline then.
func ofSystem(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno)
}
