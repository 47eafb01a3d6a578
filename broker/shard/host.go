package shard

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Config is what a Host needs; Q are the requests of its machines. Zero limits mean the defaults.
type Config[Q any] struct {
	// New makes the machine of a partition that this broker leads in the epoch, without state.
	New func(partition, epoch int32) Machine
	// Do carries out a call of a partition's machine and returns its result; it may take its time, and ends early when ctx does. Of one
	// machine, maxCalls run at once and the others wait. Nil where machines make no calls.
	Do func(ctx context.Context, partition int32, what any) any
	// Name is the coordinator's topic.
	Name string
	// Partitions is the number of partitions that the topic has now, 0 where there is none.
	Partitions func() int32
	// Clock tells the time; nil means time.Now.
	Clock  func() time.Time
	Logger *slog.Logger
	// Queue bounds the requests that wait for one partition's machine (1024); who comes later waits at the door.
	Queue int
	// MaxAppendBytes is how many bytes of records a batch of the topic can hold (512 KiB), until SetMaxAppend says otherwise.
	MaxAppendBytes int
	// Troubled counts a coordinator.Trouble, which is logged as well; nil counts nothing.
	Troubled func()
}

// ErrClosed is returned by Load after Close.
var ErrClosed = errors.New("coordinator is shut down")

// Defaults of Config.
const (
	defaultQueue          = 1024
	defaultMaxAppendBytes = 512 << 10
)

// Host runs the machines of the partitions that this broker leads.
type Host[Q any] struct {
	cfg Config[Q]
	// maxAppend is how many bytes of records a batch of the topic can hold now.
	maxAppend atomic.Int64

	mu      sync.RWMutex
	closed  bool
	runners map[int32]*runner[Q]
}

// New returns a host without partitions.
func New[Q any](cfg Config[Q]) *Host[Q] {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	if cfg.MaxAppendBytes <= 0 {
		cfg.MaxAppendBytes = defaultMaxAppendBytes
	}
	h := &Host[Q]{cfg: cfg, runners: map[int32]*runner[Q]{}}
	h.maxAppend.Store(int64(cfg.MaxAppendBytes))
	return h
}

// Load begins to coordinate a partition, whose leader this broker has become in the epoch. It returns at once: until the log is read, requests are
// answered with COORDINATOR_LOAD_IN_PROGRESS. A partition that is there already is loaded anew, from the new log.
func (h *Host[Q]) Load(partition, epoch int32, log Log) error {
	h.Unload(partition)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	if old := h.runners[partition]; old != nil {
		old.stop()
	}
	h.runners[partition] = startRunner(h.cfg, &h.maxAppend, partition, epoch, log)
	return nil
}

// Unload ends the coordination of a partition. What is outstanding is answered with NOT_COORDINATOR. It waits for the machine to stop,
// but not for the log.
func (h *Host[Q]) Unload(partition int32) {
	h.mu.Lock()
	r := h.runners[partition]
	delete(h.runners, partition)
	h.mu.Unlock()
	if r != nil {
		r.stop()
	}
}

// Close unloads every partition.
func (h *Host[Q]) Close() {
	h.mu.Lock()
	h.closed = true
	runners := h.runners
	h.runners = map[int32]*runner[Q]{}
	h.mu.Unlock()
	for _, r := range runners {
		r.cancel()
	}
	for _, r := range runners {
		r.stop()
	}
}

// Running lists the partitions that are loaded or being loaded, in order.
func (h *Host[Q]) Running() []int32 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	list := make([]int32, 0, len(h.runners))
	for p := range h.runners {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// Wait waits for the answer to a request. Its error has a Kafka error code (wire.CodeOf). When ctx ends first, the request may still be
// carried out.
type Wait = func(ctx context.Context) (any, error)

// Send hands a request to a partition's machine. Requests that one goroutine sends to a partition are taken in order. The Wait that it
// returns is to be called at most once; who drops it drops the answer.
func (h *Host[Q]) Send(ctx context.Context, partition int32, q Q) Wait {
	h.mu.RLock()
	r := h.runners[partition]
	h.mu.RUnlock()
	if r == nil {
		return failed(wire.Errorf(wire.NotCoordinator, "partition %d of %s is not coordinated here", partition, h.cfg.Name))
	}
	return r.send(ctx, q)
}

// Ask sends a request and waits for its answer.
func (h *Host[Q]) Ask(ctx context.Context, partition int32, q Q) (any, error) {
	return h.Send(ctx, partition, q)(ctx)
}

// PartitionOf says which partition of the topic keeps the state of a key, when it has that many.
func (h *Host[Q]) PartitionOf(key string, partitions int32) int32 {
	return PartitionFor(key, partitions)
}

// SendTo hands a request to the machine that keeps the state of a key.
func (h *Host[Q]) SendTo(ctx context.Context, key string, q Q) Wait {
	n := h.cfg.Partitions()
	if n <= 0 {
		return failed(wire.Errorf(wire.NotCoordinator, "%s does not exist", h.cfg.Name))
	}
	return h.Send(ctx, PartitionFor(key, n), q)
}

// SendEach hands a request to every machine that is here.
func (h *Host[Q]) SendEach(ctx context.Context, q Q) []Wait {
	partitions := h.Running()
	waits := make([]Wait, 0, len(partitions))
	for _, p := range partitions {
		waits = append(waits, h.Send(ctx, p, q))
	}
	return waits
}

// setMaxAppend changes how many bytes of records a batch of the topic can hold, and tells the machines that are here by a request.
func (h *Host[Q]) setMaxAppend(ctx context.Context, bytes int, tell Q) error {
	h.maxAppend.Store(int64(bytes))
	return h.Tell(ctx, tell)
}

// Tell hands a request to every machine that is here or is being loaded, which takes it after it is loaded, and drops the answers. A
// machine that New makes from now on may not hear of it.
func (h *Host[Q]) Tell(ctx context.Context, q Q) error {
	h.mu.RLock()
	runners := slices.Collect(maps.Values(h.runners))
	h.mu.RUnlock()
	for _, r := range runners {
		if err := r.post(ctx, letter[Q]{request: q, back: make(chan coordinator.Reply, 1)}); err != nil && wire.CodeOf(err) != wire.NotCoordinator {
			return err
		}
	}
	return nil
}

func failed(err error) Wait { return func(context.Context) (any, error) { return nil, err } }
