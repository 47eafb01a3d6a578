package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

const (
	// maxCommitBytes is how much one commit takes: enough for a disk to write at its full speed. As much again may wait for the
	// next one; then Pace makes appenders wait, so that memory stays bounded.
	maxCommitBytes = 4 << 20
	// retryCreate is how long it takes until a file that could not be made or opened, on a full disk or for too many open ones, is
	// tried again.
	retryCreate = time.Second
	// spareCheckpoints is how much is kept in files that wait to be used again, in multiples of CheckpointBytes; liveCheckpoints
	// is how much may wait for a checkpoint before Pace makes appenders wait: it bounds the time that a replay takes.
	spareCheckpoints = 2
	liveCheckpoints  = 2
	// minSpareFiles are kept in any case.
	minSpareFiles = 4
	// DefaultInterval is how often FlushInterval syncs.
	DefaultInterval = 100 * time.Millisecond
)

// ErrClosed is returned by calls on a closed journal, and told to frames that it could not take any more.
var ErrClosed = errors.New("the journal is closed")

// ErrTooLarge is returned for a frame that does not fit into a file.
var ErrTooLarge = errors.New("larger than a journal file")

// Config says how a journal is started. FS and Dir are required.
type Config struct {
	FS  vfs.FS
	Dir string
	// FileBytes is the size of one file, a multiple of 4096; 0 means DefaultFileBytes.
	FileBytes int64
	Policy    FlushPolicy
	// Interval is how often FlushInterval syncs; 0 means DefaultInterval.
	Interval time.Duration
	// CheckpointBytes is how much is written until CheckpointDue tells; 0 means two files.
	CheckpointBytes int64
	// SyncsAtOnce is how many files that frames rest on are synced at a time; 0 means DefaultSyncsAtOnce.
	SyncsAtOnce int
	Logger      *slog.Logger
}

// Done is told the outcome of a frame by the journal's goroutine, in the order of the frames: nil when it is confirmed by the
// flush policy, else why the journal failed. It must not block and must not call the journal.
type Done func(token int64, err error)

type waiter struct {
	done  Done
	token int64
	end   int    // of the frame in pending
	lsn   uint64 // of the frame
}

// Journal takes frames. Its methods may be called by many goroutines.
type Journal struct {
	cfg    Config
	failed chan struct{}
	due    chan struct{}
	wake   chan struct{}
	freed  chan struct{} // a checkpoint has given files back
	flush  chan struct{} // what is written is to be synced
	stop   chan struct{}
	// heldWake tells of a held frame; released is closed when no frame is passed on any more.
	heldWake, released chan struct{}
	ended              sync.WaitGroup
	// synced is the LSN up to which all is on disk.
	synced atomic.Uint64

	mu      sync.Mutex
	room    sync.Cond // pending or held frames or files have become fewer, or the journal has ended
	ready   sync.Cond // a file is prepared, or is missing, or the journal has ended
	pending []byte
	waiters []waiter
	// wantSync says that one of the waiters waits for the disk whatever the policy.
	wantSync bool
	// held are the frames that wait for their sources, of heldBytes with those that are being synced.
	held      []heldFrame
	heldBytes int64
	lsn       uint64 // of the last frame that was taken
	err       error  // why the journal failed
	closed    bool
	idle      bool // the writing goroutine has ended
	starving  bool // the writing goroutine waits for a file
	noSpace   bool // the disk has no room for another file
	// admitted is kept for frames to come; heldFrames is what the held ones, and those whose sources are being synced, take of a file;
	// inflight is being written.
	admitted, heldFrames, inflight int64
	// sinceCheckpoint counts the bytes that were taken since the last checkpoint.
	sinceCheckpoint int64
	checkpoint      uint64
	live            []*file // written full, not yet behind the checkpoint, oldest first
	spare           []*file // to be prepared anew
	next            *file   // prepared
	generation      uint64
	number          uint64

	// Of the writing goroutine alone.
	current *file
	dirty   bool
	written uint64
}

