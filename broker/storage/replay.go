package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"sync"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// replay applies the journal to the logs.
type replay struct {
	d    *Directory
	past map[logKey]*past
	mu   sync.Mutex
	// unknown has the directories without a valid partition.metadata, made the names that the journal says were made.
	unknown map[string]string
	made    map[string]bool
	// deleted has the partitions of which a deleted directory is there.
	deleted          map[logKey]bool
	applied, skipped int
}

// survey notes what has to be known before the logs are loaded.
func (r *replay) survey(f *journal.Frame) error {
	key := logKey{f.TopicID, f.Partition}
	p := r.past[key]
	if p == nil {
		// What is before its first change that the checkpoint does not cover was durable by then.
		p = &past{truncated: -1, compared: -1, durable: durable{end: f.PreviousEnd}}
		r.past[key] = p
	}
	if f.Type == journal.Append && (p.compared < 0 || f.BaseOffset < p.compared) {
		p.compared = f.BaseOffset
	}
	switch f.Type {
	case journal.PartitionCreated:
		p.created, p.durable = f.LSN, durable{end: f.PreviousEnd} // one that has moved here has brought records
		r.made[partitionDirName(string(f.Payload), f.Partition)] = true
	case journal.PartitionDeleted:
		*p = past{created: p.created, deleted: f.LSN, truncated: -1, compared: -1}
	case journal.Reference:
		ref, err := parseReference(f)
		if err != nil {
			return fmt.Errorf("frame %d: %w", f.LSN, err)
		}
		p.durable = durable{f.LSN, ref.last + 1, ref.segment, ref.position + int64(ref.size)}
	case journal.Truncate:
		c := cut{f.LSN, f.BaseOffset, f.BaseOffset > f.PreviousEnd}
		p.cuts = append(p.cuts, c)
		p.durable.cut(c)
		if p.truncated < 0 || f.BaseOffset < p.truncated {
			p.truncated = f.BaseOffset
		}
	default:
	}
	return nil
}

// apply makes one change again. Changes to a log that is deleted later, or that no longer exists, are skipped.
func (r *replay) apply(f *journal.Frame) error {
	key := logKey{f.TopicID, f.Partition}
	if f.LSN < r.past[key].deleted {
		r.skipped++
		return nil
	}
	err := r.change(key, f)
	if err != nil {
		return fmt.Errorf("frame %d: %w", f.LSN, err)
	}
	return nil
}

func (r *replay) change(key logKey, f *journal.Frame) error {
	l := r.d.byID[key]
	switch {
	case f.Type == journal.PartitionCreated && l == nil:
		return r.create(f)
	case f.Type == journal.PartitionCreated:
		return nil
	case l == nil:
		r.skipped++
		return nil
	}
	r.applied++
	l.mu.Lock()
	defer l.mu.Unlock()
	p := r.past[key]
	if f.Type == journal.PartitionDeleted && f.LSN < p.created {
		return nil // it went to another directory, and has come back
	}
	if f.LSN < p.durable.lsn {
		return l.replayDurable(f, p)
	}
	switch f.Type {
	case journal.Append:
		return l.replayAppend(f, p)
	case journal.Reference:
		return l.replayReference(f, p)
	case journal.Truncate:
		return l.replayTruncate(f)
	case journal.LogStart:
		l.setStart(max(l.start.Load(), min(f.BaseOffset, l.end.Load())))
	case journal.EpochStart:
		l.epochs.restore(f.LeaderEpoch, f.BaseOffset)
	case journal.PartitionDeleted:
		return r.d.retire(l, deleteDirSuffix)
	default:
		return fmt.Errorf("%w: type %d", journal.ErrCorrupt, f.Type)
	}
	return nil
}

// create makes a log whose directory the crash took, wholly or in part.
func (r *replay) create(f *journal.Frame) error {
	topic := string(f.Payload)
	name := partitionDirName(topic, f.Partition)
	p := r.past[logKey{f.TopicID, f.Partition}]
	if f.PreviousEnd > 0 || p.durable.lsn > 0 {
		return r.missing(f, p, name)
	}
	if dir, ok := r.unknown[name]; ok {
		if err := vfs.RemoveAll(r.d.cfg.FS, dir); err != nil {
			return err
		}
		delete(r.unknown, name)
	}
	if r.d.byName[name] != nil {
		// A newer topic has the name: this one was deleted, and the crash took the frame that says so. Had the other one been
		// there first, its own deletion would stand in the journal before this frame, or behind the checkpoint.
		p.deleted = math.MaxUint64
		r.skipped++
		return nil
	}
	r.applied++
	if key := (logKey{f.TopicID, f.Partition}); r.deleted[key] {
		r.d.remade[key] = true
	}
	_, err := r.d.create(f.TopicID, topic, f.Partition, r.d.cfg.DefaultLogConfig)
	return err
}

