package storage

import (
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// swap puts a compacted segment, which is durable under .cleaned names, in the place of a group of neighbours (the protocol of
// LogLoader and LocalLog.replaceSegments of Apache Kafka). A start finishes it from any point: with a .cleaned file left the old
// segments are in force, and what is .swap is dropped; once all are .swap, the new one is in force. Between the steps the
// directory is synced, since a power loss may keep any of the entries that are not.
//
// The caller has the turn: nothing else removes or cuts segments. Appends go on, and so do readers: those that had an old
// segment find it closed, or the count of cuts changed, and look again.
func (l *Log) swap(fresh *segment, old []*segment) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	err := moveFiles(fresh, cleanedSuffix, swapSuffix, segmentSuffixes[:])
	if err == nil {
		err = vfs.SyncDir(l.d.cfg.FS, l.path)
	}
	if err == nil {
		err = l.exchange(fresh, old)
	}
	if err == nil {
		err = vfs.SyncDir(l.d.cfg.FS, l.path)
	}
	if err != nil {
		return l.fail("swap a compacted segment into", err)
	}
	return nil
}

// exchange takes the old segments out and the new one, under its .swap names, in.
func (l *Log) exchange(fresh *segment, old []*segment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	l.settle()
	segments := *l.segments.Load()
	at := slices.Index(segments, old[0])
	if at < 0 || at+len(old) >= len(segments) || !slices.Equal(segments[at:at+len(old)], old) {
		return fmt.Errorf("the segments from offset %d on are not there any more", old[0].base)
	}
	l.cuts.Add(1)
	defer l.cuts.Add(1)
	for _, s := range old {
		if err := l.d.removeSegment(s, l.cfg.FileDeleteDelay); err != nil {
			return err
		}
	}
	if err := vfs.SyncDir(l.d.cfg.FS, l.path); err != nil {
		return err
	}
	// The batches come first: while they are .swap, a start removes every other file of their offsets.
	if err := moveFiles(fresh, swapSuffix, "", segmentSuffixes[:1]); err != nil {
		return err
	}
	if err := vfs.SyncDir(l.d.cfg.FS, l.path); err != nil {
		return err
	}
	if err := moveFiles(fresh, swapSuffix, "", segmentSuffixes[1:]); err != nil {
		return err
	}
	kept := slices.Concat(segments[:at], []*segment{fresh}, segments[at+len(old):])
	l.segments.Store(&kept)
	for _, s := range old[1:] {
		if err := l.removeSnapshot(s.base); err != nil {
			return err
		}
	}
	return nil
}

// moveFiles renames files of a segment from names that end in one temporary suffix to names that end in another.
func moveFiles(s *segment, from, to string, suffixes []string) error {
	for _, suffix := range suffixes {
		name := s.name(suffix)
		if err := s.files.Rename(name+from, name+to); err != nil && !isNotExist(err) {
			return err
		}
	}
	return nil
}
