package storage

import (
	"syscall"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// modelFault is a fault of a directory's disk.
type modelFault struct {
	vfs.Fault
	home *modelDir
}

// newFault has one of the next calls of a directory fail, or all from one on.
func (m *model) newFault(within int) *modelFault {
	ops := []vfs.Op{vfs.OpSync, vfs.OpSync, vfs.OpWrite, vfs.OpRename, vfs.OpTruncate, vfs.OpRemove}
	h := m.dirs[m.r.IntN(len(m.dirs))]
	return &modelFault{home: h, Fault: vfs.Fault{
		Op: ops[m.r.IntN(len(ops))], Path: h.path, Skip: m.r.IntN(within), Count: m.r.IntN(2), Err: syscall.EIO, Done: m.r.IntN(4) == 0,
	}}
}

func (m *model) addFault(f *modelFault) {
	m.fault = f
	m.faults.Add(f.Fault)
}

// lostWrites says whether a sync of a directory may have failed: what it was to write may be gone when the process is.
func (m *model) lostWrites(h *modelDir) bool {
	return m.fault != nil && m.fault.home == h && m.fault.Op == vfs.OpSync && !m.fault.Done
}

// removeSideCars takes the checksums away, as who copies only Apache Kafka's files does.
func (m *model) removeSideCars() {
	for _, h := range m.dirs {
		removeSideCars(m.t, m.disk, h.path)
	}
}
