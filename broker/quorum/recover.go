package quorum

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
)

// errStuck marks the error of a store whose transaction has not ended: to close it would wait for that for ever.
var errStuck = errors.New("the store failed in a transaction")

// openStore opens the log's file. A damaged file makes bbolt panic, or fault where its mapping ends: both become errors.
func openStore(dir string) (*raftboltdb.BoltStore, error) {
	path := filepath.Join(dir, logFile)
	var store *raftboltdb.BoltStore
	err := guarded(func() (err error) {
		store, err = raftboltdb.New(raftboltdb.Options{
			Path: path, BoltOptions: &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType},
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the metadata log %s: %w", path, err)
	}
	return store, nil
}

// guarded turns a panic, or a fault of mapped memory, into an error.
func guarded(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %w: %v", ErrDamaged, errStuck, p)
		}
	}()
	return f()
}

// restore loads the newest snapshot into the machine and returns its last index, 0 where there is none. Raft itself would go on
// with an older one where the newest can not be read, and panic when the entries between are gone.
func restore(snapshots raft.SnapshotStore, m Machine) (uint64, error) {
	all, err := snapshots.List()
	if err != nil {
		return 0, fmt.Errorf("list the metadata snapshots: %w", err)
	}
	if len(all) == 0 {
		return 0, nil
	}
	newest := all[0]
	_, source, err := snapshots.Open(newest.ID)
	if err != nil {
		return 0, fmt.Errorf("open the metadata snapshot %s: %w", newest.ID, err)
	}
	err = errors.Join(m.Restore(source), source.Close())
	if err != nil {
		return 0, fmt.Errorf("restore the metadata snapshot %s: %w", newest.ID, err)
	}
	return newest.Index, nil
}

// verify reads the whole log: no entry may be missing after the snapshot, and each has to be what was written.
func verify(store *raftboltdb.BoltStore, snapshot uint64) error {
	return guarded(func() error {
		first, err := store.FirstIndex()
		if err != nil {
			return fmt.Errorf("read the metadata log: %w", err)
		}
		last, err := store.LastIndex()
		if err != nil {
			return fmt.Errorf("read the metadata log: %w", err)
		}
		if last == 0 && snapshot == 0 {
			return fmt.Errorf("%w: it is empty", ErrDamaged)
		}
		if last != 0 && first > snapshot+1 {
			return fmt.Errorf("%w: the snapshot ends at %d, the log begins at %d", ErrDamaged, snapshot, first)
		}
		for index := first; index <= last && last != 0; index++ {
			if err := verifyEntry(store, index); err != nil {
				return err
			}
		}
		return nil
	})
}

func verifyEntry(store *raftboltdb.BoltStore, index uint64) error {
	var entry raft.Log
	if err := store.GetLog(index, &entry); err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrDamaged, index, err)
	}
	if entry.Index != index {
		return fmt.Errorf("%w: entry %d says that it is %d", ErrDamaged, index, entry.Index)
	}
	if entry.Type != raft.LogCommand {
		return nil
	}
	if _, err := unframe(entry.Data); err != nil {
		return fmt.Errorf("entry %d: %w", index, err)
	}
	return nil
}
