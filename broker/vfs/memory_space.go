package vfs

import "syscall"

// SetCapacity bounds what fits on the disk, in bytes: calls that need more fail with ENOSPC. 0 means without bound.
func (m *Memory) SetCapacity(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = bytes
}

// Space implements SpaceOf.
func (m *Memory) Space(string) (Space, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.capacity == 0 {
		return Space{}, ErrNoSpaceKnown
	}
	return Space{Total: m.capacity, Usable: max(0, m.capacity-m.root.used())}, nil
}

// used is what a file or directory takes: whole sectors, and one for itself.
func (n *node) used() int64 {
	size := max(int64(len(n.data)), n.allocated)
	total := (size+sectorBytes-1)/sectorBytes*sectorBytes + sectorBytes
	for _, c := range n.children {
		total += c.used()
	}
	return total
}

// room returns ENOSPC unless so many more bytes fit.
func (m *Memory) room(bytes int64) error {
	if m.capacity > 0 && m.root.used()+bytes > m.capacity {
		return syscall.ENOSPC
	}
	return nil
}

// grow returns ENOSPC unless a file may have a size.
func (m *Memory) grow(n *node, size int64) error {
	more := size - max(int64(len(n.data)), n.allocated)
	if more <= 0 {
		return nil
	}
	return m.room(more)
}