// Start prepares all files anew, so that nothing that stood in them exists any more, and begins to write. The caller has made
// the frames that the Reader handed out durable in the logs.
func Start(cfg Config, tail Tail) (*Journal, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	j := &Journal{
		cfg: cfg, failed: make(chan struct{}), due: make(chan struct{}, 1), wake: make(chan struct{}, 1), freed: make(chan struct{}, 1), flush: make(chan struct{}, 1), stop: make(chan struct{}),
		heldWake: make(chan struct{}, 1), released: make(chan struct{}),
		lsn: tail.LSN, checkpoint: tail.LSN, written: tail.LSN, generation: tail.generation,
	}
	j.room.L, j.ready.L = &j.mu, &j.mu
	j.synced.Store(tail.LSN)
	if err := j.takeOver(tail); err != nil {
		return nil, errors.Join(err, j.closeFiles())
	}
	j.ended.Add(2)
	go j.release()
	go j.write()
	go j.keep()
	return j, nil
}

func (c *Config) check() error {
	if c.FileBytes == 0 {
		c.FileBytes = DefaultFileBytes
	}
	if c.FileBytes%blockBytes != 0 || c.FileBytes < minFileBytes || c.FileBytes > maxFileBytes {
		return fmt.Errorf("start the journal: file size %d is not a multiple of %d from %d to %d", c.FileBytes, blockBytes, minFileBytes, maxFileBytes)
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.CheckpointBytes == 0 {
		c.CheckpointBytes = 2 * c.FileBytes
	}
	if c.SyncsAtOnce == 0 {
		c.SyncsAtOnce = DefaultSyncsAtOnce
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// takeOver prepares the files that are there. The first one to be prepared carries the checkpoint that makes all others
// superfluous, so that a crash at any point of it leaves a journal without frames.
func (j *Journal) takeOver(tail Tail) error {
	slices.Sort(tail.numbers)
	var wrongSize []string
	var kept []*file
	for _, n := range tail.numbers {
		j.number = max(j.number, n)
		name := fileName(j.cfg.Dir, n)
		handle, err := j.cfg.FS.Open(name, vfs.ReadWrite)
		if err != nil {
			return fmt.Errorf("start the journal: %w", err)
		}
		info, err := handle.Stat()
		if err == nil && (info.Size != j.cfg.FileBytes || len(kept) > j.maxSpare()) {
			wrongSize = append(wrongSize, name)
			err = handle.Close()
			if err == nil {
				continue
			}
		}
		f := &file{f: handle, name: name}
		j.spare = append(j.spare, f)
		if err != nil {
			return fmt.Errorf("start the journal: %w", err)
		}
		kept = append(kept, f)
		j.generation++
		if err := f.prepare(j.generation, j.checkpoint, j.cfg.FileBytes); err != nil {
			return err
		}
	}
	if len(kept) == 0 {
		f, err := j.create()
		if err != nil {
			return err
		}
		kept = append(kept, f)
	}
	j.current, j.spare = kept[0], kept[1:]
	return j.removeLeftovers(wrongSize)
}

func (j *Journal) removeLeftovers(names []string) error {
	entries, err := j.cfg.FS.List(j.cfg.Dir)
	if err != nil {
		return fmt.Errorf("start the journal: %w", err)
	}
	for _, e := range entries {
		if base, ok := strings.CutSuffix(e.Name, ".tmp"); ok && strings.HasPrefix(base, filePrefix) {
			names = append(names, path.Join(j.cfg.Dir, e.Name))
		}
	}
	for _, name := range names {
		if err := j.cfg.FS.Remove(name); err != nil {
			return fmt.Errorf("start the journal: %w", err)
		}
	}
	return nil
}

// create makes a new file with the next number and generation. It is called by one goroutine at a time.
func (j *Journal) create() (*file, error) {
	j.mu.Lock()
	j.number++
	j.generation++
	n, generation, checkpoint := j.number, j.generation, j.checkpoint
	j.mu.Unlock()
	return create(j.cfg.FS, j.cfg.Dir, n, generation, checkpoint, j.cfg.FileBytes)
}

// MaxPayload is the size of the largest payload that Append takes, in bytes.
func (j *Journal) MaxPayload() int64 { return j.cfg.FileBytes - firstFrame - frameHeaderBytes }

// Pace waits while the journal has more to do than it should: too much is waiting for the disk, or for a checkpoint. A caller that
// brings data calls it before it takes any lock that a checkpoint needs. It does not tell of failures; an error is the context's.
func (j *Journal) Pace(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.usable() != nil || !j.overloaded() {
		return nil
	}
	defer context.AfterFunc(ctx, j.wakePaced)()
	for j.usable() == nil && j.overloaded() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for room in the journal: %w", err)
		}
		j.room.Wait()
	}
	return nil
}

// wakePaced wakes those who wait in Pace.
func (j *Journal) wakePaced() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.room.Broadcast()
}

