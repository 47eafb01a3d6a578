package storage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// logKey names a log for the journal.
type logKey struct {
	id        TopicID
	partition int32
}

// Directory is one log directory: its logs and the journal that they share. Its methods may be called by many goroutines.
type Directory struct {
	cfg     Config
	lock    vfs.File
	journal *journal.Journal
	walker  *record.Walker
	files   *segmentFiles
	// unmended has the segments with damaged indexes.
	unmended chan mending
	// crowded asks for a checkpoint because too many files wait to be synced.
	crowded chan struct{}
	stop    chan struct{}
	ended   sync.WaitGroup
	// unopened is why the directory could not be opened; offline is closed then.
	unopened error
	offline  chan struct{}
	full     *fullness
	lacking  lacking
	counts   counts

	// creating is held while a log is made, so that there is none whose frame a checkpoint counts and whose files it does not know. It
	// comes before mu, and behind checkpointing.
	creating sync.Mutex

	mu     sync.RWMutex
	byName map[string]*Log
	byID   map[logKey]*Log
	closed bool
	// named has the names of the logs that the checkpoint files on disk may speak of.
	named map[string]bool
	// list is the directory's own entries.
	list *unsynced

	// volume is what the directory is on; nil where only files are synced. Who has checkpointing may use it.
	volume vfs.Volume
	// checkpointing is held by the one checkpoint at a time; checkpointed is the journal's LSN after the last one.
	checkpointing sync.Mutex
	checkpointed  uint64
	// cleaned is what the file of first dirty offsets says; who has checkpointing may write it.
	cleaned offsets
	// indexPoints is what the file of index points says; nil if this process has not written it.
	indexPoints offsets

	retiredMu sync.Mutex
	retired   []retired
	scrub     scrubbing
	// remade has the logs that Open has made anew of the journal although a directory of theirs is deleted.
	remade map[logKey]bool
}

// retired is a file or directory that is removed when its time has come.
type retired struct {
	name string
	at   time.Time
}

// Open takes a log directory into use and recovers what it holds: it makes the directory where it is missing, locks it, loads
// the logs, replays the journal onto them, and makes the result durable. vfs.ErrLocked: another process uses it. ErrCorrupt,
// journal.ErrCorrupt: something that was durable is damaged; nothing of it is repaired in silence.
func Open(cfg Config) (*Directory, error) {
	cfg.setDefaults()
	d := newDirectory(cfg)
	if err := d.shareFiles(); err != nil {
		return nil, fmt.Errorf("open log directory %s: %w", cfg.Dir, err)
	}
	d.list = newUnsynced(func() error { return vfs.SyncDir(cfg.FS, cfg.Dir) })
	if err := makeDir(cfg.FS, cfg.Dir); err != nil {
		return nil, fmt.Errorf("open log directory: %w", err)
	}
	lock, err := cfg.FS.Open(path.Join(cfg.Dir, lockFile), vfs.Lock)
	if err != nil {
		return nil, fmt.Errorf("open log directory %s: %w", cfg.Dir, err)
	}
	d.lock = lock
	if err := d.openVolume(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log directory %s: %w", cfg.Dir, err), d.closeFiles())
	}
	if err := d.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open log directory %s: %w", cfg.Dir, err), d.closeFiles())
	}
	return d, nil
}

// shareFiles prepares what the segments share.
func (d *Directory) shareFiles() (err error) {
	cache := d.cfg.Cache
	if cache == nil {
		if cache, err = NewSegmentCache(CacheConfig{Clock: d.cfg.Clock, Logger: d.cfg.Logger}); err != nil {
			return err
		}
	}
	due := func() {
		select {
		case d.crowded <- struct{}{}:
		default: // it is asked for
		}
	}
	d.files = &segmentFiles{FS: d.cfg.FS, cache: cache, failed: d.fail, due: due, pacer: newPacer(d.cfg.CheckpointBytes)}
	return nil
}

func newDirectory(cfg Config) *Directory {
	d := &Directory{
		cfg: cfg, walker: record.NewWalker(), crowded: make(chan struct{}, 1), stop: make(chan struct{}),
		unmended: make(chan mending, mendQueue),
		byName:   map[string]*Log{}, byID: map[logKey]*Log{}, named: map[string]bool{}, remade: map[logKey]bool{},
	}
	d.full = newFullness(d)
	return d
}

