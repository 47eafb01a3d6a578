package storage

import (
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// unsynced is something on disk that has to be synced once it has changed. Any goroutine may use it.
type unsynced struct {
	dirty atomic.Bool
	mu    sync.Mutex // held during a sync: who finds nothing to do must not return before it is done
	sync  func() error
	// failed is why a sync failed: nobody who comes later may take for durable what it left.
	failed error
}

func newUnsynced(sync func() error) *unsynced { return &unsynced{sync: sync} }

// change notes a change, after it was made.
func (u *unsynced) change() { u.dirty.Store(true) }

// changed says whether there is anything that no sync has begun to make durable.
func (u *unsynced) changed() bool { return u.dirty.Load() }

// Sync makes durable what was changed before the call. A failure is not tried again: it takes the directory offline, unless for
// want of space, or of open files, no sync was begun.
func (u *unsynced) Sync() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed != nil || !u.dirty.Swap(false) {
		return u.failed
	}
	err := u.sync()
	if vfs.Lacks(err) {
		u.dirty.Store(true)
	} else {
		u.failed = err
	}
	return err
}
