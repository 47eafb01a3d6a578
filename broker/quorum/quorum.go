package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

const (
	// soleHeartbeat lets a sole voter elect itself in tens of milliseconds; raft's default of a second is for networks.
	soleHeartbeat = 20 * time.Millisecond
	// keptSnapshots is how many snapshots stay. Open takes the newest; the others are for people.
	keptSnapshots = 2
	// snapshotThreshold is how many entries call for a snapshot: it bounds the log's replay at start to well under a second.
	snapshotThreshold = 8192
	// lockTimeout bounds the wait for another process to let go of the log's file.
	lockTimeout = 500 * time.Millisecond
	// readyTimeout bounds the election and the barrier at start.
	readyTimeout = 30 * time.Second

	logFile = "raft.db"
)

// ErrOtherNode means that the directory is another node's.
var ErrOtherNode = errors.New("the metadata directory is another node's")

// Config says where the log is and what it drives. All fields are required but Stream and Create.
type Config struct {
	Dir     string
	NodeID  int32
	Machine Machine
	Logger  *slog.Logger
	// Stream carries raft's connections to other voters, authenticated and encrypted. nil is for a sole voter: nothing listens
	// and nobody can be reached.
	Stream raft.StreamLayer
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

// Open opens the log, replays it into the machine, and returns when this node leads and has applied all that was committed. A
// log that can not be read to its end is an error: ErrDamaged, ErrFormat, ErrNotFormatted, ErrOtherNode, or the machine's.
func Open(ctx context.Context, cfg Config) (*Quorum, error) {
	if cfg.Create {
		if err := create(cfg); err != nil {
			return nil, err
		}
	}
	if err := checkFormat(cfg.Dir); err != nil {
		return nil, err
	}
	store, err := openStore(cfg.Dir)
	if err != nil {
		return nil, err
	}
	q, err := start(cfg, store)
	if errors.Is(err, errStuck) {
		return nil, err
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := q.waitReady(ctx); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

func raftConfig(cfg Config) *raft.Config {
	conf := raft.DefaultConfig()
	conf.LocalID = raft.ServerID(strconv.Itoa(int(cfg.NodeID)))
	conf.Logger = &bridge{to: cfg.Logger}
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = soleHeartbeat, soleHeartbeat, soleHeartbeat
	conf.CommitTimeout = soleHeartbeat
	conf.SnapshotThreshold = snapshotThreshold
	conf.NoSnapshotRestoreOnStart = true // restore has done it, and fails where raft would go on
	conf.NoLegacyTelemetry = true
	return conf
}

// addressOf names a voter for raft. Where it listens is the stream layer's business.
func addressOf(id raft.ServerID) raft.ServerAddress { return raft.ServerAddress("node-" + id) }

func start(cfg Config, store *raftboltdb.BoltStore) (*Quorum, error) {
	conf := raftConfig(cfg)
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(cfg.Dir, keptSnapshots, conf.Logger)
	if err != nil {
		return nil, fmt.Errorf("open the metadata snapshots in %s: %w", cfg.Dir, err)
	}
	restored, err := restore(snapshots, cfg.Machine)
	if err != nil {
		return nil, err
	}
	if err := verify(store, restored); err != nil {
		return nil, err
	}
	stream := cfg.Stream
	if stream == nil {
		stream = newAloneLayer(addressOf(conf.LocalID))
	}
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: stream, MaxPool: 1, Timeout: time.Second, Logger: conf.Logger,
	})
	machine := newFSM(cfg.Machine, cfg.Logger)
	node, err := raft.NewRaft(conf, machine, store, store, snapshots, transport)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the metadata log: %w", err), transport.Close())
	}
	q := &Quorum{raft: node, fsm: machine, store: store, transport: transport}
	if err := q.checkMember(conf.LocalID); err != nil {
		return nil, errors.Join(err, node.Shutdown().Error(), transport.Close())
	}
	return q, nil
}

// checkMember refuses a log in which this node has no vote: it would wait for a leader for ever.
func (q *Quorum) checkMember(id raft.ServerID) error {
	membership := q.raft.GetConfiguration()
	if err := membership.Error(); err != nil {
		return fmt.Errorf("read the voters of the metadata log: %w", err)
	}
	var voters []raft.ServerID
	for _, s := range membership.Configuration().Servers {
		if s.ID == id {
			return nil
		}
		voters = append(voters, s.ID)
	}
	return fmt.Errorf("%w: this is node %s, its voters are %v", ErrOtherNode, id, voters)
}

// waitReady waits for the election and then for a barrier: what was committed before is applied when it returns.
func (q *Quorum) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for q.raft.State() != raft.Leader {
		select {
		case <-q.raft.LeaderCh():
		case <-q.fsm.failed:
			return q.Err()
		case <-ctx.Done():
			return fmt.Errorf("wait for the metadata log's leader: %w", ctx.Err())
		}
	}
	return q.Barrier(ctx)
}

// IsLeader reports whether this node leads.
func (q *Quorum) IsLeader() bool { return q.raft.State() == raft.Leader }

// Failed is closed when an entry could not be applied; the node has to stop. Err says why.
func (q *Quorum) Failed() <-chan struct{} { return q.fsm.failed }

// Err is the reason of Failed, nil before it.
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