// makeDir makes the directory where it is missing, durably.
func makeDir(fsys vfs.FS, dir string) error {
	_, err := vfs.Stat(fsys, dir)
	if !isNotExist(err) {
		return err
	}
	if err := fsys.Mkdir(dir); err != nil {
		return err
	}
	return vfs.SyncDir(fsys, path.Dir(path.Clean(dir)))
}

// start recovers and begins to serve.
func (d *Directory) start() error {
	if err := d.full.release(); err != nil {
		return err
	}
	clean, err := takeCleanMarker(d.cfg.FS, d.cfg.Dir)
	if err != nil {
		return err
	}
	tail, err := d.recover(clean)
	if err != nil {
		return err
	}
	d.journal, err = journal.Start(journal.Config{
		FS: d.cfg.FS, Dir: d.cfg.Dir, FileBytes: d.cfg.JournalFileBytes, Policy: d.cfg.FlushPolicy, Interval: d.cfg.FlushInterval,
		CheckpointBytes: d.cfg.CheckpointBytes, SyncsAtOnce: d.cfg.syncsAtOnce, Logger: d.cfg.Logger,
	}, tail)
	if err != nil {
		return err
	}
	d.checkpointed = d.journal.LSN()
	settle(d.ends()) // the journal is empty
	if err := d.full.take(); vfs.NoSpace(err) {
		d.full.set(err)
	} else if err != nil {
		return errors.Join(err, d.journal.Close())
	}
	d.ended.Add(3)
	go d.maintain()
	go d.pace()
	go d.mend()
	return nil
}

// Path is the directory's name.
func (d *Directory) Path() string { return d.cfg.Dir }

// Cordoned says that the directory takes no new partitions (cordoned.log.dirs).
func (d *Directory) Cordoned() bool { return d.cfg.Cordoned }

// Space is the space of the volume that the directory is on.
func (d *Directory) Space() (vfs.Space, error) { return vfs.SpaceOf(d.cfg.FS, d.cfg.Dir) }

// Logs yields the logs by the names of their directories.
func (d *Directory) Logs(yield func(*Log) bool) {
	for _, l := range d.logs() {
		if !yield(l) {
			return
		}
	}
}

func (d *Directory) logs() []*Log {
	d.mu.RLock()
	defer d.mu.RUnlock()
	list := make([]*Log, 0, len(d.byName))
	for _, l := range d.byName {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *Log) int { return strings.Compare(a.path, b.path) })
	return list
}

// Log returns the log of a partition, or nil.
func (d *Directory) Log(topic string, partition int32) *Log {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName[partitionDirName(topic, partition)]
}

func removeIfThere(fsys vfs.FS, name string) error {
	if err := fsys.Remove(name); err != nil && !isNotExist(err) {
		return err
	}
	return nil
}

func (d *Directory) usable() error {
	if d.closed {
		return wire.Errorf(wire.KafkaStorageError, "log directory %s is closed", d.cfg.Dir)
	}
	if err := d.Err(); err != nil {
		return wire.Errorf(wire.KafkaStorageError, "log directory %s is offline: %w", d.cfg.Dir, err)
	}
	return nil
}

func (d *Directory) add(l *Log) {
	d.byName[partitionDirName(l.topic, l.partition)] = l
	d.byID[logKey{l.id, l.partition}] = l
}

