package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// ErrMoveOvertaken is wrapped by the error of a move whose log has lost segments, or was cut, under it: it has to begin anew.
var ErrMoveOvertaken = errors.New("records went while they were copied")

// Move copies a log into another directory while the log is in use; Finish lets the copy take its place. Until then the copy is
// in a directory that ends in -future, which a start drops. The log is not compacted meanwhile. One goroutine uses a Move, and
// calls Abandon unless it has ended well; End and Size may be called by any.
type Move struct {
	from *Log
	to   *Directory
	sink *stagedSegments
	// source is the segment that was copied last, up to pos.
	source *segment
	pos    int64
	// cuts is how often the log had been cut when the move began.
	cuts uint64
	end  atomic.Int64
	size atomic.Int64
	// pace, where set, is what copying is held to until there is hurry; held says that the last Copy had to wait for it.
	pace        *MovePace
	held, hurry bool
}

// StartMove begins to move a log of another directory into this one. KAFKA_STORAGE_ERROR: the directory is offline, or full, or
// the disk failed. TOPIC_ALREADY_EXISTS: it has a log of that partition.
func (d *Directory) StartMove(l *Log) (*Move, error) {
	if err := d.admits(Client); err != nil {
		return nil, err
	}
	d.mu.RLock()
	err, there := d.usable(), d.byName[path.Base(l.path)]
	d.mu.RUnlock()
	switch {
	case err != nil:
		return nil, err
	case there != nil:
		return nil, wire.Errorf(wire.TopicAlreadyExists, "move %s: %s is there", l.path, there.path)
	}
	// While nothing waits: it is not to be done when the copy comes.
	if err := d.disown(path.Base(l.path)); err != nil {
		return nil, wire.Errorf(wire.KafkaStorageError, "move %s: %w", l.path, err)
	}
	dir := path.Join(d.cfg.Dir, retiredDirName(path.Base(l.path), futureDirSuffix))
	if err := d.cfg.FS.Mkdir(dir); err != nil {
		return nil, wire.Errorf(wire.KafkaStorageError, "move %s: %w", l.path, err)
	}
	cfg := l.Config()
	l.compaction.moves.Add(1)
	l.stopCompaction()() // the round that may be under way
	return &Move{
		from: l, to: d, cuts: l.cuts.Load(),
		sink: &stagedSegments{files: d.files, dir: dir, indexInterval: cfg.IndexIntervalBytes, now: d.cfg.Clock()},
	}, nil
}

// Directory is where the copy is.
func (m *Move) Directory() *Directory { return m.to }

// End is the offset behind what is copied, Size its size in bytes.
func (m *Move) End() int64 { return m.end.Load() }

// Size is how many bytes are copied.
func (m *Move) Size() int64 { return m.size.Load() }

// HoldTo makes Copy keep to a pace.
func (m *Move) HoldTo(p *MovePace) { m.pace = p }

// Held says that the last Copy had to wait for the pace: what has come to the log meanwhile may be much.
func (m *Move) Held() bool { return m.held }

// Copy copies what the log holds by now and the copy does not.
func (m *Move) Copy(ctx context.Context) error {
	m.held = false
	segments, err := m.left()
	if err != nil {
		return err
	}
	for i, s := range segments {
		if s != m.source {
			m.source, m.pos = s, 0
			if err := m.sink.begin(s.base, s.size.Load()); err != nil {
				return fmt.Errorf("move %s: %w", m.from.path, err)
			}
		}
		if err := m.batches(ctx, s); errors.Is(err, fs.ErrClosed) {
			return fmt.Errorf("move %s: %w", m.from.path, ErrMoveOvertaken)
		} else if err != nil {
			return fmt.Errorf("move %s: segment %d: %w", m.from.path, s.base, err)
		}
		if i+1 == len(segments) {
			break // it may grow
		}
		if err := m.endSegment(); err != nil {
			return fmt.Errorf("move %s: %w", m.from.path, err)
		}
	}
	return nil
}

// left are the segments that are not copied, the first one in part.
func (m *Move) left() ([]*segment, error) {
	if m.from.cuts.Load() != m.cuts {
		return nil, fmt.Errorf("move %s: %w", m.from.path, ErrMoveOvertaken)
	}
	segments := *m.from.segments.Load()
	if m.source == nil {
		return segments, nil
	}
	i := slices.Index(segments, m.source)
	switch {
	case i >= 0 && m.sink.current != nil:
		return segments[i:], nil
	case i >= 0:
		return segments[i+1:], nil
	case m.sink.current == nil && segments[0].base >= m.end.Load():
		return segments, nil // retention was faster
	}
	return nil, fmt.Errorf("move %s: %w", m.from.path, ErrMoveOvertaken)
}

