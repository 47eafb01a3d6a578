package storage

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// lacking is what a directory knows of calls that failed for the want of open files.
type lacking struct {
	// told is when the log told of it.
	told seldom
	// checkpoint says that the last checkpoint did not come to its end, for that reason or another that passes.
	checkpoint atomic.Bool
}

// lacks says whether a call failed for the want of space, or of open files. Then the directory stays online, and what was to be done
// is tried again; a full disk gives its reserve up.
func (d *Directory) lacks(err error) bool {
	switch {
	case vfs.NoSpace(err):
		d.full.set(err)
		return true
	case vfs.NoFiles(err):
		if d.lacking.told.due(d.cfg.Clock()) {
			d.cfg.Logger.Error("there are too many open files: what needs another one is refused", "dir", d.cfg.Dir, "error", err)
		}
		return true
	default:
		return false
	}
}

// insistInterval is the pause between two tries of what has no way back.
const insistInterval = 100 * time.Millisecond

// insist does what has no way back, and may be done again from its start: for the want of space or of open files it is tried until
// there are some, or the directory stops. A start, which does not wait, fails. The caller holds the log's lock. It names the locks that
// are let go meanwhile, in the order in which it took them, the log's as the last one, if it has the turn besides: so nothing else cuts,
// compacts or ends the log. Without the turn it names none.
func (l *Log) insist(do func() error, locks ...*sync.Mutex) error {
	d := l.d
	err := do()
	for d.journal != nil && d.lacks(err) {
		if err = do(); !vfs.Lacks(err) { // the reserve's space may do
			break
		}
		if !l.pause(err, locks) {
			return err
		}
	}
	return err
}

// pause waits without the locks: who comes meanwhile is refused, and so is a checkpoint, which would take what is half done for done. A
// full disk gets here the space of files whose time has come. It says whether to go on.
func (l *Log) pause(why error, locks []*sync.Mutex) bool {
	d := l.d
	l.paused = why
	for _, m := range slices.Backward(locks) {
		m.Unlock()
	}
	defer func() {
		for _, m := range locks {
			m.Lock()
		}
		l.paused = nil
	}()
	timer := time.NewTimer(insistInterval)
	defer timer.Stop()
	select {
	case <-timer.C:
		d.reap(d.cfg.Clock())
		return true
	case <-d.stop:
	case <-d.journal.Failed():
	}
	return false
}

// refusePaused is why the log takes nothing while a change waits for space or open files in its midst; nil where none does. The caller
// holds the lock.
func (l *Log) refusePaused() error {
	if l.paused == nil {
		return nil
	}
	return wire.Errorf(wire.KafkaStorageError, "%s is in the midst of a change that waits: %w", l.path, l.paused)
}

// refuse is fail, except for the want of space or of open files: then nothing has changed, and the change is refused until there
// are some.
func (l *Log) refuse(action string, err error) error {
	if !l.d.lacks(err) {
		return l.fail(action, err)
	}
	return wire.Errorf(wire.KafkaStorageError, "%w", fmt.Errorf("%s %s: %w", action, l.path, err))
}
