package storage

import (
	"errors"
	"fmt"
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// DefaultReserveBytes is what a directory keeps for itself: indexes, snapshots and checkpoint files of some hundred partitions,
	// and the metadata log where it is on the same volume.
	DefaultReserveBytes = 4 << 20
	// regainBytes have to be free beside the reserve before clients may write again, so that the state does not change with
	// each batch.
	regainBytes = 1 << 20
	// fullInterval is how often a full directory looks for space.
	fullInterval = time.Second
	// fullPause is the longest time for which a directory stays full that has little space and was full less than that before. So
	// it does not change with each batch where what is free suffices for the reserve, and not for a journal file.
	fullPause = time.Minute
	// plentyBytes end the pause where they are free beside the reserve.
	plentyBytes = 64 << 20
	// ownShare is the part of the reserve, as a divisor, that the broker's own records leave to what makes logs durable.
	ownShare = 4
)

// fullness is whether the disk is full, and the space that is kept for that: a file of zeros which goes when the disk is full,
// so that a checkpoint, retention and the broker's own records can go on, and comes back when there is space again.
type fullness struct {
	d    *Directory
	wake chan struct{}

	mu   sync.Mutex
	why  error // nil unless the disk is full
	held bool  // the reserve is there
	// regained is when records were last taken again. They are not taken before rests is over; pause is how long that was.
	regained, rests time.Time
	pause           time.Duration
}

func newFullness(d *Directory) *fullness { return &fullness{d: d, wake: make(chan struct{}, 1)} }

// Full is why the directory takes no records from clients though it is online: the disk is full. It is nil otherwise.
func (d *Directory) Full() error { return d.full.reason() }

func (f *fullness) reason() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}

// Relieve lets the reserve go where less than so many bytes are free, for who needs space on the same volume. It comes back when
// there is space.
func (d *Directory) Relieve(below int64) {
	if space, err := d.Space(); d.Err() == nil && err == nil && space.Usable < below {
		d.full.set(fmt.Errorf("%d bytes are free: %w", space.Usable, syscall.ENOSPC))
	}
}

// set notes that the disk is full, and has the reserve released.
func (f *fullness) set(why error) {
	f.mu.Lock()
	news := f.why == nil
	f.why = why
	if news {
		f.rest(f.d.cfg.Clock())
	}
	if err := f.release(); err != nil {
		f.d.cfg.Logger.Warn("the space that is kept for a full disk is not released", "dir", f.d.cfg.Dir, "error", err)
	}
	f.mu.Unlock()
	if news {
		f.d.cfg.Logger.Error("the disk is full: records are refused until there is space", "dir", f.d.cfg.Dir, "error", why)
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// rest has records refused for longer when the disk has been full a short time ago. The caller holds the lock.
func (f *fullness) rest(now time.Time) {
	if f.regained.IsZero() || now.Sub(f.regained) >= fullPause {
		f.pause = 0
		return
	}
	f.pause = min(max(2*f.pause, fullInterval), fullPause)
	f.rests = now.Add(f.pause)
}

// resting says whether records are not to be taken yet.
func (f *fullness) resting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.d.cfg.Clock().Before(f.rests) {
		return false
	}
	space, err := f.d.Space()
	return err == nil && space.Usable < f.d.cfg.ReserveBytes+plentyBytes
}

// regain notes that the disk is not full. The caller holds the lock.
func (f *fullness) regain() {
	if f.why != nil {
		f.why, f.regained = nil, f.d.cfg.Clock()
	}
}

// name is the reserve's file.
func (f *fullness) name() string { return path.Join(f.d.cfg.Dir, reserveFile) }

// release removes the reserve. The caller holds the lock, or is alone.
func (f *fullness) release() error {
	f.held = false
	if err := f.d.cfg.FS.Remove(f.name()); err != nil && !isNotExist(err) {
		return err
	}
	return nil
}

// take makes the reserve. It does not try unless there is more space than that: for a moment, nobody else would have any.
func (f *fullness) take() (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	size := f.d.cfg.ReserveBytes
	if f.held || size == 0 {
		f.regain()
		return nil
	}
	if space, err := f.d.Space(); err == nil && space.Usable < size+regainBytes {
		return fmt.Errorf("%d bytes are free: %w", space.Usable, syscall.ENOSPC)
	}
	if err := writeZeros(f.d.cfg.FS, f.name(), size); err != nil {
		if removing := f.release(); removing != nil {
			f.d.cfg.Logger.Warn("the space that is kept for a full disk is not released", "dir", f.d.cfg.Dir, "error", removing)
		}
		return err
	}
	f.held = true
	f.regain()
	return nil
}

// leave makes as much of the reserve as there is space for, for the next start.
func (f *fullness) leave() {
	if f.d.cfg.ReserveBytes == 0 {
		return
	}
	if err := writeZeros(f.d.cfg.FS, f.name(), f.d.cfg.ReserveBytes); err != nil {
		f.d.cfg.Logger.Warn("the space that is kept for a full disk is not complete", "dir", f.d.cfg.Dir, "error", err)
	}
}

func writeZeros(fsys vfs.FS, name string, size int64) (err error) {
	f, err := fsys.Open(name, vfs.Create)
	if err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for at := int64(0); at < size && err == nil; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// regain makes the logs durable, so that the journal's files are used again, and takes the reserve back. Then records are taken
// again. On a disk that is not full it makes the checkpoint that was put off.
func (d *Directory) regain() {
	if d.full.reason() == nil {
		if d.lacking.checkpoint.Load() {
			d.tryCheckpoint()
		}
		return
	}
	if err := d.checkpointUnlessDone(); err != nil {
		return
	}
	if d.full.resting() {
		return
	}
	if err := d.full.take(); err != nil {
		if !vfs.NoSpace(err) {
			d.cfg.Logger.Warn("looking for space failed", "dir", d.cfg.Dir, "error", err)
		}
		return
	}
	d.cfg.Logger.Info("there is space again: records are taken", "dir", d.cfg.Dir)
}

// admits says whether a full directory takes a batch of an origin: the broker's own records are few, and without them nobody
// could log in to make space.
func (d *Directory) admits(origin Origin) error {
	why := d.Full()
	if why == nil {
		return nil
	}
	if space, err := d.Space(); origin == Coordinator && err == nil && space.Usable >= d.cfg.ReserveBytes/ownShare {
		return nil
	}
	return wire.Errorf(wire.KafkaStorageError, "log directory %s takes no records: %w", d.cfg.Dir, why)
}

// admitToJournal keeps room in the journal for a batch.
func (l *Log) admitToJournal(bytes int64) error {
	err := l.d.journal.Admit(bytes)
	if err == nil {
		return nil
	}
	if errors.Is(err, journal.ErrNoSpace) {
		l.d.full.set(fmt.Errorf("append to %s: %w", l.path, err))
	}
	return wire.Errorf(wire.KafkaStorageError, "append to %s: %w", l.path, err)
}
