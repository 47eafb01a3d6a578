package storage

import (
	"errors"
	"fmt"
	"math"
	"path"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// Space is reserved in steps: as much again as is there, within these bounds.
	minReserveBytes = 64 << 10
	maxReserveBytes = 16 << 20
	// maxRelativeOffset is the largest distance of an offset from its segment's base that an index can hold.
	maxRelativeOffset = math.MaxInt32
)

// segment is one .log file and its indexes. Readers use what is behind size; the rest belongs to the log's lock.
type segment struct {
	files *segmentFiles
	dir   string
	base  int64
	// temporary is what the names of the files end in while the segment is not in force.
	temporary string
	// size is how many bytes of the file are batches; it rises when a batch is written.
	size    atomic.Int64
	offsets *index
	times   *index
	txns    *index

	f     *handle // the .log file
	paced paced
	// data is what was written to it.
	data *unsynced

	sum      *fileSum // of the .log file; nil if it is not known
	guards   *guards  // nil when this process wrote the files
	sideCar  sideCar
	distrust bool // an index is not as the side-car says
	// broken is damage that the scrubber has found; reads fail with it.
	broken atomic.Pointer[error]
	mend   mendState

	reserved   int64
	modTime    time.Time
	created    time.Time
	firstTime  int64 // timestamp of the first batch; -1 if there is none, -2 if it has not been read
	maxTime    int64 // largest timestamp, -1 if there is none
	maxTimeAt  int64 // last offset of the first batch that has it
	sinceIndex int64 // bytes since the last index entry, the entry's batch included
	indexed    int64 // what size was when the indexes were last flushed
}

// newSegment describes a segment; its files need not be there.
func newSegment(files *segmentFiles, dir string, base int64, now time.Time) *segment {
	return newSegmentAs(files, dir, base, "", now)
}

// newSegmentAs is newSegment with names that end in something more.
func newSegmentAs(files *segmentFiles, dir string, base int64, temporary string, now time.Time) *segment {
	s := &segment{files: files, dir: dir, base: base, temporary: temporary, modTime: now, created: now, firstTime: -1, maxTime: -1}
	s.f = newHandle(files, s.name(logSuffix))
	s.offsets = newIndex(files, s.name(offsetSuffix), offsetEntryBytes)
	s.times = newIndex(files, s.name(timeSuffix), timeEntryBytes)
	s.txns = newIndex(files, s.name(txnSuffix), txnEntryBytes)
	s.data = newUnsynced(s.syncData)
	return s
}

// createSegment makes the files of a new segment.
func createSegment(files *segmentFiles, dir string, base int64, now time.Time) (*segment, error) {
	s := newSegment(files, dir, base, now)
	return s, s.create()
}

// create makes the files, empty.
func (s *segment) create() error {
	s.data.change()
	s.sum = &fileSum{}
	// A file that a crash left under this name is not of this segment.
	for _, do := range []func() error{s.f.create, func() error { return s.f.Truncate(0) }, s.resetIndexes, s.resetTxns, s.removeSums} {
		if err := do(); err != nil {
			return fmt.Errorf("create segment %s: %w", s.name(logSuffix), errors.Join(err, s.close()))
		}
	}
	return nil
}

// resetIndexes empties the .index and the .timeindex.
func (s *segment) resetIndexes() error {
	for _, x := range []*index{s.offsets, s.times} {
		x.guards = nil
		x.flushed = math.MaxInt32 // whatever is in the file
		if err := x.truncate(0); err != nil {
			return err
		}
		x.damaged.Store(false) // what comes is made anew
	}
	return nil
}

// resetTxns removes the .txnindex.
func (s *segment) resetTxns() error {
	s.txns.sum = &fileSum{}
	if err := s.files.Remove(s.name(txnSuffix)); err != nil && !isNotExist(err) {
		return err
	}
	return nil
}

func (s *segment) name(suffix string) string {
	return path.Join(s.dir, offsetName(s.base, suffix)+s.temporary)
}

// file is the .log file, which is open when it is used, and whose reads are verified.
func (s *segment) file() (vfs.File, error) {
	if broken := s.broken.Load(); broken != nil {
		return nil, *broken
	}
	return s.guards.wrap(sumLog, s.f, s.f.name), nil
}

