package storage

import (
	"context"
	"errors"
)

// moveBeside is a move of a log to the other directory, beside the steps.
type moveBeside struct {
	l  *modelLog
	m  *Move
	to *modelDir
}

// moveOn begins a move, goes on with the one that is under way, or ends it.
func (m *model) moveOn(l *modelLog) {
	switch {
	case len(m.dirs) == 1:
	case m.move == nil:
		m.startMove(l)
	case m.r.IntN(3) == 0:
		m.copyMore()
	default:
		m.finishMove()
	}
}

func (m *model) startMove(l *modelLog) {
	to := m.dirs[0]
	if to == l.home {
		to = m.dirs[1]
	}
	if !to.up() {
		return
	}
	m.finishSyncs()
	var move *Move
	err := m.do(func() (err error) {
		move, err = to.d.StartMove(l.log)
		return err
	})
	if err == nil {
		m.move = &moveBeside{l, move, to}
		m.copyMore()
	}
}

func (m *model) copyMore() {
	m.finishSyncs()
	if m.do(func() error { return m.move.m.Copy(context.Background()) }) != nil {
		m.endMove()
	}
}

// endMove gives up the move that is under way.
func (m *model) endMove() {
	if m.move == nil {
		return
	}
	m.finishSyncs()
	_ = m.do(m.move.m.Abandon) // what it can not remove a start removes
	m.move = nil
}

// finishMove lets the copy take the log's place. If that fails the log goes on where it was, whatever is found of the copy later; if it
// can not leave there, nothing more is done with it in this life.
func (m *model) finishMove() {
	l, to := m.move.l, m.move.to
	m.finishSyncs()
	m.noteConfirmed()
	delete(to.deleted, l.id) // from now on the copy may be found there, even where this fails
	var moved *Log
	err := m.do(func() (err error) {
		moved, err = m.move.m.Finish(context.Background())
		return err
	})
	if err != nil {
		if to.up() && !errors.Is(err, ErrMoveOvertaken) && l.home.up() && m.logs[l.log.Topic()] == l && m.fault == nil && m.powered() {
			m.fatalf("the move of %s: %v", l.log.Topic(), err)
		}
		m.endMove()
		return
	}
	from, left := l.home, m.move.m
	m.move = nil
	l.home, l.log = to, moved
	end, start := moved.EndOffset(), moved.StartOffset()
	l.confirmed, l.durable, l.minStart, l.durableStart = end, end, start, start
	l.resume(m.clock.now().UnixMilli())
	l.frozen = m.do(left.Leave) != nil
	if !l.frozen {
		from.deleted[l.id] = true
	}
}

// find returns the log of a topic id, and where it is. A move that was interrupted leaves two: as the owner does, it sets the one aside
// that has moved less often.
func (m *model) find(topic string, id TopicID) (home *modelDir, log *Log) {
	for _, h := range m.dirs {
		found := h.d.Log(topic, 0)
		if found == nil || found.TopicID() != id {
			continue
		}
		if log == nil {
			home, log = h, found
			continue
		}
		if later(found, log) {
			home, h, log = h, home, found
		}
		must(m.t, m.do(func() error {
			_, err := h.d.SetAside(id, 0)
			return err
		}))
		h.deleted[id] = false
	}
	return home, log
}

func later(a, b *Log) bool { return a.Moves() > b.Moves() }
