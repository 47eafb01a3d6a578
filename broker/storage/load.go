package storage

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// ErrCorrupt is wrapped by the errors that say that something that was durable is damaged or missing.
var ErrCorrupt = errors.New("the log is corrupt")

// loading is what is known of a log before its files are read.
type loading struct {
	clean bool
	// recoveryPoint: all below is durable. start: the log's first offset, as far as the checkpoint knows.
	recoveryPoint, start int64
	// indexPoint: the index entries of batches below are durable. It is at or below the recovery point.
	indexPoint int64
	// durable is what the log's own files surely hold: its end is at or above the recovery point. cut is the smallest offset of a
	// truncation that the journal holds.
	durable durable
	cut     int64
	// compared is the smallest offset of a batch that the journal holds and the log is compared with; -1 if there is none.
	compared int64
	// cleaned is the first dirty offset, noCleaned if the log was never compacted. All below was durable then.
	cleaned int64
	// reset says that the journal starts the log anew: no producer snapshot is of what it holds then.
	reset bool
	// silent says that neither a recovery point nor the journal tells of the log, gaps that what is missing between two valid
	// batches is no loss.
	silent, gaps bool
	// distrusted has the bases of segments whose indexes are to be built anew.
	distrusted map[int64]bool
	now        time.Time
}

// snapshots is the offset up to which producer snapshots are of what the log holds; -1 if there is none. Later ones may be of what a
// truncation has cut, and know nothing of transaction indexes.
func (in *loading) snapshots() int64 {
	switch {
	case in.reset:
		return -1
	case in.clean:
		return math.MaxInt64
	}
	return in.recoveryPoint
}

// load reads a partition's directory. Where it meets a damaged index it begins once more, and builds that one anew, as long as it meets
// others.
func (l *Log) load(in loading) error {
	in.distrusted = map[int64]bool{}
	for {
		err := l.tryLoad(in)
		if !errors.Is(err, ErrCorrupt) || !l.distrustDamaged(in.distrusted) {
			return err
		}
		l.d.cfg.Logger.Warn("loading a log once more: an index is damaged", "log", l.path, "error", err)
		if err := l.closeFiles(); err != nil {
			return err
		}
	}
}

// distrustDamaged adds the bases of the segments of which an index was found to be damaged; false if all are there.
func (l *Log) distrustDamaged(bases map[int64]bool) (found bool) {
	for _, s := range *l.segments.Load() {
		if !bases[s.base] && (s.offsets.damaged.Load() || s.times.damaged.Load()) {
			bases[s.base], found = true, true
		}
	}
	return found
}

func (l *Log) tryLoad(in loading) error {
	in.durable.end = max(in.durable.end, in.recoveryPoint)
	files, err := tidy(l.d.cfg.FS, l.path)
	if err != nil {
		return err
	}
	if err := in.unpointed(l, files); err != nil {
		return err
	}
	lostEpochs, err := l.loadEpochs(in)
	if err != nil {
		return err
	}
	l.start.Store(in.start)
	if err := l.loadSegments(files, in); err != nil {
		return err
	}
	if lostEpochs {
		if err := l.recallEpochs(); err != nil {
			return err
		}
	}
	l.epochs.truncateFromEnd(l.end.Load() + 1) // an epoch may have started without a record yet
	l.epochs.truncateFromStart(l.start.Load())
	return l.rebuildFrom(snapshotsAmong(maps.Keys(files)), min(in.snapshots(), l.end.Load()), in.now)
}

// loadEpochs reads the leader epochs. lost says that they are damaged.
func (l *Log) loadEpochs(in loading) (lost bool, err error) {
	l.epochs, err = l.d.texts().readEpochs(l.path)
	if lost = errors.Is(err, ErrCorrupt); lost {
		l.epochs, err = &epochs{}, nil
	}
	if err == nil && in.durable.lsn > 0 && in.cut >= 0 {
		l.epochs.truncateFromEnd(in.cut) // the frames that did so are not replayed
	}
	return lost, err
}

