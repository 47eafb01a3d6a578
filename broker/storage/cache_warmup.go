package storage

import (
	"context"
	"sync/atomic"
)

// WarmUpStats tell how far the warm-up is.
type WarmUpStats struct {
	// Segments is how many it loads, Done is how many of them are loaded or could not be.
	Segments int64 `json:"segments"`
	Done     int64 `json:"done"`
	Finished bool  `json:"finished"`
}

// warmUp counts the warm-up.
type warmUp struct {
	segments, done atomic.Int64
	finished       atomic.Bool
}

func (w *warmUp) stats() WarmUpStats {
	return WarmUpStats{Segments: w.segments.Load(), Done: w.done.Load(), Finished: w.finished.Load()}
}

// warmUpPart of the bounds is what a warm-up fills at most: the rest is for what is really read.
const warmUpPart = 2

// WarmUp opens the files and loads the indexes of the newest segments of each log, so many per log, until all are loaded, half
// of the cache is full, or ctx ends. What can not be loaded is left to the read that needs it.
func (c *SegmentCache) WarmUp(ctx context.Context, directories []*Directory, perLog int) {
	defer c.warmUp.finished.Store(true)
	segments := newestSegments(directories, perLog)
	c.warmUp.segments.Store(int64(len(segments)))
	for _, s := range segments {
		if ctx.Err() != nil || c.halfFull() {
			return
		}
		if err := s.warm(); err != nil {
			c.cfg.Logger.Debug("a segment was not warmed up", "segment", s.f.name, "error", err)
		}
		c.warmUp.done.Add(1)
	}
}

// newestSegments lists the newest segment of each log, then the ones before.
func newestSegments(directories []*Directory, perLog int) (newest []*segment) {
	for back := 1; back <= perLog; back++ {
		for _, d := range directories {
			for l := range d.Logs {
				if segments := *l.segments.Load(); back <= len(segments) {
					newest = append(newest, segments[len(segments)-back])
				}
			}
		}
	}
	return newest
}

func (c *SegmentCache) halfFull() bool {
	return c.openFiles.Load() >= int64(c.cfg.Files/warmUpPart) || c.indexes.Weight() >= c.cfg.IndexBytes/warmUpPart
}

// warm opens the file and loads the indexes.
func (s *segment) warm() error {
	if _, err := s.offsets.contents(); err != nil {
		return err
	}
	if _, err := s.times.contents(); err != nil {
		return err
	}
	o, err := s.f.use()
	if err != nil {
		return err
	}
	return s.f.release(o)
}
