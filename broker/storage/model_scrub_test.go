package storage

import "context"

// scrub reads the directory of a log, in which nothing is damaged.
func (m *model) scrub(l *modelLog) {
	if !m.draw.scrubs {
		return
	}
	m.finishSyncs()
	if !l.home.up() {
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