// Delete removes a log: its directory gets another name at once and goes for good after file.delete.delay.ms.
// UNKNOWN_TOPIC_OR_PARTITION: there is none.
func (d *Directory) Delete(id TopicID, partition int32) error {
	d.mu.RLock()
	l := d.byID[logKey{id, partition}]
	d.mu.RUnlock()
	if l != nil {
		defer l.stopCompaction()()
		l.lockFlushing()
		defer l.flushing.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.usable(); err != nil {
		return err
	}
	if l == nil || d.byID[logKey{id, partition}] != l {
		return wire.Errorf(wire.UnknownTopicOrPartition, "delete log: no partition %d of topic id %x", partition, id)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.frame(journal.PartitionDeleted, 0)
	err := d.retire(l, deleteDirSuffix)
	if vfs.NoSpace(err) { // once more, with the reserve's space
		d.full.set(err)
		err = d.retire(l, deleteDirSuffix)
	}
	if err != nil {
		return l.refuse("delete", err)
	}
	if _, err := d.journal.Append(&f, nil, 0); err != nil {
		return l.fail("delete", err)
	}
	return nil
}

// retire takes a log out of service and has its files removed when their time has come. The caller holds both locks.
func (d *Directory) retire(l *Log, suffix string) error {
	name, err := d.takeOut(l, suffix)
	if err != nil {
		return err
	}
	d.removeAfter(name, l.cfg.FileDeleteDelay)
	return nil
}

// takeOut renames a log's directory and takes the log out of the tables. Where there is no space for the name, nothing has changed.
// The caller holds both locks.
func (d *Directory) takeOut(l *Log, suffix string) (name string, err error) {
	l.settle()
	l.cuts.Add(1) // readers look again
	defer l.cuts.Add(1)
	name = path.Join(d.cfg.Dir, retiredDirName(path.Base(l.path), suffix))
	if err := d.cfg.FS.Rename(l.path, name); err != nil {
		return "", err
	}
	l.gone = true
	delete(d.byName, partitionDirName(l.topic, l.partition))
	delete(d.byID, logKey{l.id, l.partition})
	d.list.change()
	return name, l.closeFiles()
}

func (l *Log) closeFiles() error {
	var errs []error
	for _, s := range *l.segments.Load() {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// Failed is closed when the directory is offline for good: a write or a sync failed, and what is on disk is not known any
// more. Err says why.
func (d *Directory) Failed() <-chan struct{} {
	if d.unopened != nil {
		return d.offline
	}
	return d.journal.Failed()
}

// Err is why the directory is offline, or nil.
func (d *Directory) Err() error {
	if d.journal == nil {
		return d.unopened
	}
	return d.journal.Err()
}

// fail takes the directory offline.
func (d *Directory) fail(err error) {
	d.cfg.Logger.Error("log directory goes offline", "dir", d.cfg.Dir, "error", err)
	if d.journal != nil {
		d.journal.Fail(err)
	}
}

// Close stops cleanly: it makes all logs durable, writes the checkpoints, and the clean-shutdown marker last. A directory that
// is offline gets no marker; Close then returns why. Appends fail from the start of Close on.
func (d *Directory) Close() error {
	d.mu.Lock()
	if d.closed || d.unopened != nil {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	close(d.stop)
	d.ended.Wait()
	err := d.Err()
	if err == nil {
		err = errors.Join(d.full.release(), d.closeLogs())
		d.full.leave()
	}
	err = errors.Join(err, d.journal.Close())
	if err == nil {
		err = writeCleanMarker(d.cfg.FS, d.cfg.Dir, d.cfg.BrokerEpoch)
	}
	err = errors.Join(err, d.closeFiles())
	if err != nil {
		return fmt.Errorf("close log directory %s: %w", d.cfg.Dir, err)
	}
	return nil
}

// closeLogs ends all logs and makes them durable.
func (d *Directory) closeLogs() error {
	for _, l := range d.logs() {
		if err := l.finish(); err != nil {
			return err
		}
	}
	return d.Checkpoint()
}

// finish refuses appends from here on, and leaves the files as a start after a clean stop wants them.
func (l *Log) finish() error {
	defer l.stopCompaction()()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.settle()
	s := l.active()
	if err := s.seal(); err != nil {
		return fmt.Errorf("close %s: %w", l.path, err)
	}
	if now := s.sums(l.end.Load(), true); now != nil && !now.told(s.sideCar.onDisk) {
		l.entries.change() // the checkpoint completes the side-car
	}
	if l.snapshotAt == l.end.Load() && len(l.unsynced) == 0 {
		return nil
	}
	if err := l.writeSnapshot(l.end.Load()); err != nil {
		return fmt.Errorf("close %s: %w", l.path, err)
	}
	return nil
}

func (d *Directory) closeFiles() error {
	var errs []error
	for _, l := range d.logs() {
		errs = append(errs, l.closeFiles())
	}
	d.checkpointing.Lock() // of an offline directory one may be under way, of who sets a log aside or cleans
	defer d.checkpointing.Unlock()
	return errors.Join(append(errs, d.closeVolume(), d.lock.Close())...)
}
