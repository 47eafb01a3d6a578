package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// Tail is where a journal ends. Start goes on from there; the zero Tail is that of a new journal.
type Tail struct {
	// LSN is the last one that was seen, discarded frames included.
	LSN uint64

	generation uint64
	numbers    []uint64
}

// Reader is a journal as a crash or a stop left it.
type Reader struct {
	fs              vfs.FS
	dir             string
	tail            Tail
	used            []found
	checkpoint, end uint64
}

// found is the summary of one file.
type found struct {
	number      uint64
	header      fileHeader
	first, last uint64 // LSNs of the frames from block 2 on that follow each other; 0 if none
	changed     uint64 // the last of them that is not a checkpoint
	checkpoint  uint64
	synced      uint64
	lastSeen    uint64 // the highest LSN of any valid frame
	strays      int
}

// Read finds out where the journal of a directory ends. It writes nothing. A durable frame that is missing or damaged is
// ErrCorrupt.
func Read(fsys vfs.FS, dir string) (*Reader, error) {
	files, tail, err := survey(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read the journal in %s: %w", dir, err)
	}
	r := &Reader{fs: fsys, dir: dir, tail: tail}
	var synced, lastSeen uint64
	for _, f := range files {
		r.checkpoint = max(r.checkpoint, f.checkpoint)
		synced = max(synced, f.synced)
		lastSeen = max(lastSeen, f.lastSeen)
	}
	r.end, r.used = follow(files, r.checkpoint)
	if synced > r.end {
		return nil, fmt.Errorf("read the journal in %s: %w: frame %d was durable and is missing or damaged", dir, ErrCorrupt, r.end+1)
	}
	r.tail.LSN = max(lastSeen, r.checkpoint)
	return r, nil
}

// Tail is where the journal ends.
func (r *Reader) Tail() Tail { return r.tail }

// Pending says whether there is any change after the checkpoint.
func (r *Reader) Pending() bool {
	return slices.ContainsFunc(r.used, func(f found) bool { return f.changed > r.checkpoint })
}

// Each hands the frames after the checkpoint to visit, in order, until the first error.
func (r *Reader) Each(visit func(*Frame) error) error {
	for _, f := range r.used {
		if err := r.deliver(f, visit); err != nil {
			return err
		}
	}
	return nil
}

// Sync makes durable what Each hands out: a killed process leaves frames that the disk may not have, and what is done because of a
// frame must not outlive it.
func (r *Reader) Sync() error {
	for _, f := range r.used {
		name := fileName(r.dir, f.number)
		file, err := r.fs.Open(name, vfs.ReadWrite)
		if err == nil {
			err = errors.Join(file.Sync(), file.Close())
		}
		if err != nil {
			return fmt.Errorf("sync the journal file %s: %w", name, err)
		}
	}
	return nil
}

// survey summarizes all files, those with frames in the order of their first one.
func survey(fsys vfs.FS, dir string) ([]found, Tail, error) {
	var tail Tail
	entries, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, tail, nil
	}
	if err != nil {
		return nil, tail, err
	}
	var files []found
	for _, e := range entries {
		n, ok := number(e.Name)
		if !ok {
			continue
		}
		data, err := vfs.ReadFile(fsys, path.Join(dir, e.Name), maxFileBytes)
		if err != nil {
			return nil, tail, err
		}
		f, err := summarize(data)
		if err != nil {
			return nil, tail, fmt.Errorf("%s: %w", e.Name, err)
		}
		f.number = n
		tail.numbers = append(tail.numbers, n)
		tail.generation = max(tail.generation, f.header.generation)
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b found) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	return files, tail, nil
}

func summarize(data []byte) (f found, err error) {
	header, valid, err := newestHeader(data)
	f.header = header
	if err != nil {
		return f, err
	}
	if !valid {
		// A file gets its name when both copies are on disk, and one of them always is while it is prepared anew.
		return f, fmt.Errorf("%w: the file has no valid header", ErrCorrupt)
	}
	if f.header.size != int64(len(data)) {
		return f, fmt.Errorf("%w: the file has %d bytes and its header says %d", ErrCorrupt, len(data), f.header.size)
	}
	f.checkpoint = f.header.checkpoint
	pos, err := walk(data, &f.header, func(fr *Frame, synced uint64) error {
		if f.first == 0 {
			f.first = fr.LSN
		}
		f.last = fr.LSN
		if fr.Type != Checkpoint {
			f.changed = fr.LSN
		}
		return f.see(fr, synced)
	})
	if err != nil {
		return f, err
	}
	// Later commits that persisted although this one did not, or that tell that it was durable.
	for pos = (pos/blockBytes + 1) * blockBytes; pos < len(data); pos += blockBytes {
		var fr Frame
		_, synced, err := parseFrame(data[pos:], &f.header, &fr)
		if errors.Is(err, errFrame) {
			continue
		}
		if err != nil {
			return f, err
		}
		f.strays++
		if err := f.see(&fr, synced); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *found) see(fr *Frame, synced uint64) error {
	f.synced = max(f.synced, synced)
	f.lastSeen = max(f.lastSeen, fr.LSN)
	if fr.Type != Checkpoint {
		return nil
	}
	through, err := checkpointOf(fr)
	if err != nil {
		return err
	}
	// What stands after a gap may be discarded, but a checkpoint speaks of what was durable before it was written.
	f.checkpoint = max(f.checkpoint, through)
	return nil
}

// walk visits the frames from block 2 on for as long as they follow each other, and returns where it stopped.
func walk(data []byte, h *fileHeader, visit func(*Frame, uint64) error) (pos int, err error) {
	var fr Frame
	var last uint64
	for pos = firstFrame; pos < len(data); {
		size, synced, err := parseFrame(data[pos:], h, &fr)
		if errors.Is(err, errFrame) {
			next := (pos + blockBytes - 1) / blockBytes * blockBytes
			if next == pos || !isZero(data[pos:next]) {
				return pos, nil
			}
			pos = next
			continue
		}
		if err != nil {
			return pos, err
		}
		if last != 0 && fr.LSN != last+1 {
			return pos, nil
		}
		last = fr.LSN
		if err := visit(&fr, synced); err != nil {
			return pos, err
		}
		pos += size
	}
	return pos, nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// follow returns the end of the LSNs that follow the checkpoint without a gap, and the files that hold them.
func follow(files []found, checkpoint uint64) (end uint64, used []found) {
	end = checkpoint
	for _, f := range files {
		if f.first == 0 || f.first > end+1 || f.last <= end {
			continue
		}
		end = f.last
		used = append(used, f)
	}
	return end, used
}

// deliver hands out the frames of one file.
func (r *Reader) deliver(f found, visit func(*Frame) error) error {
	name := fileName(r.dir, f.number)
	data, err := vfs.ReadFile(r.fs, name, maxFileBytes)
	if err != nil {
		return fmt.Errorf("replay the journal: %w", err)
	}
	_, err = walk(data, &f.header, func(fr *Frame, _ uint64) error {
		if fr.LSN <= r.checkpoint || fr.LSN > r.end || fr.Type == Checkpoint {
			return nil
		}
		return visit(fr)
	})
	if err != nil {
		return fmt.Errorf("replay the journal file %s: %w", name, err)
	}
	return nil
}