// reserve makes sure that there is space on the disk for so many more bytes. It asks for a step more than that, and at least for
// a size of so many bytes, where they fit.
func (s *segment) reserve(bytes, atLeast int64) error {
	need := s.size.Load() + bytes
	if need <= s.reserved {
		return nil
	}
	f, err := s.file()
	if err != nil {
		return err
	}
	upTo := max(need+min(max(need, minReserveBytes), maxReserveBytes), atLeast)
	err = f.Allocate(upTo)
	if vfs.NoSpace(err) { // what is needed may fit where more does not
		upTo = need
		err = f.Allocate(upTo)
	}
	if err != nil {
		return fmt.Errorf("reserve %d bytes for segment %s: %w", upTo, s.name(logSuffix), err)
	}
	s.reserved = upTo
	return nil
}

// write puts a batch at the end and makes it visible to readers.
func (s *segment) write(b []byte, h *header, indexInterval int64, now time.Time) error {
	f, err := s.file()
	if err != nil {
		return err
	}
	position := s.size.Load()
	if _, err := f.WriteAt(b, position); err != nil {
		return fmt.Errorf("write %d bytes at %d to segment %s: %w", len(b), position, s.name(logSuffix), err)
	}
	if s.sum != nil {
		s.sum.add(b)
	}
	s.size.Store(position + h.size) // before the index speaks of it
	s.note(h, position, indexInterval)
	s.modTime = now
	s.data.change()
	return nil
}

// note takes a batch that stands at a position into the timestamps and the indexes, as LogSegment.append does.
func (s *segment) note(h *header, position, indexInterval int64) {
	if position == 0 {
		s.firstTime = h.maxTimestamp
	}
	if h.maxTimestamp > s.maxTime && h.count > 0 { // what compaction has emptied has no time
		s.maxTime, s.maxTimeAt = h.maxTimestamp, h.last()
	}
	if s.sinceIndex > indexInterval {
		e := offsetEntry(h.last()-s.base, position)
		s.offsets.add(e[:])
		s.noteTime()
		s.sinceIndex = 0
	}
	s.sinceIndex += h.size
}

// noteTime adds a time entry where the largest timestamp has risen.
func (s *segment) noteTime() {
	if s.maxTime > s.times.last() && s.maxTime >= 0 {
		e := timeEntry(s.maxTime, s.maxTimeAt-s.base)
		s.times.add(e[:])
	}
}

// settleTimes leaves the time entries that stand beside an index entry, and the last one: what recovery makes of these batches.
// Without it, the last entries of earlier ends would stay between.
func (s *segment) settleTimes() error {
	n, err := s.timesBesideIndex()
	if there := s.times.entries(); err == nil && there > n && (there > n+1 || s.times.last() != s.maxTime) {
		err = s.times.truncate(n)
	}
	if err != nil {
		return fmt.Errorf("settle the time index of %s: %w", s.name(logSuffix), err)
	}
	s.noteTime()
	return nil
}

// timesBesideIndex is how many time entries are of offsets up to that of the last index entry.
func (s *segment) timesBesideIndex() (n int, err error) {
	last := int32(-1)
	if n := s.offsets.entries(); n > 0 {
		e, err := s.offsets.at(n - 1)
		if err != nil {
			return 0, err
		}
		last = i32(e)
	}
	for n = s.times.entries(); n > 0; n-- {
		e, err := s.times.at(n - 1)
		if err != nil || i32(e[8:]) <= last {
			return n, err
		}
	}
	return 0, nil
}

// full says whether a batch has to go into a new segment (LogSegment.shouldRoll of Apache Kafka). Segments age by the times of
// their batches, so that an idle one stays as it is; where the first batch has none, by the clock. An empty one makes room for
// nothing but an offset that its indexes could not hold.
func (s *segment) full(h *header, cfg *LogConfig, jitter int64, now time.Time) bool {
	size := s.size.Load()
	switch {
	case h.last()-s.base > maxRelativeOffset:
		return true
	case size == 0:
		return false
	case size > cfg.SegmentBytes-h.size:
		return true
	case int64(s.offsets.entries()) >= cfg.IndexBytes/offsetEntryBytes, int64(s.times.entries()) >= cfg.IndexBytes/timeEntryBytes-1:
		return true
	}
	age := now.UnixMilli() - s.created.UnixMilli()
	if s.firstTimestamp() >= 0 {
		age = h.maxTimestamp - s.firstTime
	}
	return age > cfg.SegmentMs-jitter
}

