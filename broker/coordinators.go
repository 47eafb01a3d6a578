package broker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/shard"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// reconcileRetry is the pause while a coordinator is still loading.
const reconcileRetry = 100 * time.Millisecond

// coordinators brings the coordinators to where the metadata says: this broker serves the groups and the transactional ids of the
// partitions that it leads.
type coordinators struct {
	nodeID       int32
	store        *meta.Store
	groups       *shard.Groups
	transactions *shard.Transactions
	replicas     *replica.Set
	// settings are a topic's in effect.
	settings func(*meta.Topic) *replica.Settings
	logger   *slog.Logger

	more chan struct{}
	mu   sync.Mutex
	gone []group.TopicRef // deleted topics whose offsets have to go
	// kinds are the topics with their coordinators, level is the transaction.version that these were told.
	kinds []*coordinated
	level int16
}

// coordinated is a topic whose partitions are coordinated by their leaders.
type coordinated struct {
	topic  string
	host   coordinatorHost
	loaded map[int32]int32 // leader epoch by partition
	// maxAppend is what the coordinators were told that a batch of the topic can hold.
	maxAppend int
}

// coordinatorHost is what shard.Groups and shard.Transactions have in common.
type coordinatorHost interface {
	Load(partition, epoch int32, log shard.Log) error
	Unload(partition int32)
	SetMaxAppend(ctx context.Context, bytes int) error
}

func newCoordinators(nodeID int32, store *meta.Store, groups *shard.Groups, transactions *shard.Transactions, replicas *replica.Set, settings func(*meta.Topic) *replica.Settings, logger *slog.Logger) *coordinators {
	return &coordinators{
		nodeID: nodeID, store: store, groups: groups, transactions: transactions, replicas: replicas, settings: settings, logger: logger,
		more: make(chan struct{}, 1), level: transactionLevel(store.Image()),
		kinds: []*coordinated{
			{topic: group.Topic, host: groups, loaded: map[int32]int32{}}, {topic: txn.Topic, host: transactions, loaded: map[int32]int32{}},
		},
	}
}

// transactionLevel is the finalized transaction.version.
func transactionLevel(image *meta.Image) int16 { return image.Features()[meta.TransactionVersion] }

// Follow is a meta.Subscriber: it notes what there is to do, since loading waits for the log.
func (k *coordinators) Follow(_, _ *meta.Image, d meta.Delta) {
	k.mu.Lock()
	for _, t := range d.TopicsDeleted {
		k.gone = append(k.gone, group.TopicRef{Name: t.Name, ID: t.ID})
	}
	k.mu.Unlock()
	select {
	case k.more <- struct{}{}:
	default:
	}
}

// run follows until the context ends. Offsets of topics that were deleted while this broker was away are removed once, at first.
func (k *coordinators) run(ctx context.Context) {
	k.update(ctx)
	k.reconcile(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.more:
		}
		k.update(ctx)
		k.forget(ctx)
	}
}

// update loads what this broker has come to lead, and tells what has changed of the topics' settings and the features.
func (k *coordinators) update(ctx context.Context) {
	image := k.store.Image()
	for _, kind := range k.kinds {
		if topic := image.Topic(kind.topic); topic != nil {
			k.resize(ctx, topic, kind)
			k.load(topic, kind)
		}
	}
	level := transactionLevel(image)
	if level == k.level {
		return
	}
	k.level = level
	if err := k.transactions.SetLevel(ctx, level); err != nil && ctx.Err() == nil {
		k.logger.Error("a transaction coordinator was not told the new transaction.version", "version", level, "error", err)
	}
}

// resize tells how many bytes of records a batch of the topic can hold, where that has changed (max.message.bytes).
func (k *coordinators) resize(ctx context.Context, topic *meta.Topic, kind *coordinated) {
	s := k.settings(topic)
	bytes := min(s.MaxMessageBytes, int(s.Log.SegmentBytes)) - record.HeaderSize
	if bytes == kind.maxAppend {
		return
	}
	kind.maxAppend = bytes
	if err := kind.host.SetMaxAppend(ctx, bytes); err != nil && ctx.Err() == nil {
		k.logger.Error("a coordinator was not told how large a batch can be", "topic", kind.topic, "bytes", bytes, "error", err)
	}
}

// load loads the partitions that this broker has come to lead, and unloads the others.
func (k *coordinators) load(topic *meta.Topic, kind *coordinated) {
	for i := range topic.Partitions {
		p, number := &topic.Partitions[i], int32(i) //nolint:gosec // partitions are far below 2^31
		epoch, known := kind.loaded[number]
		switch {
		case p.Leader != k.nodeID && known:
			kind.host.Unload(number)
			delete(kind.loaded, number)
		case p.Leader == k.nodeID && (!known || epoch != p.LeaderEpoch):
			part := k.replicas.Get(kind.topic, number)
			if part == nil {
				continue
			}
			if err := kind.host.Load(number, p.LeaderEpoch, &coordinatorLog{part: part}); err != nil {
				k.logger.Error("a coordinator can not be loaded", "topic", kind.topic, "partition", number, "error", err)
				continue
			}
			kind.loaded[number] = p.LeaderEpoch
		}
	}
}

func (k *coordinators) reconcile(ctx context.Context) {
	exists := func(ref group.TopicRef) bool {
		t := k.store.Image().Topic(ref.Name)
		return t != nil && (ref.ID == [16]byte{} || ref.ID == t.ID)
	}
	for ctx.Err() == nil {
		err := k.groups.Reconcile(ctx, exists)
		if err == nil {
			return
		}
		if wire.CodeOf(err) != wire.CoordinatorLoadInProgress {
			k.logger.Error("offsets of topics that do not exist could not be removed", "error", err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconcileRetry):
		}
	}
}

// forget removes the offsets of deleted topics.
func (k *coordinators) forget(ctx context.Context) {
	k.mu.Lock()
	gone := k.gone
	k.gone = nil
	k.mu.Unlock()
	if len(gone) == 0 {
		return
	}
	if err := k.groups.TopicsDeleted(ctx, gone); err != nil && ctx.Err() == nil {
		k.logger.Error("offsets of deleted topics could not be removed", "error", err)
	}
}
