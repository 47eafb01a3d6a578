package storage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

func (m *model) live() {
	m.start()
	if m.flipped {
		m.mendAll()
	}
	m.check()
	if m.r.IntN(3) > 0 {
		m.disk.CutPowerAfter(m.r.IntN(500))
	}
	if m.draw.faults && m.r.IntN(2) == 0 {
		m.addFault(m.newFault(300))
	}
	for range m.r.IntN(300) {
		if len(m.up()) == 0 {
			break
		}
		m.step(modelTopics[m.r.IntN(len(modelTopics))])
		m.background()
	}
	m.end()
}

// start opens the directories. The power may go while they recover, and another recovery has to make up for it; a process that is
// killed right after leaves to the next one just what it has found.
func (m *model) start() {
	if m.draw.bare && m.r.IntN(2) == 0 {
		m.removeSideCars()
	}
	for range m.r.IntN(3) {
		m.disk.CutPowerAfter(m.r.IntN(150))
		if err := m.open(); err == nil {
			m.crash() // it had the power it needed
			continue
		} else if !errors.Is(err, vfs.ErrPowerLost) {
			m.fatalf("recover: %v", err)
		}
		m.crash()
	}
	m.openWithFault()
	if err := m.open(); err != nil {
		m.fatalf("recover: %v", err)
	}
	if m.r.IntN(4) > 0 {
		return
	}
	before := m.contents()
	m.killKeeping()
	if err := m.open(); err != nil {
		m.fatalf("recover again: %v", err)
	}
	if after := m.contents(); !maps.Equal(before, after) {
		m.fatalf("another recovery gave other bytes: %s", differences(before, after))
	}
}

// killKeeping kills the process: what a power loss had taken before does not come back.
func (m *model) killKeeping() {
	before := map[*modelDir]bool{}
	for _, h := range m.dirs {
		before[h] = h.killed
	}
	m.kill()
	for h, killed := range before {
		h.killed = h.killed && killed
	}
}

// openWithFault has a call of a start fail. What the next start needs is still there.
func (m *model) openWithFault() {
	if !m.draw.faults || m.r.IntN(3) > 0 {
		return
	}
	if err := m.openWith(m.newFault(150)); err != nil && !errors.Is(err, syscall.EIO) {
		m.fatalf("recover with a fault: %v", err)
	}
	m.killKeeping()
}

// contents are the files of all directories that a recovery leaves alike. A clean start makes no side-cars and leaves time entries of
// where the log ended once; another one makes side-cars, and where there were none the time indexes anew. An index that is
// damaged is built anew by whoever looks into it first, which the first start may not.
func (m *model) contents() map[string]string {
	all := map[string]string{}
	for _, h := range m.dirs {
		maps.Copy(all, contents(m.t, m.disk, h.path))
	}
	if m.draw.bare || m.flipped {
		maps.DeleteFunc(all, func(name, _ string) bool {
			return strings.HasSuffix(name, sumsSuffix) || strings.HasSuffix(name, timeSuffix) || m.flipped && strings.HasSuffix(name, offsetSuffix)
		})
	}
	return all
}

func differences(a, b map[string]string) (text string) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if a[name] != b[name] {
			text += fmt.Sprintf("%s: %d bytes, then %d; ", name, len(a[name]), len(b[name]))
		}
	}
	return fmt.Sprintf("%d files, then %d; %s", len(a), len(b), text)
}

// open begins a life. It stops at the first directory that can not be opened.
func (m *model) open() error { return m.openWith(nil) }

// openWith is open with a fault; nil means none.
func (m *model) openWith(f *modelFault) error {
	retired := 0
	if m.gate != nil {
		retired = m.gate.retired
	}
	m.faults = vfs.NewFaults(m.disk)
	m.gate = newGate(m.wrap(m.faults), retired)
	m.gate.loose = m.draw.tiny
	m.flush, m.move, m.fault = nil, nil, nil
	for _, h := range m.dirs {
		h.d, h.failed = nil, false
		h.crowded.Store(false)
	}
	if f != nil {
		m.addFault(f)
	}
	cache := m.newCache()
	for _, h := range m.dirs {
		err := m.do(func() (err error) {
			h.d, err = Open(m.config(h.path, cache))
			return err
		})
		if err != nil {
			return err
		}
		h.d.files.due = func() { h.crowded.Store(true) } // the steps say when
	}
	return nil
}

// end stops the life and notes what is confirmed.
func (m *model) end() {
	if m.r.IntN(4) == 0 {
		m.endMove()
		m.finishFlush(true)
		for _, h := range m.up() {
			if m.do(h.d.Close) == nil {
				m.noteDurable(h, m.ends(h))
			}
		}
	}
	m.noteConfirmed()
	if m.r.IntN(4) == 0 && m.powered() {
		m.kill()
	} else {
		m.crash()
	}
}

func (m *model) powered() bool {
	_, err := m.disk.List("/")
	return err == nil
}

func (m *model) kill() {
	for _, h := range m.dirs {
		h.killed = !m.lostWrites(h)
	}
	m.disk = m.disk.Kill()
	m.abandon()
}

func (m *model) crash() {
	m.disk = m.disk.Crash(m.r.Uint64())
	for _, h := range m.dirs {
		h.killed = false
	}
	m.abandon()
}

// abandon ends the goroutines of directories whose disk is gone.
func (m *model) abandon() {
	m.gate.open()
	if m.flush != nil {
		<-m.flush.done //nolint:errcheck // the disk is gone: how it ended does not matter
		m.flush = nil
	}
	for _, h := range m.dirs {
		if h.d != nil {
			_ = h.d.Close()
		}
	}
}

// noteConfirmed takes note of what the logs say is confirmed.
func (m *model) noteConfirmed() {
	for _, l := range m.logs {
		if l.log == nil || l.alternative != nil {
			continue
		}
		l.confirmed = max(l.confirmed, l.log.Confirmed())
		if m.draw.policy == journal.FlushAcks {
			l.durable = max(l.durable, l.confirmed)
		}
	}
}
