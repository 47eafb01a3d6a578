package storage

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// stagedPrefix begins the names of directories of logs that are not yet part of the log directory: no partition has a name without
// '-'. The topic's id in hexadecimal and the partition follow.
const stagedPrefix = "chronik.import."

// Staged is a log that was copied into a log directory and is not part of it yet.
type Staged struct {
	Found *ForeignLog
	d     *Directory
	from  *Foreign
	dir   string
}

// Stage copies a log into the directory, verifying it on the way as Check does, and returns when the copy is durable. Indexes are
// made anew; the producer snapshots and leader epochs are kept. Publish makes it part of the directory.
func (d *Directory) Stage(ctx context.Context, f *Foreign) (*Staged, error) {
	s := &Staged{d: d, from: f, dir: path.Join(d.cfg.Dir, fmt.Sprintf("%s%x.%d", stagedPrefix, f.ID, f.Partition))}
	if err := d.cfg.FS.Mkdir(s.dir); err != nil {
		return nil, fmt.Errorf("import %s: %w", f.Dir, err)
	}
	to := &stagedSegments{files: d.files, dir: s.dir, indexInterval: d.cfg.DefaultLogConfig.IndexIntervalBytes, now: d.cfg.Clock()}
	var err error
	if s.Found, err = f.walk(ctx, to); err != nil {
		return nil, errors.Join(fmt.Errorf("import %s: %w", f.Dir, err), to.abandon())
	}
	return s, nil
}

// DropStaged removes what was staged and not published, in this run or an earlier one.
func (d *Directory) DropStaged() error {
	entries, err := d.cfg.FS.List(d.cfg.Dir)
	if err != nil {
		return fmt.Errorf("remove what is left of an import: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, stagedPrefix) {
			continue
		}
		if err := vfs.RemoveAll(d.cfg.FS, path.Join(d.cfg.Dir, e.Name)); err != nil {
			return fmt.Errorf("remove what is left of an import: %w", err)
		}
	}
	return nil
}

// Publish makes a staged log part of its directory, durably.
func (s *Staged) Publish() error {
	f := s.from
	a := arrival{
		log: newLog(s.d, f.ID, f.Topic, f.Partition, s.d.cfg.DefaultLogConfig), dir: s.dir,
		start: s.Found.Start, end: s.Found.End, cleaned: noCleaned,
	}
	if err := s.d.takeIn(&a); err != nil {
		return fmt.Errorf("import %s: %w", f.Dir, err)
	}
	return nil
}

// stagedSegments is the sink that writes a copy.
type stagedSegments struct {
	files         *segmentFiles
	dir           string
	indexInterval int64
	now           time.Time
	current       *segment
	next          int64 // the offset behind the last batch
}

func (s *stagedSegments) begin(base, size int64) (err error) {
	if s.current, err = createSegment(s.files, s.dir, base, s.now); err != nil {
		return err
	}
	return s.current.reserve(size, 0)
}

func (s *stagedSegments) batch(b []byte, h *header) error {
	s.next = h.last() + 1
	return s.current.write(b, h, s.indexInterval, s.now)
}

func (s *stagedSegments) aborted(t *abortedTxn) error { return s.current.addAborted(t) }

func (s *stagedSegments) end() error {
	c := s.current
	s.current = nil
	if err := errors.Join(c.seal(), c.sync(true)); err != nil {
		return errors.Join(err, c.close())
	}
	return errors.Join(c.writeSums(c.sums(max(s.next, c.base), true), true), c.close())
}

// abandon closes what a failure has left open.
func (s *stagedSegments) abandon() error {
	if s.current == nil {
		return nil
	}
	return s.current.close()
}

// finish writes what a log has beside its segments, and makes the directory durable.
func (s *stagedSegments) finish(w *foreignWalk) error {
	if err := s.snapshots(w); err != nil {
		return err
	}
	if err := writeIdentity(s.files, s.dir, identity{id: w.ID}); err != nil {
		return err
	}
	if err := syncTopicID(s.files, s.dir); err != nil {
		return err
	}
	return writeCheckpoint(s.files, path.Join(s.dir, epochFile), w.epochs.lines()) // syncs the directory too
}

// snapshots copies the valid producer snapshots of what is kept.
func (s *stagedSegments) snapshots(w *foreignWalk) error {
	entries, err := w.FS.List(w.Dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", w.Dir, err)
	}
	for _, e := range entries {
		offset, ok := parseOffsetName(e.Name, snapshotSuffix)
		if !ok || offset > w.found.End {
			continue
		}
		data, err := vfs.ReadFile(w.FS, path.Join(w.Dir, e.Name), maxSnapshotBytes)
		if err != nil {
			return fmt.Errorf("read producer snapshot: %w", err)
		}
		state, err := decodeProducers(data, 0, 1<<62)
		if err != nil {
			continue // the one before it does, with a longer scan
		}
		for id := range state.byID {
			w.found.MaxProducerID = max(w.found.MaxProducerID, id)
		}
		if err := vfs.ReplaceFile(s.files, path.Join(s.dir, e.Name), data); err != nil {
			return fmt.Errorf("copy producer snapshot: %w", err)
		}
	}
	return nil
}
