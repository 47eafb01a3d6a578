package storage

import (
	"math"
	"time"
)

// noCleaned is the first dirty offset of a log that was never compacted.
const noCleaned = -1

// dirt says what of a log is to be compacted (LogToClean of Apache Kafka).
type dirt struct {
	// from is the first offset that no round has covered, upTo the base of the first segment that must wait: the active one, one
	// with records that are not stable, or one that is too young.
	from, upTo int64
	// clean and dirty are the bytes of the segments below from, and from there up to upTo.
	clean, dirty int64
	// overdue says that a dirty record is older than max.compaction.lag.ms.
	overdue bool
}

// ratio is the dirty share.
func (d *dirt) ratio() float64 {
	if d.clean+d.dirty == 0 {
		return 0
	}
	return float64(d.dirty) / float64(d.clean+d.dirty)
}

// wanted says whether a round is due.
func (d *dirt) wanted(cfg *LogConfig) bool {
	return d.dirty > 0 && (d.overdue || d.ratio() > cfg.MinCleanableRatio)
}

// dirt measures the log. stable is the last stable offset: nothing at or behind it may be compacted. With settled set, nothing
// that the journal might replay is counted either.
func (l *Log) dirt(now time.Time, stable int64, settled bool) dirt {
	l.mu.Lock()
	defer l.mu.Unlock()
	segments := *l.segments.Load()
	from := l.compaction.cleaned
	if from < l.start.Load() || from > l.end.Load() {
		from = l.start.Load()
	}
	d := dirt{from: from}
	first := max(find(segments, from), 0)
	active := len(segments) - 1
	upTo := min(stable, segments[active].base)
	if settled {
		upTo = min(upTo, l.compaction.settled)
	}
	if young := now.UnixMilli() - l.cfg.MinCompactionLagMs; l.cfg.MinCompactionLagMs > 0 {
		for _, s := range segments[min(first, active):active] {
			if s.largestTime() > young {
				upTo = min(upTo, s.base)
				break
			}
		}
	}
	// Only whole segments are compacted.
	end := min(max(find(segments, max(upTo, from)), 0), active)
	d.upTo = segments[end].base
	for i, s := range segments[:end] {
		if s.base < from {
			d.clean += s.size.Load()
		}
		if i >= first {
			d.dirty += s.size.Load()
		}
	}
	d.overdue = l.cfg.MaxCompactionLagMs < math.MaxInt64 && oldest(segments[min(first, active):active]) < now.UnixMilli()-l.cfg.MaxCompactionLagMs
	return d
}

// oldest is the smallest timestamp that a segment begins with.
func oldest(segments []*segment) int64 {
	at := int64(math.MaxInt64)
	for _, s := range segments {
		if t := s.firstTimestamp(); t > 0 {
			at = min(at, t)
		}
	}
	return at
}

// groups puts neighbours together whose sums stay within what one segment may hold, so that segments do not become ever smaller.
// upTo is the end of the last one's offsets.
func groups(segments []*segment, cfg *LogConfig, upTo int64) [][]*segment {
	var all [][]*segment
	var size, offsets, times int64
	for i, s := range segments {
		last := upTo - 1
		if i+1 < len(segments) {
			last = segments[i+1].base - 1
		}
		s0, o0, t0 := s.size.Load(), int64(s.offsets.entries())*offsetEntryBytes, int64(s.times.entries())*timeEntryBytes
		n := len(all) - 1
		if n >= 0 && size+s0 <= cfg.SegmentBytes && offsets+o0 <= cfg.IndexBytes && times+t0 <= cfg.IndexBytes &&
			(s0 == 0 || last-all[n][0].base <= maxRelativeOffset) {
			all[n] = append(all[n], s)
			size, offsets, times = size+s0, offsets+o0, times+t0
			continue
		}
		all = append(all, []*segment{s})
		size, offsets, times = s0, o0, t0
	}
	return all
}

// lastRecord is what compaction has to keep of a producer that is still known.
type lastRecord struct {
	// offset is that of the last data record, -1 where only a marker is known.
	offset int64
	// below is the last one of those that are remembered and below what is compacted, -1 if there is none.
	below int64
	epoch int16
}

// lastRecords are those of all producers, where records below an offset are compacted. The caller holds the lock.
func (s *producers) lastRecords(upTo int64) map[int64]lastRecord {
	all := make(map[int64]lastRecord, len(s.byID))
	for id, p := range s.byID {
		last := lastRecord{offset: -1, below: -1, epoch: p.epoch}
		for i := range p.batches[:p.count] {
			last.offset = p.batches[i].lastOffset
			if last.offset < upTo {
				last.below = last.offset
			}
		}
		all[id] = last
	}
	return all
}
