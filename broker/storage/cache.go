package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// Defaults of CacheConfig.
const (
	// DefaultCacheFiles is far below the 524288 files that a service may have open where systemd starts it.
	DefaultCacheFiles = 8192
	// DefaultCacheIndexBytes holds the indexes of some 25 full segments of 1 GiB, and of thousands of smaller ones.
	DefaultCacheIndexBytes = 128 << 20
	// MinCacheFiles is the smallest bound: it leaves room for a segment with its indexes beside the files that wait to be synced.
	MinCacheFiles = 8
	// lingerPart of the files may be such that the cache has given up and that are not synced yet.
	lingerPart = 4
)

// CacheConfig bounds what segments keep open and in memory. The zero value is a valid one: the defaults, least recently used
// goes, and nothing goes for its age.
type CacheConfig struct {
	// Files is how many files of segments are open at most, not counting those that a call is reading at that moment.
	Files int
	// IndexBytes is how much of indexes that are on disk is in memory at most.
	IndexBytes int64
	// Policy says what goes first; the zero value means evict.LRU.
	Policy evict.Policy
	// TTL is how long what is not used stays; 0 means without end.
	TTL    time.Duration
	Clock  func() time.Time
	Logger *slog.Logger
}

func (c *CacheConfig) setDefaults() {
	if c.Files == 0 {
		c.Files = DefaultCacheFiles
	}
	if c.IndexBytes == 0 {
		c.IndexBytes = DefaultCacheIndexBytes
	}
	if c.Policy == 0 {
		c.Policy = evict.LRU
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// SegmentCache bounds the open files and the indexes in memory of all segments, of one directory or of several.
type SegmentCache struct {
	cfg     CacheConfig
	files   evict.Set[*handle]
	indexes evict.Set[*index]
	metrics *cacheMetrics

	warmUp warmUp

	openFiles atomic.Int64
	mu        sync.Mutex
	// lingering are files that were given up and have writes that are not synced, the one that was given up first in front.
	lingering []*handle
}

// NewSegmentCache makes an empty cache.
func NewSegmentCache(cfg CacheConfig) (*SegmentCache, error) {
	cfg.setDefaults()
	if cfg.Files < MinCacheFiles || cfg.IndexBytes < 1 {
		return nil, fmt.Errorf("segment cache of %d files and %d bytes of indexes: it needs %d files and a byte", cfg.Files, cfg.IndexBytes, MinCacheFiles)
	}
	c := &SegmentCache{cfg: cfg, metrics: newCacheMetrics()}
	set := evict.Config{Policy: cfg.Policy, Max: int64(cfg.Files - cfg.Files/lingerPart), IdleAfter: cfg.TTL, Clock: cfg.Clock}
	var err error
	if c.files, err = evict.New(set, c.evictFile); err != nil {
		return nil, err
	}
	set.Max = cfg.IndexBytes
	c.indexes, err = evict.New(set, c.evictIndex)
	return c, err
}

// Expire gives up what was not used for the TTL. The directories call it every few seconds.
func (c *SegmentCache) Expire() {
	c.files.Expire()
	c.indexes.Expire()
}

// hit notes that an open file is used.
func (c *SegmentCache) hit(h *handle) {
	c.metrics.files.hits.Add(1)
	c.files.Touch(h, &h.mark)
}

// keep takes in a file that was opened. The caller holds no lock of a handle.
func (c *SegmentCache) keep(h *handle) { c.files.Add(h, 1) }

// forget takes a file out that is closed for good.
func (c *SegmentCache) forget(h *handle) {
	if c.files.Remove(h) {
		c.metrics.files.removed.Add(1)
	}
}

func (c *SegmentCache) openFile(fsys vfs.FS, name string, mode vfs.Mode) (vfs.File, error) {
	start := time.Now()
	f, err := fsys.Open(name, mode)
	if err != nil {
		return nil, err
	}
	c.metrics.files.missed(time.Since(start))
	c.openFiles.Add(1)
	return f, nil
}

func (c *SegmentCache) closeFile(f vfs.File) error {
	c.openFiles.Add(-1)
	return f.Close()
}

func (c *SegmentCache) evictFile(h *handle, reason evict.Reason) {
	c.metrics.files.evicted(reason)
	h.evict()
	if h := c.excess(h); h != nil {
		h.settle()
	}
}

// excess returns a file that has to be synced and closed now, because too many wait for it; nil if there is none. When half of
// them wait it asks the directory of h to sync them all at once.
func (c *SegmentCache) excess(h *handle) *handle {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.cfg.Files / lingerPart
	if len(c.lingering) > most/2 {
		h.files.due()
	}
	if len(c.lingering) <= most {
		return nil
	}
	return c.lingering[0]
}

func (c *SegmentCache) setLingering(h *handle, lingers bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lingers {
		c.lingering = append(c.lingering, h)
	} else if i := slices.Index(c.lingering, h); i >= 0 {
		c.lingering = slices.Delete(c.lingering, i, i+1)
	}
}

func (c *SegmentCache) evictIndex(x *index, reason evict.Reason) {
	c.metrics.indexes.evicted(reason)
	x.loaded.Store(nil)
}

// readIndex reads the first bytes of an index.
func (c *SegmentCache) readIndex(fsys vfs.FS, name string, bytes int) ([]byte, error) {
	start := time.Now()
	f, err := fsys.Open(name, vfs.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	b := make([]byte, bytes)
	err = readFull(f, b, 0)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read index %s: %w", name, err)
	}
	c.metrics.indexes.missed(time.Since(start))
	return b, nil
}

// hitIndex notes that an index in memory is used.
func (c *SegmentCache) hitIndex(x *index) {
	c.metrics.indexes.hits.Add(1)
	c.indexes.Touch(x, &x.mark)
}

// keepIndex takes in an index that was loaded, or has grown.
func (c *SegmentCache) keepIndex(x *index, bytes int) { c.indexes.Add(x, int64(bytes)) }

// forgetIndex takes an index out that is cut or closed.
func (c *SegmentCache) forgetIndex(x *index) {
	if c.indexes.Remove(x) {
		c.metrics.indexes.removed.Add(1)
	}
}

// refused tells of a read that failed because an index is not as it was written.
func (c *SegmentCache) refused(err error) {
	c.metrics.damaged.Add(1)
	c.cfg.Logger.Error("a damaged index was not used", "error", err)
}
