package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrPowerLost is returned by every call on a memory disk whose power is gone.
var ErrPowerLost = errors.New("the disk has lost its power")

// sectorBytes is the unit in which a memory disk loses writes: a write of several sectors may be torn between them.
const sectorBytes = 512

// Memory is a disk in memory with the crash semantics that FS describes. It is made for tests.
type Memory struct {
	mu    sync.Mutex
	root  *node
	clock func() time.Time
	off   bool
	// left is how many changing calls succeed before the power goes; negative means that it stays.
	left int
	// capacity is how much fits, in bytes; 0 means without bound.
	capacity int64
	// nodes counts what was ever made: a crash draws for each node by its number, whatever it is called by then.
	nodes uint64
}

// node is a file or a directory.
type node struct {
	id      uint64
	modTime time.Time
	locked  bool

	// A file: what reads see, what a crash surely leaves, and the sectors that differ.
	data, durable []byte
	dirty         map[int64]struct{}
	// lost are sectors that a sync failed to write and no later one writes, until they are written to again.
	lost map[int64]struct{}
	// untold is why a sync of the volume has lost some of them, until the file's own Sync has told.
	untold    error
	allocated int64 // reserved by Allocate

	// A directory: what calls see, what a crash surely leaves, and the changes between, in order.
	children, durableChildren map[string]*node
	pending                   []func(map[string]*node)
}

func newDir(id uint64, now time.Time) *node {
	return &node{id: id, modTime: now, children: map[string]*node{}, durableChildren: map[string]*node{}}
}

func (m *Memory) nextID() uint64 {
	m.nodes++
	return m.nodes
}

// NewMemory makes an empty disk. A nil clock means time.Now.
func NewMemory(clock func() time.Time) *Memory {
	if clock == nil {
		clock = time.Now
	}
	return &Memory{root: newDir(0, clock()), clock: clock, left: -1}
}

// CutPowerAfter lets n more changing calls (writes, truncates, syncs, renames, removes, files and directories made) succeed;
// from then on every call fails with ErrPowerLost, until Crash.
func (m *Memory) CutPowerAfter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}

// Kill ends the process that used the disk and leaves all that it wrote, except what a sync has failed to write: the system may have
// dropped it from its cache. It returns the same disk for the next process.
func (m *Memory) Kill() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = true
	return &Memory{root: unlocked(m.root), clock: m.clock, left: -1, nodes: m.nodes, capacity: m.capacity}
}

func unlocked(n *node) *node {
	n.locked = false
	for s := range n.lost {
		if lo := s * sectorBytes; lo < int64(len(n.data)) {
			copy(n.data[lo:min(lo+sectorBytes, int64(len(n.data)))], n.durable[min(lo, int64(len(n.durable))):])
		}
	}
	n.lost, n.untold = nil, nil
	for _, c := range n.children {
		unlocked(c)
	}
	return n
}

// Crash cuts the power and returns the disk as the next start finds it. Of what was not synced, each sector is there or not,
// and of each directory's changes a first part, as the seed says.
func (m *Memory) Crash(seed uint64) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = true
	return &Memory{root: survivor(m.root, seed, map[*node]*node{}), clock: m.clock, left: -1, nodes: m.nodes, capacity: m.capacity}
}

// survivor copies what is left of n. seen keeps one copy for a node that has two names.
func survivor(n *node, seed uint64, seen map[*node]*node) *node {
	if s, ok := seen[n]; ok {
		return s
	}
	r := rand.New(rand.NewPCG(seed, n.id)) //nolint:gosec // a seed repeats a crash
	if n.children == nil {
		s := survivingFile(n, r)
		seen[n] = s
		return s
	}
	s := newDir(n.id, n.modTime)
	seen[n] = s
	entries := maps.Clone(n.durableChildren)
	for _, change := range n.pending[:r.IntN(len(n.pending)+1)] {
		change(entries)
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		child := survivor(entries[name], seed, seen)
		s.children[name], s.durableChildren[name] = child, child
	}
	return s
}

func survivingFile(n *node, r *rand.Rand) *node {
	data := slices.Clone(n.durable)
	if len(n.data) != len(n.durable) && r.IntN(2) == 0 {
		data = resize(data, len(n.data))
	}
	for _, s := range slices.Sorted(maps.Keys(n.dirty)) {
		lo := s * sectorBytes
		if r.IntN(2) == 0 || lo >= int64(len(data)) || lo >= int64(len(n.data)) {
			continue
		}
		copy(data[lo:], n.data[lo:min(lo+sectorBytes, int64(len(n.data)))])
	}
	return &node{id: n.id, modTime: n.modTime, data: data, durable: slices.Clone(data), dirty: map[int64]struct{}{}}
}