// loadSegments opens the segments, makes them whole, and sets where the log starts, ends, and is durable.
func (l *Log) loadSegments(files map[string]vfs.Info, in loading) error {
	opened, err := l.openSegments(files, in)
	l.segments.Store(&opened) // load closes them where the rest fails, and looks for damaged indexes among them
	if err != nil {
		return err
	}
	segments := opened
	if !in.clean || missingIndex(segments, files) {
		if segments, err = l.recover(segments, files, in); err != nil {
			return err
		}
	}
	end, err := l.openActive(&segments, in)
	if err != nil {
		return err
	}
	l.segments.Store(&segments)
	if end < in.durable.end {
		return fmt.Errorf("load %s: %w: it ends at %d, and %d was durable", l.path, ErrCorrupt, end, in.durable.end)
	}
	l.end.Store(end)
	l.confirmed.Store(end)
	l.start.Store(max(in.start, segments[0].base))
	l.recoveryPoint, l.indexPoint = end, end
	l.compaction.cleaned = in.cleaned
	if !in.clean {
		l.recoveryPoint, l.indexPoint = min(in.recoveryPoint, end), min(in.indexPoint, end)
		l.entries.change()
		l.identity.change()
	}
	return nil
}

// openSegments describes the segments that are there, and starts one where there is none.
func (l *Log) openSegments(files map[string]vfs.Info, in loading) ([]*segment, error) {
	var segments []*segment
	for name, info := range files {
		base, ok := parseOffsetName(name, logSuffix)
		if !ok {
			continue
		}
		s := newSegment(l.d.files, l.path, base, in.now)
		s.size.Store(info.Size)
		s.modTime = info.ModTime
		segments = append(segments, s)
	}
	slices.SortFunc(segments, func(a, b *segment) int { return int(max(min(a.base-b.base, 1), -1)) })
	first := firstInDoubt(segments, in)
	for i, s := range segments {
		if err := l.openSegment(s, files, in, i < first, i+1 < len(segments)); err != nil {
			return segments, err
		}
		s.distrust = s.distrust || in.distrusted[s.base] || i < first && s.guards == nil && in.compares(segments, i)
		if i < first && i+1 < len(segments) && !s.distrust {
			s.settleSums()
		}
	}
	if len(segments) > 0 {
		return segments, nil
	}
	s, err := createSegment(l.d.files, l.path, in.start, in.now)
	if err != nil {
		return nil, err
	}
	l.entries.change()
	return []*segment{s}, nil
}

// compares says whether a replay compares batches with those of a segment: where its index names another one, it would take the right one
// for missing.
func (in *loading) compares(segments []*segment, i int) bool {
	return in.compared >= 0 && i+1 < len(segments) && segments[i+1].base > in.compared
}

// openSegment reads what is kept of a segment in memory. durable says that it is exactly as it was written, ended that it gets no
// more batches.
func (l *Log) openSegment(s *segment, files map[string]vfs.Info, in loading, durable, ended bool) error {
	txnBytes := files[path.Base(s.txns.name)].Size
	s.txns.load(txnBytes)
	if err := l.openSums(s, files, in, durable); err != nil {
		return err
	}
	if durable && s.guards == nil && txnBytes%txnEntryBytes != 0 {
		s.distrust = true // a side-car would have told of it
	}
	s.offsets.load(files[path.Base(s.offsets.name)].Size)
	size := files[path.Base(s.times.name)].Size
	if durable && ended && s.guards != nil && size > 0 {
		s.times.load(size)
		s.times.lastKey = s.maxTime // the side-car has it
		return nil
	}
	err := s.times.loadLast(size)
	if err == nil && durable && s.guards == nil {
		err = s.proveLastTime()
	}
	if errors.Is(err, ErrCorrupt) {
		s.distrust = true
	} else if err != nil {
		return fmt.Errorf("load index %s: %w", s.times.name, err)
	}
	if s.guards == nil || !durable {
		s.maxTime = s.times.last()
	}
	return nil
}

