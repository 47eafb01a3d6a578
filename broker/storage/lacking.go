package storage

import (
	"fmt"
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
// there are some, or the directory stops. The caller holds the log's lock, and so no checkpoint comes meanwhile, which would take
// what is half done for done; a full disk gets here the space of files whose time has come. A start, which does not wait, fails.
func (d *Directory) insist(do func() error) error {
	err := do()
	for d.journal != nil && d.lacks(err) {
		if err = do(); !vfs.Lacks(err) { // the reserve's space may do
			break
		}
		timer := time.NewTimer(insistInterval)
		select {
		case <-timer.C:
			d.reap(d.cfg.Clock())
		case <-d.stop:
			return err
		case <-d.journal.Failed():
			return err
		}
	}
	return err
}

// refuse is fail, except for the want of space or of open files: then nothing has changed, and the change is refused until there
// are some.
func (l *Log) refuse(action string, err error) error {
	if !l.d.lacks(err) {
		return l.fail(action, err)
	}
	return wire.Errorf(wire.KafkaStorageError, "%w", fmt.Errorf("%s %s: %w", action, l.path, err))
}
