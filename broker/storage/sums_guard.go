package storage

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/vfs"
)

var errChecksum = errors.New("its checksum does not fit")

// guards verify the files of a segment that was found on disk: each block before the first read of it is answered. They hold
// checksums only from the first use on and until all blocks are verified.
type guards struct {
	files [sumKinds]guard
	// reload reads the checksums again; nil when they are gone.
	reload func() (*sums, error)
	// report is told of damage.
	report func(error)
	// end is the offset behind the last batch that they tell of.
	end int64

	mu     sync.Mutex
	loaded bool
}

// guard is that of one file.
type guard struct {
	all *guards
	// left is how many blocks are not verified.
	left atomic.Int64

	mu     sync.Mutex
	size   int64
	blocks []uint32
	seen   []bool
	broken error // the first damage that was found
}

func newGuards(s *sums, reload func() (*sums, error), report func(error)) *guards {
	g := &guards{reload: reload, report: report, end: s.end}
	for k := range g.files {
		f := &g.files[k]
		f.all, f.size = g, s.files[k].size
		f.left.Store(int64(len(s.files[k].blocks)))
		f.seen = make([]bool, len(s.files[k].blocks))
	}
	g.fill(s)
	return g
}

// fill takes the checksums over. The caller holds the lock, or is the only one.
func (g *guards) fill(s *sums) {
	for k := range g.files {
		f := &g.files[k]
		f.mu.Lock()
		f.blocks = s.files[k].blocks
		f.mu.Unlock()
	}
	g.loaded = true
}

// unload gives the memory of the checksums back until they are needed.
func (g *guards) unload() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k := range g.files {
		f := &g.files[k]
		f.mu.Lock()
		f.blocks = nil
		f.mu.Unlock()
	}
	g.loaded = false
}

// load reads the checksums where they are not in memory.
func (g *guards) load() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.loaded {
		return nil
	}
	s, err := g.reload()
	if err != nil {
		return err
	}
	for k := range g.files {
		f := &g.files[k]
		if s == nil || s.files[k].size != f.size {
			f.left.Store(0)
		}
	}
	if s != nil {
		g.fill(s)
	}
	return nil
}

// guarded is a file whose reads are verified.
type guarded struct {
	vfs.File
	guard *guard
	name  string
}

// wrap returns a file whose reads are verified; nil guards verify nothing.
func (g *guards) wrap(k sumKind, f vfs.File, name string) vfs.File {
	if g == nil || g.files[k].left.Load() == 0 {
		return f
	}
	return &guarded{f, &g.files[k], name}
}

// ReadAt is that of vfs.File. ErrCorrupt: what it would read is not what was written.
func (f *guarded) ReadAt(p []byte, off int64) (int, error) {
	if f.guard.left.Load() > 0 {
		if err := f.guard.verify(f.File, f.name, off, off+int64(len(p))); err != nil {
			return 0, err
		}
	}
	return f.File.ReadAt(p, off)
}

// verify reads the blocks of a part of the file that are not verified yet.
func (g *guard) verify(f io.ReaderAt, name string, from, to int64) error {
	if err := g.all.load(); err != nil {
		return fmt.Errorf("verify %s: %w", name, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken != nil {
		return g.broken
	}
	to = min(to, g.size)
	var b []byte
	for i := from / sumBlockBytes; i*sumBlockBytes < to; i++ {
		if g.seen[i] || g.left.Load() == 0 {
			continue
		}
		if b == nil {
			b = make([]byte, min(sumBlockBytes, g.size))
		}
		at := i * sumBlockBytes
		b = b[:min(sumBlockBytes, g.size-at)]
		if err := readFull(f, b, at); errors.Is(err, io.ErrUnexpectedEOF) {
			return g.damage(name, at, err)
		} else if err != nil { // of this read alone
			return fmt.Errorf("verify %s, the block at position %d: %w", name, at, err)
		}
		if crc32.Checksum(b, castagnoli) != g.blocks[i] {
			return g.damage(name, at, errChecksum)
		}
		b = b[:cap(b)]
		g.seen[i] = true
		g.left.Add(-1)
	}
	if g.left.Load() == 0 {
		g.blocks = nil
	}
	return nil
}

func (g *guard) damage(name string, at int64, err error) error {
	g.broken = fmt.Errorf("%s, the block at position %d: %w: %w", name, at, ErrCorrupt, err)
	g.all.report(g.broken)
	return g.broken
}

// verifyAll verifies the whole file.
func (g *guards) verifyAll(k sumKind, f io.ReaderAt, name string) error {
	if g == nil || g.files[k].left.Load() == 0 {
		return nil
	}
	return g.files[k].verify(f, name, 0, g.files[k].size)
}

// cut forgets what is behind a size, to which the file is about to be cut; what is left of the last block is verified first.
func (g *guards) cut(k sumKind, f io.ReaderAt, name string, size int64) error {
	if g == nil || g.files[k].left.Load() == 0 {
		return nil
	}
	v := &g.files[k]
	if size < v.size {
		if err := v.verify(f, name, max(size-1, 0), size); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if size >= v.size {
		return nil
	}
	n := blocksOf(size)
	for _, seen := range v.seen[n:] {
		if !seen {
			v.left.Add(-1)
		}
	}
	v.size, v.seen = size, v.seen[:n]
	return nil
}