func resize(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	if size <= cap(b) {
		old := len(b)
		b = b[:size]
		clear(b[old:])
		return b
	}
	grown := make([]byte, size, max(size, 2*cap(b)))
	copy(grown, b)
	return grown
}

// step counts one changing call.
func (m *Memory) step() error {
	if m.left == 0 {
		m.off = true
	}
	if m.off {
		return ErrPowerLost
	}
	if m.left > 0 {
		m.left--
	}
	return nil
}

func split(name string) []string {
	return strings.FieldsFunc(path.Clean(name), func(r rune) bool { return r == '/' })
}

func (m *Memory) find(name string) *node {
	n := m.root
	for _, part := range split(name) {
		if n == nil {
			return nil
		}
		n = n.children[part]
	}
	return n
}

// parent returns the directory that holds name, and name's last part.
func (m *Memory) parent(op, name string) (*node, string, error) {
	dir := m.find(path.Dir(path.Clean(name)))
	if dir == nil || dir.children == nil {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return dir, path.Base(name), nil
}

// change makes a change to a directory that lasts from the directory's next sync on.
func (n *node) change(f func(map[string]*node)) {
	f(n.children)
	n.pending = append(n.pending, f)
}

// Open implements FS.
func (m *Memory) Open(name string, mode Mode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return nil, ErrPowerLost
	}
	if mode < ReadOnly || mode > Lock {
		return nil, fmt.Errorf("open %s: invalid mode %d", name, mode)
	}
	n := m.find(name)
	switch {
	case n != nil && mode == CreateNew:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case n != nil && n.children != nil && mode != ReadOnly:
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is a directory")}
	case n == nil && (mode == ReadOnly || mode == ReadWrite):
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case n == nil:
		dir, base, err := m.parent("open", name)
		if err != nil {
			return nil, err
		}
		if err := m.room(1); err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		if err := m.step(); err != nil {
			return nil, err
		}
		n = &node{id: m.nextID(), modTime: m.clock(), dirty: map[int64]struct{}{}}
		dir.change(func(c map[string]*node) { c[base] = n })
	}
	if mode == Lock {
		if n.locked {
			return nil, &fs.PathError{Op: "lock", Path: name, Err: ErrLocked}
		}
		n.locked = true
	}
	return &memoryFile{disk: m, node: n, name: name, mode: mode}, nil
}

// Rename implements FS.
func (m *Memory) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return ErrPowerLost // after Kill the files belong to the next disk
	}
	from, oldBase, err := m.parent("rename", oldName)
	if err != nil {
		return err
	}
	to, newBase, err := m.parent("rename", newName)
	if err != nil {
		return err
	}
	n := from.children[oldBase]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: oldName, Err: fs.ErrNotExist}
	}
	if from != to {
		return &fs.PathError{Op: "rename", Path: oldName, Err: errors.New("the memory disk renames within a directory only")}
	}
	if there := to.children[newBase]; there != nil && there.children != nil {
		return &fs.PathError{Op: "rename", Path: newName, Err: fs.ErrExist}
	}
	if err := m.step(); err != nil {
		return err
	}
	from.change(func(c map[string]*node) {
		delete(c, oldBase)
		c[newBase] = n
	})
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return ErrPowerLost // after Kill the files belong to the next disk
	}
	dir, base, err := m.parent("remove", name)
	if err != nil {
		return err
	}
	n := dir.children[base]
	switch {
	case n == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	case len(n.children) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: errors.New("directory not empty")}
	}
	if err := m.step(); err != nil {
		return err
	}
	dir.change(func(c map[string]*node) { delete(c, base) })
	return nil
}

// Mkdir implements FS.
func (m *Memory) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return ErrPowerLost // after Kill the files belong to the next disk
	}
	n := m.root
	for _, part := range split(name) {
		child := n.children[part]
		if child == nil {
			if err := m.step(); err != nil {
				return err
			}
			child = newDir(m.nextID(), m.clock())
			n.change(func(c map[string]*node) { c[part] = child })
		}
		if child.children == nil {
			return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
		}
		n = child
	}
	return nil
}

// List implements FS.
func (m *Memory) List(dir string) ([]Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return nil, ErrPowerLost
	}
	n := m.find(dir)
	if n == nil || n.children == nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	infos := make([]Info, 0, len(n.children))
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		infos = append(infos, n.children[name].info(name))
	}
	return infos, nil
}

func (n *node) info(name string) Info {
	return Info{Name: name, Size: int64(len(n.data)), ModTime: n.modTime, Dir: n.children != nil}
}