// firstInDoubt is the place of the first segment that recovery verifies.
func firstInDoubt(segments []*segment, in loading) int {
	if in.clean {
		return len(segments)
	}
	// The segment that ends at this point may have a tail that a truncation has cut, and the crash has brought back.
	return max(find(segments, in.indexPoint-1), 0)
}

func missingIndex(segments []*segment, files map[string]vfs.Info) bool {
	for _, s := range segments {
		if s.distrust {
			return true
		}
		for _, x := range []*index{s.offsets, s.times} {
			info, ok := files[path.Base(x.name)]
			if (!ok || info.Size%int64(x.width) != 0) && s.size.Load() > 0 {
				return true
			}
		}
	}
	return false
}

// openActive reads the end of the last segment. A log that ends below its first offset starts anew there.
func (l *Log) openActive(segments *[]*segment, in loading) (end int64, err error) {
	list := *segments
	last := list[len(list)-1]
	if err := last.proveLast(); err != nil {
		return 0, fmt.Errorf("load %s: %w", l.path, err)
	}
	end, err = last.rescan()
	if err != nil {
		return 0, fmt.Errorf("load %s: %w: %w", l.path, ErrCorrupt, err)
	}
	if end >= in.start {
		return end, nil
	}
	for _, s := range list {
		if err := l.d.removeSegment(s, l.cfg.FileDeleteDelay); err != nil {
			return 0, err
		}
	}
	s, err := createSegment(l.d.files, l.path, in.start, in.now)
	l.entries.change()
	*segments = []*segment{s}
	return in.start, err
}

// trimSnapshots removes the producer snapshots that are of no use any more: those above the end, and those that are neither at
// a segment's base nor the newest.
func (l *Log) trimSnapshots() error {
	all, err := l.snapshots()
	if err != nil {
		return err
	}
	bases := map[int64]bool{}
	for _, s := range *l.segments.Load() {
		bases[s.base] = true
	}
	newest := int64(-1)
	for _, o := range all {
		if o <= l.end.Load() {
			newest = max(newest, o)
		}
	}
	for _, o := range all {
		if o == newest || (bases[o] && o < newest) {
			continue
		}
		if err := l.removeSnapshot(o); err != nil {
			return err
		}
	}
	if newest >= 0 && !bases[newest] {
		l.strays = []int64{newest}
	}
	return nil
}

// tidy finishes what a crash interrupted among the files of a partition, as LogLoader of Apache Kafka does, and lists them.
func tidy(fsys vfs.FS, dir string) (map[string]vfs.Info, error) {
	entries, err := fsys.List(dir)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", dir, err)
	}
	files := map[string]vfs.Info{}
	for _, e := range entries {
		if e.Dir {
			continue
		}
		files[e.Name] = e
	}
	remove := func(name string) error {
		delete(files, name)
		if err := fsys.Remove(path.Join(dir, name)); err != nil {
			return fmt.Errorf("load %s: %w", dir, err)
		}
		return nil
	}
	for _, e := range entries {
		leftover := strings.HasSuffix(e.Name, deletedSuffix) || strings.HasSuffix(e.Name, ".tmp")
		if !leftover || e.Dir {
			continue
		}
		if err := remove(e.Name); err != nil {
			return nil, err
		}
	}
	if err := finishSwap(fsys, dir, files, remove); err != nil {
		return nil, err
	}
	for _, e := range entries {
		for _, suffix := range segmentSuffixes[1:] {
			base, ok := parseOffsetName(e.Name, suffix)
			if _, there := files[offsetName(base, logSuffix)]; !ok || there || files[e.Name].Name == "" {
				continue
			}
			if err := remove(e.Name); err != nil { // an index without its segment
				return nil, err
			}
		}
	}
	return files, nil
}