// missing is create of a log whose directory was durable: before it was made known, if it came as a copy, or before a reference.
// Where it is not there it was deleted, and the crash took the frame that says so.
func (r *replay) missing(f *journal.Frame, p *past, name string) error {
	if dir, ok := r.unknown[name]; ok && !r.deleted[logKey{f.TopicID, f.Partition}] { // else it is of a newer topic with the name
		return fmt.Errorf("%s: %w: its %s is missing or damaged", dir, ErrCorrupt, metadataFile)
	}
	p.deleted = math.MaxUint64
	r.skipped++
	return nil
}

// finish sets aside the directories that nothing explains. One that the checkpoints know was durable with its topic id.
func (r *replay) finish() error {
	for _, name := range slices.Sorted(maps.Keys(r.unknown)) {
		dir := r.unknown[name]
		if r.d.named[name] && !r.made[name] {
			return fmt.Errorf("%s: %w: its %s is missing or damaged", dir, ErrCorrupt, metadataFile)
		}
		stray := path.Join(r.d.cfg.Dir, retiredDirName(name, strayDirSuffix))
		r.d.cfg.Logger.Warn("setting a directory without a topic id aside", "dir", dir, "as", stray)
		if err := r.d.cfg.FS.Rename(dir, stray); err != nil {
			return err
		}
		r.d.list.change()
	}
	return nil
}

// replayAppend adds a batch that is missing. One that is there byte for byte stays; where something else stands, the journal
// is right.
//
// The log may be newer than the frame: then the end that the frame continues is gone by a truncation that stands later in the
// journal, and takes this frame back too.
func (l *Log) replayAppend(f *journal.Frame, p *past) error {
	h, ok := parseHeader(f.Payload)
	if !ok || h.size != int64(len(f.Payload)) || h.base != f.BaseOffset {
		return fmt.Errorf("%w: no record batch", journal.ErrCorrupt)
	}
	if h.last() < (*l.segments.Load())[0].base {
		return nil // retention has taken it
	}
	if f.PreviousEnd > l.end.Load() {
		if p.takesBack(f.LSN, l.end.Load()) {
			return nil
		}
		return fmt.Errorf("%w: %s ends at %d, and the journal goes on at %d", ErrCorrupt, l.path, l.end.Load(), f.PreviousEnd)
	}
	now := l.d.cfg.Clock()
	if h.base < l.end.Load() {
		same, err := l.holds(&h, f.Payload)
		if err != nil || same {
			return err
		}
		if err := l.truncate(h.base, now); err != nil {
			return err
		}
	}
	var mark *marker
	if m, ok := parseMarker(f.Payload, &h); ok {
		mark = &m
	}
	if err := l.put(f.Payload, &h, mark, 0, now); err != nil {
		return err
	}
	l.confirmed.Store(l.end.Load())
	return nil
}

// replayTruncate cuts the log, unless a later state is there already. Where a segment began behind a gap, the log could end there, while a
// replay may have put what came behind the gap into the segment before: then that segment begins again.
func (l *Log) replayTruncate(f *journal.Frame) error {
	if f.BaseOffset <= f.PreviousEnd && f.BaseOffset >= l.end.Load() {
		l.epochs.truncateFromEnd(f.BaseOffset)
		return nil
	}
	start, now := min(l.start.Load(), f.BaseOffset), l.d.cfg.Clock()
	if err := l.truncate(f.BaseOffset, now); err != nil || l.end.Load() >= f.BaseOffset {
		return err
	}
	if err := l.roll(f.BaseOffset, now); err != nil {
		return err
	}
	l.end.Store(f.BaseOffset)
	l.confirmed.Store(f.BaseOffset)
	l.setStart(start)
	return nil
}

// holds says whether the log has this very batch.
func (l *Log) holds(h *header, batch []byte) (bool, error) {
	segments := *l.segments.Load()
	i := find(segments, h.base)
	if i < 0 {
		return false, nil
	}
	s := segments[i]
	f, err := s.file()
	if err != nil {
		return false, err
	}
	pos, err := s.position(h.base)
	if err != nil {
		return false, err
	}
	scan := newScanner(f, pos, s.size.Load())
	for {
		there, at, err := scan.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("segment %s at position %d: %w", s.name(logSuffix), at, err)
		}
		if there.last() < h.base {
			continue
		}
		if there.base != h.base || there.size != h.size {
			return false, nil
		}
		b, err := scan.batch(&there, at)
		return bytes.Equal(b, batch), err
	}
}
