package vfs

import (
	"io/fs"
	"maps"
)

// memoryVolume is a memory disk, of which one directory is of interest.
type memoryVolume struct {
	disk *Memory
	dir  string
}

// OpenVolume implements the optional part of FS.
func (m *Memory) OpenVolume(dir string) (Volume, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return nil, ErrPowerLost
	}
	if n := m.find(dir); n == nil || n.children == nil {
		return nil, &fs.PathError{Op: "open the volume of", Path: dir, Err: fs.ErrNotExist}
	}
	return &memoryVolume{m, dir}, nil
}

func (v *memoryVolume) Sync() error {
	v.disk.mu.Lock()
	defer v.disk.mu.Unlock()
	if err := v.disk.step(); err != nil {
		return err
	}
	v.disk.root.each((*node).sync)
	return nil
}

func (v *memoryVolume) Holds(string) bool { return true }

func (v *memoryVolume) Close() error { return nil }

// lose has what the directory's files were to write be lost, which the Sync of each of them will tell.
func (v *memoryVolume) lose(err error) {
	v.disk.mu.Lock()
	defer v.disk.mu.Unlock()
	dir := v.disk.find(v.dir)
	if dir == nil || v.disk.off {
		return
	}
	dir.each(func(n *node) {
		if len(n.dirty) > 0 {
			n.untold = err
		}
		n.lose()
	})
}

// each visits a node and all below it.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, c := range n.children {
		c.each(visit)
	}
}

// sync makes a file or a directory durable.
func (n *node) sync() {
	if n.children != nil {
		n.durableChildren = maps.Clone(n.children)
		n.pending = nil
		return
	}
	old := len(n.durable)
	n.durable = resize(n.durable, len(n.data))
	if old < len(n.durable) {
		n.touch(int64(old), int64(len(n.durable)))
	}
	for s := range n.dirty {
		lo := min(s*sectorBytes, int64(len(n.data)))
		copy(n.durable[lo:], n.data[lo:min(lo+sectorBytes, int64(len(n.data)))])
	}
	clear(n.dirty)
}

// lose has what a file was to write count as written. Zeros stand in its place where the file has grown.
func (n *node) lose() {
	if n.children != nil {
		return
	}
	n.durable = resize(n.durable, len(n.data))
	if n.lost == nil {
		n.lost = map[int64]struct{}{}
	}
	maps.Copy(n.lost, n.dirty)
	clear(n.dirty)
}