// firstTimestamp is that of the first batch, read once after a start.
func (s *segment) firstTimestamp() int64 {
	if s.firstTime != firstTimeUnread {
		return s.firstTime
	}
	f, err := s.file()
	if err != nil {
		return -1
	}
	h, _, err := newScanner(f, 0, min(s.size.Load(), batchHeaderBytes)).nextHeader()
	switch {
	case err == nil:
		s.firstTime = h.maxTimestamp
	case !errors.Is(err, errUnopened): // else it is looked for again
		s.firstTime = -1
	}
	return max(s.firstTime, -1)
}

const firstTimeUnread = -2

// seal ends a segment that gets no more batches.
func (s *segment) seal() error {
	if err := s.settleTimes(); err != nil && !tellsOfDamage(err) { // a damaged index is built anew when the segment has ended
		return err
	}
	if err := s.flushIndexes(); err != nil {
		return err
	}
	f, err := s.file()
	if err != nil {
		return err
	}
	if err := f.Truncate(s.size.Load()); err != nil { // gives back what was reserved
		return fmt.Errorf("seal segment %s: %w", s.name(logSuffix), err)
	}
	s.reserved = 0
	s.data.change()
	return nil
}

func (s *segment) flushIndexes() error {
	if err := s.offsets.flush(); err != nil {
		return err
	}
	if err := s.times.flush(); err != nil {
		return err
	}
	s.indexed = s.size.Load()
	return s.txns.flush()
}

// sync makes the segment's files durable. It is called without the log's lock.
func (s *segment) sync(indexes bool) error { return s.syncTo(s.data.changes.Load(), indexes) }

// syncTo is sync of so many first changes of the data.
func (s *segment) syncTo(changes uint64, indexes bool) error {
	steps := []func() error{func() error { return s.data.syncTo(changes) }}
	if indexes {
		steps = append(steps, s.offsets.sync, s.times.sync)
	}
	for _, step := range append(steps, s.txns.sync) { // one error, which says whether to try again
		if err := step(); err != nil {
			return fmt.Errorf("sync segment %s: %w", s.name(logSuffix), err)
		}
	}
	return nil
}

func (s *segment) syncData() error {
	s.files.pacer.given(s)
	f, err := s.file()
	if err != nil {
		return err
	}
	return f.Sync()
}

func syncFile(fsys vfs.FS, name string) error {
	f, err := fsys.Open(name, vfs.ReadWrite)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// position is where to look for an offset: the place of a batch at or before it.
func (s *segment) position(offset int64) (int64, error) {
	entry, _, ok, err := s.offsets.floor(min(offset-s.base, maxRelativeOffset))
	if err != nil || !ok {
		return 0, err
	}
	position := int64(i32(entry[4:]))
	if position < 0 || position >= s.size.Load() {
		return 0, s.misled(position, offset)
	}
	return position, nil
}

// reached checks that the batch at the position that the index has named for an offset does not begin behind the offset: what
// stands before would be passed over.
func (s *segment) reached(h *header, position, offset int64) error {
	if position == 0 || h.base <= offset {
		return nil
	}
	return s.misled(position, offset)
}

// misled is the error of an index that names a wrong position.
func (s *segment) misled(position, offset int64) error {
	s.offsets.damaged.Store(true)
	return fmt.Errorf("index %s: %w: it names position %d for offset %d", s.offsets.name, ErrCorrupt, position, offset)
}

// close closes the files; reads that come later fail with fs.ErrClosed.
func (s *segment) close() error {
	s.files.pacer.given(s)
	return errors.Join(s.offsets.close(), s.times.close(), s.txns.close(), s.f.Close())
}