// Waiting is how many bytes wait for the disk.
func (j *Journal) Waiting() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int64(len(j.pending)) + j.heldBytes
}

// overloaded says whether appenders have to wait. The caller holds the lock.
func (j *Journal) overloaded() bool {
	return len(j.pending) >= maxCommitBytes || j.heldBytes >= maxHeldBytes ||
		int64(len(j.live))*j.cfg.FileBytes >= max(liveCheckpoints*j.cfg.CheckpointBytes, 2*j.cfg.FileBytes)
}

// maxSpare is how many files wait to be used again; more are removed.
func (j *Journal) maxSpare() int {
	return int(max(minSpareFiles, spareCheckpoints*j.cfg.CheckpointBytes/j.cfg.FileBytes))
}

// Append takes a frame and returns its LSN, 0 where the frame is held back; it copies the payload. It does not wait. done, where not nil, is told the outcome, unless Append returned an error.
func (j *Journal) Append(f *Frame, done Done, token int64) (uint64, error) {
	return j.add(f, waiter{done: done, token: token}, f.Sync)
}

func (j *Journal) add(f *Frame, w waiter, wantSync bool) (uint64, error) {
	if int64(len(f.Payload)) > j.MaxPayload() {
		return 0, fmt.Errorf("append to the journal: a payload of %d bytes: %w", len(f.Payload), ErrTooLarge)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if f.Admitted {
		j.admitted -= admittedBytes(int64(len(f.Payload)))
	}
	if err := j.usable(); err != nil {
		return 0, err
	}
	if f.holds() {
		j.hold(f, w, wantSync)
		return 0, nil
	}
	j.enqueue(f, w, wantSync)
	return f.LSN, nil
}

// enqueue makes a frame pending. The caller holds the lock.
func (j *Journal) enqueue(f *Frame, w waiter, wantSync bool) {
	j.lsn++
	f.LSN = j.lsn
	j.pending = appendFrame(j.pending, f)
	w.end, w.lsn = len(j.pending), f.LSN
	j.waiters = append(j.waiters, w)
	j.wantSync = j.wantSync || wantSync
	j.count(f.size())
	notify(j.wake)
}

// count adds to what was taken since the checkpoint, and tells once when it is time for another.
func (j *Journal) count(bytes int64) {
	before := j.sinceCheckpoint
	j.sinceCheckpoint += bytes
	if before < j.cfg.CheckpointBytes && j.sinceCheckpoint >= j.cfg.CheckpointBytes {
		notify(j.due)
	}
}

// askForCheckpoint tells that it is time where files that are full wait for it: what they hold may have been counted before the
// last one. The caller holds the lock.
func (j *Journal) askForCheckpoint() {
	if int64(len(j.live))*j.cfg.FileBytes >= j.cfg.CheckpointBytes {
		notify(j.due)
	}
}

// AppendWait takes a frame and waits until it is on disk, under every flush policy.
func (j *Journal) AppendWait(f *Frame) error {
	outcome := make(chan error, 1)
	if _, err := j.add(f, waiter{done: func(_ int64, err error) { outcome <- err }}, true); err != nil {
		return err
	}
	return <-outcome
}

// Flush has all that was taken so far synced, whatever the flush policy. It does not wait.
func (j *Journal) Flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wantSync = j.wantSync || len(j.pending) > 0
	notify(j.flush)
}

