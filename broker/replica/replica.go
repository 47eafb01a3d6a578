package replica

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Replica is one partition on this broker. It is safe for concurrent use.
type Replica struct {
	nodeID   int32
	topic    string
	id       meta.TopicID
	index    int32
	internal bool
	walker   *record.Walker
	metrics  *Metrics
	logger   *slog.Logger

	at       atomic.Pointer[place]
	future   atomic.Pointer[storage.Move] // the move that is under way
	state    atomic.Pointer[meta.Partition]
	settings atomic.Pointer[Settings]
	// leading is held by appends, and alone by who changes the epoch: no batch gets an epoch that is over.
	leading sync.RWMutex
	// epochStart is where this leader's epoch began.
	epochStart atomic.Int64
	deleted    chan struct{}
	waiting    waiters
}

// place is where a replica's log is.
type place struct {
	dir *storage.Directory
	log *storage.Log
}

func (r *Replica) dir() *storage.Directory { return r.at.Load().dir }
func (r *Replica) log() *storage.Log       { return r.at.Load().log }

// Topic is the topic's name.
func (r *Replica) Topic() string { return r.topic }

// TopicID is the topic's id.
func (r *Replica) TopicID() meta.TopicID { return r.id }

// Partition is the partition's number.
func (r *Replica) Partition() int32 { return r.index }

// Internal reports whether the topic is the broker's own.
func (r *Replica) Internal() bool { return r.internal }

// Leader is the broker that leads, -1 for none, and its epoch.
func (r *Replica) Leader() (id, epoch int32) {
	state := r.state.Load()
	return state.Leader, state.LeaderEpoch
}

// LeaderEpoch is the epoch of the present leader.
func (r *Replica) LeaderEpoch() int32 { return r.state.Load().LeaderEpoch }

// CheckEpoch compares the leader epoch that a client knows, -1 for none, with the present one, and says whether this broker
// leads.
func (r *Replica) CheckEpoch(known int32) error {
	state := r.state.Load()
	switch {
	case known >= 0 && known < state.LeaderEpoch:
		return wire.Errorf(wire.FencedLeaderEpoch, "%s-%d is in leader epoch %d, not %d any more", r.topic, r.index, state.LeaderEpoch, known)
	case known > state.LeaderEpoch:
		return wire.Errorf(wire.UnknownLeaderEpoch, "%s-%d is in leader epoch %d, not yet %d", r.topic, r.index, state.LeaderEpoch, known)
	case state.Leader != r.nodeID:
		return wire.Errorf(wire.NotLeaderForPartition, "broker %d leads %s-%d", state.Leader, r.topic, r.index)
	}
	return r.Online()
}

// Online returns KAFKA_STORAGE_ERROR when the log's directory is offline, UNKNOWN_TOPIC_OR_PARTITION when the topic is deleted.
func (r *Replica) Online() error {
	select {
	case <-r.deleted:
		return wire.Errorf(wire.UnknownTopicOrPartition, "%s-%d is deleted", r.topic, r.index)
	case <-r.dir().Failed():
		return wire.Errorf(wire.KafkaStorageError, "the log directory of %s-%d is offline", r.topic, r.index)
	default:
		return nil
	}
}

// LogStart is the first offset.
func (r *Replica) LogStart() int64 { return r.log().StartOffset() }

// LogEnd is the offset after the last record, confirmed or not.
func (r *Replica) LogEnd() int64 { return r.log().EndOffset() }

// Size is the size of the log in bytes.
func (r *Replica) Size() int64 { return r.log().Size() }

// HighWatermark is the smallest confirmed end over the in-sync replicas: consumers read up to it. With one replica it is the
// log's own confirmed end.
func (r *Replica) HighWatermark() int64 { return r.log().Confirmed() }

// LastStable is what read-committed consumers read up to: the first offset of an open transaction, or the high watermark.
func (r *Replica) LastStable() int64 {
	high := r.HighWatermark()
	if first, open := r.log().FirstUnstable(high); open && first < high {
		return first
	}
	return high
}

// EndFor is the offset that a consumer of an isolation level reads up to.
func (r *Replica) EndFor(readCommitted bool) int64 {
	if readCommitted {
		return r.LastStable()
	}
	return r.HighWatermark()
}

// Await wakes the signal when the high watermark reaches offset, or may never do so. Forget ends it.
func (r *Replica) Await(s Signal, offset int64) {
	r.waiting.add(s, offset)
	if r.HighWatermark() >= offset || r.Online() != nil {
		r.waiting.remove(s)
		s.wake()
	}
}

// Forget ends what Await began.
func (r *Replica) Forget(s Signal) { r.waiting.remove(s) }

// waitFor returns when the high watermark has reached offset.
func (r *Replica) waitFor(ctx context.Context, offset int64) error {
	if r.HighWatermark() >= offset {
		return nil
	}
	s := NewSignal()
	r.Await(s, offset)
	defer r.Forget(s)
	for r.HighWatermark() < offset {
		if err := r.Online(); err != nil {
			return err
		}
		select {
		case <-s:
		case <-r.dir().Failed():
		case <-r.deleted:
		case <-ctx.Done():
			return wire.Errorf(wire.RequestTimedOut, "wait for offset %d of %s-%d: %w", offset, r.topic, r.index, ctx.Err())
		}
	}
	return nil
}

// ProducerState is what a log knows of a producer.
type ProducerState = storage.ProducerState

// Producers lists the producers that the log knows, by their ids.
func (r *Replica) Producers() []ProducerState { return r.log().Producers() }

// Retain removes segments that retention lets go.
func (r *Replica) Retain(now time.Time) (segments int, err error) {
	return r.log().Retain(now, r.HighWatermark())
}

// update takes over what the metadata says. A new epoch starts at the end of the log, before any batch of it.
func (r *Replica) update(p meta.Partition) error {
	r.leading.Lock()
	defer r.leading.Unlock()
	old := r.state.Load()
	defer r.state.Store(&p)
	if p.Leader != r.nodeID || old != nil && old.Leader == p.Leader && old.LeaderEpoch == p.LeaderEpoch {
		return nil
	}
	r.epochStart.Store(r.log().EndOffset())
	return r.log().StartEpoch(p.LeaderEpoch)
}

func (r *Replica) configure(s *Settings) {
	r.settings.Store(s)
	r.log().SetConfig(s.Log)
}
