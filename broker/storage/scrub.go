package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// scrubbing counts what a directory knows of its checksums at rest.
type scrubbing struct {
	// uncovered is how many files were found without a valid side-car, damaged how much damage was found in segments.
	uncovered, damaged atomic.Int64
	// bytes, segments and made are what the scrubber has read, verified and made side-cars of; completed is when it was last
	// through, in seconds since 1970.
	bytes, segments, made, completed atomic.Int64
	// rebuilt counts segments whose indexes were built anew.
	rebuilt atomic.Int64
}

// ScrubConfig says how segments that have ended are verified in the background. Directories is required.
type ScrubConfig struct {
	// Interval is chronik.scrub.interval.ms, the pause between two rounds; 0 means that there are none.
	Interval time.Duration
	// BytesPerSecond is chronik.scrub.bytes.per.second.
	BytesPerSecond int64
	Directories    []*Directory
}

// Scrubber reads segments that have ended again and again, and compares them with their side-cars. It makes the side-cars that are
// missing, of segments in which everything fits that can be verified without one.
type Scrubber struct {
	cfg  ScrubConfig
	pace *pace
}

// NewScrubber makes a scrubber, which Run lets work.
func NewScrubber(cfg ScrubConfig) *Scrubber {
	return &Scrubber{cfg: cfg, pace: newPace(float64(cfg.BytesPerSecond))}
}

// Run scrubs until the context ends. The first round begins at once: brokers may be restarted more often than rounds are due.
func (s *Scrubber) Run(ctx context.Context) {
	for s.cfg.Interval > 0 && s.Scrub(ctx) == nil {
		timer := time.NewTimer(s.cfg.Interval)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// Scrub is one round over all directories. The error is the context's.
func (s *Scrubber) Scrub(ctx context.Context) error {
	for _, d := range s.cfg.Directories {
		if err := s.directory(ctx, d); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *Scrubber) directory(ctx context.Context, d *Directory) error {
	for l := range d.Logs {
		for _, segment := range *l.segments.Load() {
			if d.Err() != nil {
				return nil
			}
			if err := s.segment(ctx, l, segment); err != nil {
				return err
			}
		}
	}
	d.scrub.completed.Store(d.cfg.Clock().Unix())
	return nil
}

// settled says whether a segment has ended and is durable, its side-car with it, and where the next one begins.
func (l *Log) settled(s *segment) (next int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	segments := *l.segments.Load()
	i := slices.Index(segments, s)
	if i < 0 || i+1 >= len(segments) || l.gone || l.closed || l.paused != nil {
		return 0, false
	}
	next = segments[i+1].base
	return next, next <= l.recoveryPoint && s.sideCar.settled
}

// segment verifies one segment. What it finds counts only if the segment is the log's still, and was not cut meanwhile.
func (s *Scrubber) segment(ctx context.Context, l *Log, target *segment) error {
	next, ok := l.settled(target)
	if !ok || target.broken.Load() != nil {
		return nil
	}
	cuts := l.cuts.Load()
	var findings []Finding
	c := &segmentCheck{
		fs: l.d.cfg.FS, dir: l.path, base: target.base, next: next, durable: math.MaxInt64,
		pace: func(ctx context.Context, bytes int64) error {
			l.d.scrub.bytes.Add(bytes)
			return s.pace.take(ctx, bytes)
		},
		report: func(f Finding) {
			if f.Do != doNothing {
				findings = append(findings, f)
			}
		},
	}
	err := c.sums(ctx)
	if err == nil && !c.covered {
		err = s.uncovered(ctx, l, c)
	}
	if _, there := l.settled(target); !there || l.cuts.Load() != cuts || ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), isNotExist(err):
		findings = append(findings, Finding{File: c.name(logSuffix), Position: -1, What: err.Error()})
	case unopened(err), errors.Is(err, errNotReady):
		l.d.cfg.Logger.Warn("a segment is verified in the next round", "file", c.name(logSuffix), "error", err)
		return nil
	case err != nil: // counted, but each read tells for itself
		l.damaged(fmt.Errorf("verify %s: %w", c.name(logSuffix), err))
	}
	l.d.scrub.segments.Add(1)
	if len(findings) > 0 {
		for _, f := range findings {
			target.damaged(l, fmt.Errorf("%s at position %d: %w: %s", f.File, f.Position, ErrCorrupt, f.What))
		}
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Do != doDropIndex && f.Do != doBuildTxns }) {
			l.mendIndexes(target)
		}
		return nil
	}
	if c.covered || err != nil {
		return nil
	}
	return s.cover(ctx, l, target, next)
}

// errNotReady is wrapped by the error of a segment whose check needs something else that can not be read.
var errNotReady = errors.New("what comes before the segment can not be read")

// uncovered verifies a segment of which no side-car tells.
func (s *Scrubber) uncovered(ctx context.Context, l *Log, c *segmentCheck) (err error) {
	if c.txns, err = l.txnsAt(c.base); err != nil {
		return fmt.Errorf("%w: %w", errNotReady, err)
	}
	return c.contents(ctx)
}

// damaged takes note of damage: reads of the segment fail from here on.
func (s *segment) damaged(l *Log, err error) {
	s.broken.CompareAndSwap(nil, &err)
	l.damaged(err)
}

// cover makes the side-car of a segment in which everything else fits.
func (s *Scrubber) cover(ctx context.Context, l *Log, target *segment, next int64) error {
	l.lockFlushing()
	defer l.flushing.Unlock()
	cuts := l.cuts.Load()
	l.mu.Lock()
	made := &sums{base: target.base, end: next, maxTime: target.maxTime, complete: true}
	l.mu.Unlock()
	for k, suffix := range segmentSuffixes[:sumKinds] {
		if err := made.files[k].read(ctx, l.d.cfg.FS, target.name(suffix), s.pace); err != nil {
			l.d.cfg.Logger.Warn("a side-car could not be made", "file", target.name(sumsSuffix), "error", err)
			return ctx.Err()
		}
	}
	if _, there := l.settled(target); !there || l.cuts.Load() != cuts {
		return nil
	}
	err := replaceWhole(l.d.cfg.FS, target.name(sumsSuffix), made.section(nil), true)
	if err == nil {
		err = vfs.SyncDir(l.d.cfg.FS, l.path)
	}
	if err != nil {
		l.d.cfg.Logger.Warn("a side-car could not be made", "file", target.name(sumsSuffix), "error", err)
		return nil
	}
	l.d.scrub.made.Add(1)
	return nil
}

// read sums up a file; one that is not there is empty.
func (s *fileSum) read(ctx context.Context, fsys vfs.FS, name string, pace *pace) (err error) {
	f, size, err := openSized(fsys, name)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for s.size < size {
		chunk := min(size-s.size, scanBufferBytes)
		if err := pace.take(ctx, chunk); err != nil {
			return err
		}
		if err := s.addFrom(f, s.size+chunk); err != nil {
			return err
		}
	}
	return nil
}
