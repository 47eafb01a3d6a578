package storage

import (
	"context"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// scrub reads the directory of a log, in which nothing is damaged, or damages an index that the scrubber then finds.
func (m *model) scrub(l *modelLog) {
	if !m.draw.scrubs {
		return
	}
	m.finishSyncs()
	if !l.home.up() {
		return
	}
	if !m.draw.bare && m.r.IntN(2) == 0 { // without side-cars not all damage can be seen
		m.flip(l)
		return
	}
	before := l.home.d.scrub.damaged.Load()
	s := m.scrubber(l.home)
	must(m.t, m.do(func() error { return s.Scrub(context.Background()) }))
	if found := l.home.d.scrub.damaged.Load() - before; found > 0 && m.fault == nil && m.powered() {
		m.fatalf("the scrubber finds %d damages where nothing is damaged", found)
	}
}

func (m *model) scrubber(h *modelDir) *Scrubber {
	return NewScrubber(ScrubConfig{Interval: 1, BytesPerSecond: 1 << 60, Directories: []*Directory{h.d}})
}

// flip damages an index of a segment that has ended, and lets the directory build it anew.
func (m *model) flip(l *modelLog) {
	segments := *l.log.segments.Load()
	s := segments[m.r.IntN(len(segments))]
	if _, settled := l.log.settled(s); !settled {
		return
	}
	name := s.name([]string{offsetSuffix, timeSuffix}[m.r.IntN(2)])
	info, err := vfs.Stat(m.disk, name)
	if err != nil || info.Size == 0 {
		return // the power is lost, or there is no entry
	}
	m.flipped = true
	if tryFlipBit(m.disk, name, m.r.Int64N(info.Size)) != nil {
		return // the power is lost
	}
	m.mend(l.home, l.log, s)
	if m.flipped && m.fault == nil && l.home.up() && m.powered() {
		m.fatalf("the damage of %s is not found, or stays", name)
	}
}

// mend has the scrubber look at one segment, and waits until its indexes are built anew if they have to be.
func (m *model) mend(h *modelDir, log *Log, s *segment) {
	before := h.d.scrub.rebuilt.Load()
	must(m.t, m.do(func() error { return m.scrubber(h).segment(context.Background(), log, s) }))
	for m.grant(false) {
	}
	m.flipped = m.flipped && h.d.scrub.rebuilt.Load() == before
}

// mendAll has the indexes built anew that were damaged when the last life ended.
func (m *model) mendAll() {
	for _, h := range m.dirs {
		for log := range h.d.Logs {
			for _, s := range *log.segments.Load() {
				m.mend(h, log, s)
			}
		}
	}
}
