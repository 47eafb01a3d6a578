package storage

import (
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
)

// flushBeside is a checkpoint of a directory, and what its logs held when it began.
type flushBeside struct {
	home *modelDir
	done chan error
	ends map[*modelLog]mark
}

// patience is how many flush intervals a call may wait for before the checkpoint beside it has to go on, or something is wrong.
const patience, tooLong = 3, 100

// run carries out a call, and lets the calls go on that it waits for: those of the journal, and what the checkpoint beside it rests on
// only when nothing else helps.
func (m *model) run(call func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	for waits := 0; ; {
		synctest.Wait()
		select {
		case <-done:
			return
		default:
		}
		if m.gate.grant(m.flush != nil && waits < patience, m.r.IntN) {
			continue
		}
		if waits++; waits > tooLong {
			panic("a call waits for nothing that will happen")
		}
		<-time.After(journal.DefaultInterval)
	}
}

// do is run, and says how the call ended.
func (m *model) do(call func() error) (err error) {
	m.run(func() { err = call() })
	return err
}

// grant lets a call go on that waits, and says whether there was one.
func (m *model) grant(journalOnly bool) bool {
	synctest.Wait()
	return m.gate.grant(journalOnly, m.r.IntN)
}

// background lets some of what waits at the gate go on, so that commits gather a few frames or many.
func (m *model) background() {
	grants := 0
	switch n := m.r.IntN(10); {
	case n < 3:
		grants = 1
	case n < 5:
		grants = 3
	case n < 7:
		grants = 1000
	}
	for range grants {
		if !m.grant(false) {
			break
		}
	}
	synctest.Wait()
	m.finishFlush(false)
	for _, h := range m.up() {
		if h.crowded.Swap(false) {
			m.startFlush(h)
		}
	}
}

// pass lets everything come to rest, and the time of an interval flush go by.
func (m *model) pass() {
	m.finishFlush(true)
	up := m.up()
	ends := make([]map[*modelLog]mark, len(up))
	for i, h := range up {
		ends[i] = m.ends(h)
	}
	m.run(func() { <-time.After(3 * journal.DefaultInterval) })
	m.noteConfirmed()
	for i, h := range up {
		if m.draw.policy == journal.FlushOS || !h.up() {
			continue
		}
		for l, e := range ends[i] {
			l.durable = max(l.durable, min(e.end, l.confirmed))
		}
		for id := range h.deleted {
			h.deleted[id] = true
		}
	}
}

// startFlush begins a checkpoint beside the steps that follow.
func (m *model) startFlush(h *modelDir) {
	if m.flush != nil {
		return
	}
	m.finishSyncs()
	if !h.up() {
		return
	}
	f := &flushBeside{home: h, done: make(chan error, 1), ends: m.ends(h)}
	m.flush = f
	go func() { f.done <- h.d.Checkpoint() }()
	synctest.Wait()
}

// finishSyncs ends the checkpoint and the syncs that something rests on: one would hold up another one of the same file.
func (m *model) finishSyncs() {
	m.finishFlush(true)
	for m.grant(false) {
	}
}

// finishFlush takes note of the end of the checkpoint, for which it waits if it has to.
func (m *model) finishFlush(wait bool) {
	for m.flush != nil {
		synctest.Wait()
		select {
		case err := <-m.flush.done:
			if err == nil {
				m.noteDurable(m.flush.home, m.flush.ends)
			}
			m.flush = nil
		default:
			if !wait {
				return
			}
			m.gate.grant(false, m.r.IntN)
		}
	}
}
