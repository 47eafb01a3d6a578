package replica

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"sync"

	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// moveAttempts is how often a move begins anew that retention or compaction has overtaken; copyRounds is how often it copies what
// has come meanwhile before appends have to wait for the rest, unless it is held to a pace: then until it has caught up, as in Apache Kafka,
// which may be never.
const (
	moveAttempts = 3
	copyRounds   = 10
)

// moves are the replicas that are to go to another directory. They move one after the other.
type moves struct {
	mu      sync.Mutex
	waiting map[*Replica]*storage.Directory
	// stop ends the move of current. to is where it goes, nil when it is given up.
	current *Replica
	to      *storage.Directory
	stop    context.CancelFunc
	wake    chan struct{}
}

func newMoves() *moves {
	return &moves{waiting: map[*Replica]*storage.Directory{}, wake: make(chan struct{}, 1)}
}

// Destination is a log directory that takes partitions.
type Destination struct{ directory *storage.Directory }

// Destination finds a log directory by its absolute path. LOG_DIR_NOT_FOUND: there is none. KAFKA_STORAGE_ERROR: it is offline.
// INVALID_REPLICA_ASSIGNMENT: it is cordoned.
func (s *Set) Destination(name string) (to Destination, err error) {
	for _, d := range s.cfg.Directories {
		if absolute, err := filepath.Abs(filepath.FromSlash(d.Path())); err != nil || absolute != filepath.Clean(name) {
			continue
		}
		switch {
		case d.Err() != nil:
			return to, wire.Errorf(wire.KafkaStorageError, "log directory %s is offline", name)
		case d.Cordoned():
			return to, wire.Errorf(wire.InvalidReplicaAssignment, "log directory %s is cordoned", name)
		}
		return Destination{d}, nil
	}
	return to, wire.Errorf(wire.LogDirNotFound, "%s is not one of log.dirs", name)
}

// Located is where a partition is now. UNKNOWN_TOPIC_OR_PARTITION: it is not here. Other errors say why it can not move.
func (s *Set) Located(topic string, partition int32) (now string, err error) {
	r := s.Get(topic, partition)
	if r == nil {
		return "", wire.Errorf(wire.UnknownTopicOrPartition, "partition %d of topic %s is not here", partition, topic)
	}
	return r.dir().Path(), r.Online()
}

// StartMove has Move take a partition to a directory. A move to another one that waits or is under way is given up; so is one away
// from where the partition is, if that is asked for.
func (s *Set) StartMove(topic string, partition int32, destination Destination) error {
	if _, err := s.Located(topic, partition); err != nil {
		return err
	}
	r := s.Get(topic, partition)
	if r == nil {
		return wire.Errorf(wire.UnknownTopicOrPartition, "partition %d of topic %s went meanwhile", partition, topic)
	}
	to := destination.directory
	m := s.moves
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == r && m.to == to {
		return nil
	}
	m.drop(r)
	if r.dir() != to {
		m.waiting[r] = to
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// next takes one that waits.
func (m *moves) next(ctx context.Context) (context.Context, *Replica, *storage.Directory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current, m.to = nil, nil
	for r, to := range m.waiting {
		delete(m.waiting, r)
		ctx, m.stop = context.WithCancel(ctx)
		m.current, m.to = r, to
		return ctx, r, to
	}
	return ctx, nil, nil
}

// drop gives up the move of a replica, if there is one. The caller holds the lock.
func (m *moves) drop(r *Replica) {
	delete(m.waiting, r)
	if m.current == r {
		m.stop()
		m.to = nil
	}
}

// forget gives up the move of a replica whose topic is deleted.
func (m *moves) forget(r *Replica) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(r)
}

// asked lists where replicas are to go, those that wait and the one that moves.
func (m *moves) asked() map[*Replica]*storage.Directory {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := maps.Clone(m.waiting)
	if m.to != nil {
		all[m.current] = m.to
	}
	return all
}

// Move moves replicas between directories until the context ends.
func (s *Set) Move(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.moves.wake:
		}
		for ctx.Err() == nil {
			moving, r, to := s.moves.next(ctx)
			if r == nil {
				break
			}
			s.move(moving, r, to)
			s.moves.stop()
		}
	}
}

func (s *Set) move(ctx context.Context, r *Replica, to *storage.Directory) {
	logger := s.cfg.Logger.With("topic", r.topic, "partition", r.index, "from", r.dir().Path(), "to", to.Path())
	err := storage.ErrMoveOvertaken
	for range moveAttempts {
		if errors.Is(err, storage.ErrMoveOvertaken) {
			err = s.tryMove(ctx, r, to)
		}
	}
	switch {
	case err == nil:
		logger.Info("a partition has moved")
	case wire.CodeOf(r.Online()) == wire.UnknownTopicOrPartition:
		logger.Info("a partition is deleted and does not move")
	case errors.Is(err, context.Canceled):
		logger.Info("the move of a partition is given up, as asked for or for a stop")
	default:
		logger.Error("a partition stays where it is", "error", err)
	}
}

func (s *Set) tryMove(ctx context.Context, r *Replica, to *storage.Directory) error {
	m, err := to.StartMove(r.log())
	if err != nil {
		return err
	}
	r.future.Store(m)
	defer r.future.Store(nil)
	m.HoldTo(s.cfg.MovePace)
	for n := 0; err == nil && m.End() < r.LogEnd() && (n < copyRounds || m.Held()); n++ {
		err = m.Copy(ctx)
	}
	if err == nil {
		err = s.swap(ctx, r, m)
	}
	if err != nil {
		return errors.Join(err, m.Abandon())
	}
	return nil
}

// swap ends a move. Nothing is appended meanwhile, and no topic deleted.
func (s *Set) swap(ctx context.Context, r *Replica, m *storage.Move) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	r.leading.Lock()
	defer r.leading.Unlock()
	if err := r.Online(); err != nil {
		return err
	}
	moved, err := m.Finish(ctx)
	if err != nil {
		return err
	}
	old := r.at.Swap(&place{m.Directory(), moved})
	moved.OnConfirmed(r.waiting.reached)
	r.waiting.reached(moved.Confirmed())
	if err := m.Leave(); err != nil { // a start takes the one with the later epoch or end
		s.cfg.Logger.Error("a partition that has moved is not removed where it was", "topic", r.topic, "partition", r.index, "directory", old.dir.Path(), "error", err)
	}
	return nil
}
