package quorum

import (
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/hashicorp/raft"
)

// Machine is the state that the log drives. Its methods are called by one goroutine.
type Machine interface {
	// Apply applies an entry and returns the answer for its proposer. An error means that this node cannot follow the log: it
	// stops.
	Apply(index uint64, data []byte) (any, error)
	// Snapshot returns a function that writes the state as it is now, whatever is applied meanwhile.
	Snapshot() func(io.Writer) error
	// Restore replaces the state.
	Restore(io.Reader) error
}

// fsm adapts a Machine to raft. After the first failed entry it applies no more.
type fsm struct {
	machine Machine
	logger  *slog.Logger

	once   sync.Once
	failed chan struct{}
	err    error
}

func newFSM(m Machine, logger *slog.Logger) *fsm {
	return &fsm{machine: m, logger: logger, failed: make(chan struct{})}
}

// applied is what raft hands to the proposer.
type applied struct {
	result any
	err    error
}

// Apply implements raft.FSM.
func (f *fsm) Apply(entry *raft.Log) any {
	if f.err != nil {
		return applied{err: f.err}
	}
	data, err := unframe(entry.Data)
	if err != nil {
		err = fmt.Errorf("entry %d: %w", entry.Index, err)
		f.fail(err)
		return applied{err: err}
	}
	result, err := f.machine.Apply(entry.Index, data)
	if err != nil {
		f.fail(err)
	}
	return applied{result: result, err: err}
}

func (f *fsm) fail(err error) {
	f.once.Do(func() {
		f.err = err
		f.logger.Error("the metadata log can not be followed any further", "error", err)
		close(f.failed)
	})
}

// Snapshot implements raft.FSM.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if f.err != nil {
		return nil, f.err
	}
	return snapshot{write: f.machine.Snapshot()}, nil
}

// Restore implements raft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer func() { _ = r.Close() }()
	if err := f.machine.Restore(r); err != nil {
		f.fail(err)
		return err
	}
	return nil
}

type snapshot struct {
	write func(io.Writer) error
}

// Persist implements raft.FSMSnapshot.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.write(sink); err != nil {
		_ = sink.Cancel()
		return fmt.Errorf("persist metadata snapshot: %w", err)
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (snapshot) Release() {}