// usable is why no frame is taken, or nil. The caller holds the lock.
func (j *Journal) usable() error {
	if j.err == nil && j.closed {
		return ErrClosed
	}
	return j.err
}

// LSN is that of the last frame that was taken.
func (j *Journal) LSN() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lsn
}

// Checkpoint tells the journal that all frames up to an LSN are durable in the logs: their files are used again. It returns when
// that is on disk, and no replay meets these frames any more, under every flush policy: until then one would begin before frames
// truncation among them, and might not find those that come behind it.
func (j *Journal) Checkpoint(through uint64) error {
	outcome, err := j.addCheckpoint(through)
	if err != nil {
		return err
	}
	j.recycle(through) // before the wait: on a full disk the frame may need one of the files
	return <-outcome
}

// Sync returns when all that was taken before is on disk, under every flush policy.
func (j *Journal) Sync() error {
	j.mu.Lock()
	lsn, through := j.lsn, j.checkpoint
	j.mu.Unlock()
	if j.synced.Load() >= lsn {
		return j.Err()
	}
	outcome, err := j.addCheckpoint(through)
	if err != nil {
		return err
	}
	return <-outcome
}

// addCheckpoint takes a checkpoint frame, and tells when it is on disk.
func (j *Journal) addCheckpoint(through uint64) (outcome <-chan error, err error) {
	told := make(chan error, 1)
	f := Frame{Type: Checkpoint, Payload: binary.BigEndian.AppendUint64(nil, through)}
	_, err = j.add(&f, waiter{done: func(_ int64, err error) { told <- err }}, true)
	return told, err
}

// recycle lets the files be used again whose frames are all behind a checkpoint.
func (j *Journal) recycle(through uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.checkpoint = max(j.checkpoint, through)
	j.sinceCheckpoint = 0
	j.live = slices.DeleteFunc(j.live, func(f *file) bool {
		if f.lastLSN > j.checkpoint {
			return false
		}
		j.spare = append(j.spare, f)
		notify(j.freed)
		return true
	})
	j.askForCheckpoint()
	j.room.Broadcast()
	j.ready.Broadcast()
}

func checkpointOf(f *Frame) (uint64, error) {
	if len(f.Payload) != 8 {
		return 0, fmt.Errorf("%w: checkpoint frame %d has %d bytes", ErrCorrupt, f.LSN, len(f.Payload))
	}
	return binary.BigEndian.Uint64(f.Payload), nil
}

// CheckpointDue tells, once, when enough was written since the last checkpoint.
func (j *Journal) CheckpointDue() <-chan struct{} { return j.due }

// Failed is closed when a write or a sync failed, after which the journal takes nothing more; Err says why.
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// Err is why the journal failed, or nil.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Fail ends the journal for good, as a failed write does: for a caller whose own files have failed.
func (j *Journal) Fail(err error) { j.fail(err) }

func (j *Journal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	j.err = err
	close(j.failed)
	j.room.Broadcast()
	j.ready.Broadcast()
}

// Close writes and syncs what is pending, ends the goroutines and closes the files. It returns why the journal failed, if so.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return ErrClosed
	}
	j.closed = true
	close(j.stop)
	j.room.Broadcast()
	j.mu.Unlock()
	<-j.released
	j.ended.Wait()
	return errors.Join(j.Err(), j.closeFiles())
}

func (j *Journal) closeFiles() error {
	var errs []error
	for _, f := range append(append(slices.Clone(j.live), j.spare...), j.next, j.current) {
		if f != nil {
			errs = append(errs, f.f.Close())
		}
	}
	j.live, j.spare, j.next, j.current = nil, nil, nil, nil
	return errors.Join(errs...)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
