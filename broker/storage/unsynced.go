package storage

import (
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// unsynced is something on disk that has to be synced once it has changed. Any goroutine may use it.
type unsynced struct {
	// changes counts them; the first durable of them are.
	changes, durable atomic.Uint64
	mu               sync.Mutex // held during a sync: who finds nothing to do must not return before it is done
	sync             func() error
	// failed is why a sync failed: nobody who comes later may take for durable what it left.
	failed error
}

func newUnsynced(sync func() error) *unsynced { return &unsynced{sync: sync} }

// change notes a change, after it was made.
func (u *unsynced) change() { u.changes.Add(1) }

// changed says whether there is anything that is not durable.
func (u *unsynced) changed() bool { return u.changes.Load() != u.durable.Load() }

// Sync makes durable what was changed before the call. A failure is not tried again: it takes the directory offline, unless for
// want of space, or of open files, no sync was begun.
func (u *unsynced) Sync() error { return u.syncTo(u.changes.Load()) }

// syncTo is Sync of so many first changes, and may take more along.
func (u *unsynced) syncTo(changes uint64) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed != nil || u.durable.Load() >= changes {
		return u.failed
	}
	now := u.changes.Load()
	err := u.sync()
	if err == nil {
		u.durable.Store(now)
	} else if !vfs.Lacks(err) {
		u.failed = err
	}
	return err
}

// cover notes that so many first changes are durable by other means.
func (u *unsynced) cover(changes uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed == nil && changes > u.durable.Load() {
		u.durable.Store(changes)
	}
}