// batches copies what a segment holds behind pos. It reads as readers do: the checksums of the batches leave their offsets and leader
// epochs out, and the copy gets a side-car of its own, which would bless damage there.
func (m *Move) batches(ctx context.Context, s *segment) error {
	f, err := s.file()
	if err != nil {
		return err
	}
	for scan := newScanner(f, m.pos, s.size.Load()); ; {
		h, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := scan.batch(&h, at)
		if err == nil && !h.checkCRC(b) {
			err = fmt.Errorf("%w: the batch at position %d", ErrCorrupt, at)
		}
		if err == nil {
			err = errors.Join(ctx.Err(), m.sink.batch(b, &h))
		}
		if err != nil {
			return err
		}
		m.pos = at + h.size
		m.end.Store(h.last() + 1)
		m.size.Add(h.size)
		if err := m.keepPace(ctx, h.size); err != nil {
			return err
		}
	}
}

// keepPace waits until bytes that are copied are paid for.
func (m *Move) keepPace(ctx context.Context, bytes int64) error {
	if m.pace == nil {
		return nil
	}
	m.pace.copied.Add(bytes)
	if m.hurry {
		return nil
	}
	waited, err := m.pace.take(ctx, bytes)
	m.held = m.held || waited
	return err
}

// endSegment makes the copy of a segment durable.
func (m *Move) endSegment() error {
	var failed error
	err := m.source.eachAborted(m.source.base, func(t abortedTxn) bool {
		failed = m.sink.aborted(&t)
		return failed == nil
	})
	if errors.Is(err, fs.ErrClosed) {
		return ErrMoveOvertaken
	}
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return m.sink.end()
}

// Finish copies the rest, at no pace since appends wait, and puts the copy, durably, into its directory. Nothing is appended meanwhile,
// and the caller sees to it that nothing is appended to the old log any more. It then calls Leave; until that is done a start finds both logs, which have to
// be equal: nothing is appended to the copy either, and it is not cut.
func (m *Move) Finish(ctx context.Context) (*Log, error) {
	l := m.from
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return nil, err
	}
	m.hurry = true
	if err := m.Copy(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(m.endSegment(), m.extras()); err != nil {
		return nil, fmt.Errorf("move %s: %w", l.path, err)
	}
	if err := l.leave(); err != nil {
		return nil, err
	}
	moved, err := m.publish()
	if err != nil {
		return nil, errors.Join(err, l.stay())
	}
	return moved, nil
}

// extras writes what a log has beside its segments. The caller holds the log's lock.
func (m *Move) extras() error {
	l, files, dir := m.from, m.to.cfg.FS, m.sink.dir
	snapshot := path.Join(dir, offsetName(l.end.Load(), snapshotSuffix))
	if err := vfs.ReplaceFile(files, snapshot, l.producers.encode()); err != nil {
		return fmt.Errorf("write producer snapshot: %w", err)
	}
	if err := writeIdentity(files, dir, identity{id: l.id, moves: l.moves + 1}); err != nil {
		return err
	}
	if err := syncFile(files, path.Join(dir, metadataFile)); err != nil {
		return err
	}
	return writeCheckpoint(files, path.Join(dir, epochFile), l.epochs.lines()) // syncs the directory too
}

// publish gives the copy its name and takes it into service. The caller holds the log's lock.
func (m *Move) publish() (*Log, error) {
	l := m.from
	moved := newLog(m.to, l.id, l.topic, l.partition, l.cfg)
	moved.moves = l.moves + 1
	moved.verifying = maps.Clone(l.verifying)
	a := arrival{log: moved, dir: m.sink.dir, start: l.start.Load(), end: l.end.Load(), cleaned: l.compaction.cleaned}
	if err := m.to.takeIn(&a); err != nil {
		return nil, wire.Errorf(wire.KafkaStorageError, "move %s: %w", l.path, err)
	}
	return moved, nil
}

// Leave deletes the log where it was, durably.
func (m *Move) Leave() error {
	d := m.from.d
	if err := d.Delete(m.from.id, m.from.partition); err != nil {
		return err
	}
	if err := d.syncJournal(); err != nil {
		return wire.Errorf(wire.KafkaStorageError, "leave %s: %w", d.cfg.Dir, err)
	}
	return nil
}

// Abandon removes the copy after an error.
func (m *Move) Abandon() error {
	m.from.compaction.moves.Add(-1)
	if err := errors.Join(m.sink.abandon(), vfs.RemoveAll(m.to.cfg.FS, m.sink.dir)); err != nil {
		return fmt.Errorf("give up the move of %s: %w", m.from.path, err)
	}
	return nil
}
