package storage

import (
	"errors"
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
//
// began says whether there was no way back when it failed. Until then the old segments are in force, and no file is .swap.
func (l *Log) swap(fresh *segment, old []*segment) (began bool, err error) {
	l.lockFlushing()
	defer l.flushing.Unlock()
	dir, err := l.d.cfg.FS.Open(l.path, vfs.ReadOnly) // what follows opens no other file
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if err := moveFiles(fresh, cleanedSuffix, swapSuffix, segmentSuffixes[:]); err != nil {
		removing := removeSwaps(dir, fresh)
		return removing != nil, errors.Join(err, removing)
	}
	if err := dir.Sync(); err != nil {
		return true, err
	}
	if err := l.exchange(dir, fresh, old); err != nil {
		return true, err
	}
	return true, dir.Sync()
}

// removeSwaps removes the .swap files of a segment of which a .cleaned one is left, before that one goes.
func removeSwaps(dir vfs.File, s *segment) error {
	for _, suffix := range segmentSuffixes {
		if err := removeIfThere(s.files, s.name(suffix)+swapSuffix); err != nil {
			return err
		}
	}
	return dir.Sync()
}

// exchange takes the old segments out and the new one, under its .swap names, in.
func (l *Log) exchange(dir vfs.File, fresh *segment, old []*segment) error {
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
	if err := dir.Sync(); err != nil {
		return err
	}
	// The batches come first: while they are .swap, a start removes every other file of their offsets.
	if err := l.putInForce(fresh, swapSuffix, segmentSuffixes[:1]); err != nil {
		return err
	}
	if err := dir.Sync(); err != nil {
		return err
	}
	if err := l.putInForce(fresh, swapSuffix, segmentSuffixes[1:]); err != nil {
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

// putInForce gives files with temporary names their final ones. There is no way back. The caller holds flushing and the lock.
func (l *Log) putInForce(fresh *segment, temporary string, suffixes []string) error {
	return l.insist(func() error { return moveFiles(fresh, temporary, "", suffixes) }, &l.flushing, &l.mu)
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
