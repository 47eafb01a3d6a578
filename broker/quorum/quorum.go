package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// soleHeartbeat lets a sole voter elect itself in tens of milliseconds; raft's default of a second is for networks.
	soleHeartbeat = 20 * time.Millisecond
	// keptSnapshots is how many snapshots stay, so that one damaged file is not the end.
	keptSnapshots = 2
	// snapshotThreshold is how many entries call for a snapshot: it bounds the log's replay at start to well under a second.
	snapshotThreshold = 8192
	// lockTimeout bounds the wait for another process to let go of the log's file.
	lockTimeout = 2 * time.Second
	// readyTimeout bounds the election and the barrier at start.
	readyTimeout = 30 * time.Second

	formatFile    = "format"
	formatVersion = 1
	logFile       = "raft.db"
)

// Errors of Open.
var (
	// ErrNotFormatted means that the directory holds no metadata log.
	ErrNotFormatted = errors.New("the metadata directory is not formatted")
	// ErrFormat means that the directory was written by a newer version, or is not readable.
	ErrFormat = errors.New("the metadata directory has an unknown format")
)

// Config says where the log is and what it drives. All fields are required but Create.
type Config struct {
	Dir     string
	NodeID  int32
	Machine Machine
	Logger  *slog.Logger
	// Create makes a new log with this node as its only voter; a directory that has one is an error.
	Create bool
}

// Quorum is this node's part of the metadata log.
type Quorum struct {
	raft      *raft.Raft
	fsm       *fsm
	store     *raftboltdb.BoltStore
	transport *raft.NetworkTransport
}

// Open opens the log, replays it into the machine, and returns when this node leads and has applied all that was committed.
func Open(ctx context.Context, cfg Config) (*Quorum, error) {
	if err := prepare(cfg); err != nil {
		return nil, err
	}
	store, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(cfg.Dir, logFile),
		BoltOptions: &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType},
	})
	if err != nil {
		return nil, fmt.Errorf("open the metadata log %s: %w", filepath.Join(cfg.Dir, logFile), err)
	}
	q, err := start(cfg, store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := q.waitReady(ctx); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	if cfg.Create {
		if err := markFormat(cfg.Dir); err != nil {
			return nil, errors.Join(err, q.Close())
		}
	}
	return q, nil
}

// prepare checks the directory's format, or makes the directory.
func prepare(cfg Config) error {
	path := filepath.Join(cfg.Dir, formatFile)
	raw, err := os.ReadFile(path) //nolint:gosec // the directory comes from the configuration
	switch {
	case errors.Is(err, os.ErrNotExist) && !cfg.Create:
		return fmt.Errorf("%w: %s", ErrNotFormatted, cfg.Dir)
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
			return fmt.Errorf("create the metadata log: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case cfg.Create:
		return fmt.Errorf("create the metadata log: %s has one already", cfg.Dir)
	case string(raw) != strconv.Itoa(formatVersion)+"\n":
		return fmt.Errorf("%w: %s says %q, this broker reads %d", ErrFormat, path, raw, formatVersion)
	}
	return nil
}

// markFormat says, last, that the log is whole: one whose making was interrupted is not taken for one.
func markFormat(dir string) error {
	path := filepath.Join(dir, formatFile)
	if err := os.WriteFile(path, []byte(strconv.Itoa(formatVersion)+"\n"), 0o600); err != nil {
		return fmt.Errorf("create the metadata log: %w", err)
	}
	return nil
}

func start(cfg Config, store *raftboltdb.BoltStore) (*Quorum, error) {
	logger := &bridge{to: cfg.Logger}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(cfg.Dir, keptSnapshots, logger)
	if err != nil {
		return nil, fmt.Errorf("open the metadata snapshots in %s: %w", cfg.Dir, err)
	}
	id := strconv.Itoa(int(cfg.NodeID))
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(id)
	conf.Logger = logger
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = soleHeartbeat, soleHeartbeat, soleHeartbeat
	conf.CommitTimeout = soleHeartbeat
	conf.SnapshotThreshold = snapshotThreshold
	conf.NoLegacyTelemetry = true
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: newAloneLayer(raft.ServerAddress("node-" + id)), MaxPool: 1, Timeout: time.Second, Logger: logger,
	})
	begun, err := raft.HasExistingState(store, store, snapshots)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the metadata log: %w", err), transport.Close())
	}
	if cfg.Create && !begun {
		voters := raft.Configuration{Servers: []raft.Server{{ID: conf.LocalID, Address: transport.LocalAddr()}}}
		if err := raft.BootstrapCluster(conf, store, store, snapshots, transport, voters); err != nil {
			return nil, errors.Join(fmt.Errorf("create the metadata log: %w", err), transport.Close())
		}
	}
	machine := newFSM(cfg.Machine, cfg.Logger)
	node, err := raft.NewRaft(conf, machine, store, store, snapshots, transport)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the metadata log: %w", err), transport.Close())
	}
	return &Quorum{raft: node, fsm: machine, store: store, transport: transport}, nil
}

// waitReady waits for the election and then for a barrier: what was committed before is applied when it returns.
func (q *Quorum) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for q.raft.State() != raft.Leader {
		select {
		case <-q.raft.LeaderCh():
		case <-q.fsm.failed:
			return q.fsm.err
		case <-ctx.Done():
			return fmt.Errorf("wait for the metadata log's leader: %w", ctx.Err())
		}
	}
	return q.Barrier(ctx)
}

// Barrier returns when all that was committed before it is applied.
func (q *Quorum) Barrier(ctx context.Context) error {
	if err := wait(ctx, q.raft.Barrier(readyTimeout)); err != nil {
		return err
	}
	return q.fsm.err
}

// Propose appends an entry and returns the machine's answer to it. REQUEST_TIMED_OUT says that the outcome is not known;
// NOT_CONTROLLER that this node does not lead and nothing was appended.
func (q *Quorum) Propose(ctx context.Context, data []byte) (any, error) {
	future := q.raft.Apply(data, readyTimeout)
	if err := wait(ctx, future); err != nil {
		return nil, err
	}
	answer := future.Response().(applied)
	if answer.err != nil {
		return nil, wire.Errorf(wire.UnknownServerError, "apply a metadata change: %w", answer.err)
	}
	return answer.result, nil
}

func wait(ctx context.Context, future raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- future.Error() }()
	select {
	case err := <-done:
		return outcome(err)
	case <-ctx.Done():
		return wire.Errorf(wire.RequestTimedOut, "the metadata change is under way, its outcome is not known: %w", ctx.Err())
	}
}

func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout):
		return wire.Errorf(wire.NotController, "this node does not lead the metadata log: %w", err)
	default:
		return wire.Errorf(wire.RequestTimedOut, "the outcome of the metadata change is not known: %w", err)
	}
}

// IsLeader reports whether this node leads.
func (q *Quorum) IsLeader() bool { return q.raft.State() == raft.Leader }

// Failed is closed when an entry could not be applied; the node has to stop. Err says why.
func (q *Quorum) Failed() <-chan struct{} { return q.fsm.failed }

// Err is the reason of Failed.
func (q *Quorum) Err() error {
	select {
	case <-q.fsm.failed:
		return q.fsm.err
	default:
		return nil
	}
}

// Close stops the node and waits for its goroutines.
func (q *Quorum) Close() error {
	return errors.Join(q.raft.Shutdown().Error(), q.transport.Close(), q.store.Close())
}
