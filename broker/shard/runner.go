package shard

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Waits between attempts to load a partition whose log cannot be read.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// gatherBytes bounds the batches of several appends: larger ones would save little, and take long to write.
const gatherBytes = 512 << 10

// stepsPerBatch bounds how many requests are carried out before what they want written is written.
const stepsPerBatch = 256

// runner is one partition at work. Its goroutine alone touches the machine, the tickets and the batch.
type runner[Q any] struct {
	cfg       Config[Q]
	maxAppend *atomic.Int64
	partition int32
	epoch     int32
	log       Log

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	// serving is false while the log is being read.
	serving atomic.Bool
	mailbox chan letter[Q]

	machine Machine
	tickets map[uint64]chan<- coordinator.Reply
	ticket  uint64
	timer   *time.Timer
	queue   *confirmQueue
	batch   batch
	calls   *calls
	helpers sync.WaitGroup
}

// letter is a request with the way back.
type letter[Q any] struct {
	request Q
	back    chan<- coordinator.Reply
}

// batch gathers the appends of several steps.
type batch struct {
	records []coordinator.Record
	bytes   int
	seq     uint64
}

func startRunner[Q any](cfg Config[Q], maxAppend *atomic.Int64, partition, epoch int32, log Log) *runner[Q] {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // stop calls it
	r := &runner[Q]{
		cfg: cfg, maxAppend: maxAppend, partition: partition, epoch: epoch, log: log, ctx: ctx, cancel: cancel,
		done: make(chan struct{}), mailbox: make(chan letter[Q], cfg.Queue),
	}
	go r.run()
	return r
}

func (r *runner[Q]) stop() {
	r.cancel()
	<-r.done
}

func (r *runner[Q]) send(ctx context.Context, q Q) Wait {
	if !r.serving.Load() {
		return failed(wire.Errorf(wire.CoordinatorLoadInProgress, "partition %d of %s is being loaded", r.partition, r.cfg.Name))
	}
	back := make(chan coordinator.Reply, 1)
	if err := r.post(ctx, letter[Q]{request: q, back: back}); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) { return r.await(ctx, back) }
}

// post puts a request where the machine finds it once it is loaded.
func (r *runner[Q]) post(ctx context.Context, l letter[Q]) error {
	select {
	case r.mailbox <- l:
		return nil
	case <-r.done:
		return r.gone()
	case <-ctx.Done():
		return fmt.Errorf("hand a request to partition %d of %s: %w", r.partition, r.cfg.Name, ctx.Err())
	}
}

func (r *runner[Q]) await(ctx context.Context, back <-chan coordinator.Reply) (any, error) {
	select {
	case reply := <-back:
		return r.opened(reply)
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for partition %d of %s: %w", r.partition, r.cfg.Name, ctx.Err())
	case <-r.done:
	}
	select {
	case reply := <-back:
		return r.opened(reply)
	default:
		return nil, r.gone()
	}
}

func (r *runner[Q]) opened(reply coordinator.Reply) (any, error) {
	if reply.Code != wire.None {
		return nil, wire.Errorf(reply.Code, "the coordinator in partition %d of %s refused", r.partition, r.cfg.Name)
	}
	return reply.Answer, nil
}

func (r *runner[Q]) gone() error {
	return wire.Errorf(wire.NotCoordinator, "partition %d of %s is no longer coordinated here", r.partition, r.cfg.Name)
}

// run loads and serves until the runner is stopped; after a failed append it loads again.
func (r *runner[Q]) run() {
	defer close(r.done)
	retry := firstRetry
	for r.ctx.Err() == nil {
		if err := r.load(); err != nil {
			if r.ctx.Err() != nil {
				return
			}
			r.cfg.Logger.Error("cannot load the coordinator's log", "topic", r.cfg.Name, "partition", r.partition, "error", err)
			r.pause(retry)
			retry = min(2*retry, lastRetry)
			continue
		}
		began := r.cfg.Clock()
		err := r.serve()
		r.serving.Store(false)
		if r.ctx.Err() != nil {
			err = nil
		}
		r.abandon(err)
		r.helpers.Wait()
		if r.ctx.Err() != nil {
			return
		}
		r.cfg.Logger.Error("a coordinator has failed and is loaded again", "topic", r.cfg.Name, "partition", r.partition, "error", err)
		if r.cfg.Clock().Sub(began) > lastRetry {
			retry = firstRetry
		}
		r.pause(retry)
		retry = min(2*retry, lastRetry)
	}
}

func (r *runner[Q]) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.ctx.Done():
	}
}

// load makes a machine of what the log has. A panic on the way costs this partition alone, like one of a machine that serves.
func (r *runner[Q]) load() (err error) {
	defer r.contain(&err)
	r.machine = r.cfg.New(r.partition, r.epoch)
	r.tickets = map[uint64]chan<- coordinator.Reply{}
	r.batch = batch{}
	started, count := r.cfg.Clock(), 0
	err = r.log.Read(r.ctx, func(e coordinator.Entry) error {
		count++
		return r.machine.Replay(e)
	})
	if err != nil {
		return fmt.Errorf("read %s-%d after %d entries: %w", r.cfg.Name, r.partition, count, err)
	}
	r.cfg.Logger.Debug("loaded a coordinator", "topic", r.cfg.Name, "partition", r.partition, "entries", count, "took", r.cfg.Clock().Sub(started))
	return nil
}

var errPanic = errors.New("the coordinator's machine panicked")

// contain is deferred around the machine, and makes errPanic of a panic.
func (r *runner[Q]) contain(err *error) {
	if p := recover(); p != nil {
		r.cfg.Logger.Error("panic in a coordinator", "topic", r.cfg.Name, "partition", r.partition, "panic", p, "stack", string(debug.Stack()))
		*err = errPanic
	}
}

// serve runs the machine. It returns the error that ended it, nil when the runner was stopped.
func (r *runner[Q]) serve() (err error) {
	defer r.contain(&err)
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	r.queue = newConfirmQueue()
	r.calls = newCalls(ctx, func(what any) any { return r.do(ctx, what) }, &r.helpers)
	r.helpers.Go(func() { r.queue.run(ctx) })
	r.timer = time.NewTimer(time.Hour)
	r.timer.Stop()
	defer r.timer.Stop()
	r.step(coordinator.Loaded{})
	if err := r.flush(); err != nil {
		return err
	}
	r.serving.Store(true)
	for {
		if err := r.turn(); err != nil || r.ctx.Err() != nil {
			return err
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
}

// turn takes what comes next, and of requests as many as are there.
func (r *runner[Q]) turn() error {
	select {
	case <-r.ctx.Done():
	case c := <-r.queue.confirmed:
		if c.err != nil {
			return c.err
		}
		r.step(coordinator.Appended{Seq: c.seq})
	case <-r.timer.C:
		r.step(coordinator.Woken{})
	case e := <-r.calls.returned:
		r.calls.ended()
		r.step(e)
	case l := <-r.mailbox:
		r.ask(l)
		for range stepsPerBatch {
			select {
			case l := <-r.mailbox:
				r.ask(l)
			default:
				return nil
			}
		}
	}
	return nil
}

func (r *runner[Q]) ask(l letter[Q]) {
	r.ticket++
	r.tickets[r.ticket] = l.back
	r.step(coordinator.Asked[Q]{Ticket: r.ticket, Request: l.request})
}

func (r *runner[Q]) step(ev coordinator.Event) {
	now := r.cfg.Clock()
	refused := wire.None
	for _, e := range r.machine.Step(ev, now) {
		switch e := e.(type) {
		case coordinator.Append:
			if e.Alone() {
				refused = r.writeAlone(e)
			} else {
				r.gather(e)
			}
		case coordinator.Reply:
			r.hand(e)
		case coordinator.WakeAt:
			r.wakeAt(e.At, now)
		case coordinator.Call:
			r.calls.add(e)
		case coordinator.Trouble:
			r.trouble(e)
		}
	}
	if refused != wire.None {
		r.step(coordinator.Refused{Code: refused})
	}
}

// trouble tells those who run the broker of a request that was refused for no fault of its own.
func (r *runner[Q]) trouble(e coordinator.Trouble) {
	r.cfg.Logger.Warn("a coordinator has refused a request", "topic", r.cfg.Name, "partition", r.partition, "id", e.ID, "error", e.Err)
	if r.cfg.Troubled != nil {
		r.cfg.Troubled()
	}
}

// hand gives a reply to who asked.
func (r *runner[Q]) hand(reply coordinator.Reply) {
	if back := r.tickets[reply.Ticket]; back != nil {
		delete(r.tickets, reply.Ticket)
		back <- reply
	}
}

func (r *runner[Q]) wakeAt(at, now time.Time) {
	if at.IsZero() {
		r.timer.Stop()
		return
	}
	r.timer.Reset(max(at.Sub(now), 0))
}

// gather adds an append to the batch. One that does not fit is kept in a batch of its own.
func (r *runner[Q]) gather(a coordinator.Append) {
	size := 0
	for _, rec := range a.Records {
		size += rec.Size()
	}
	if len(r.batch.records) > 0 && r.batch.bytes+size > min(gatherBytes, int(r.maxAppend.Load())) {
		r.write()
	}
	r.batch.records = append(r.batch.records, a.Records...)
	r.batch.bytes += size
	r.batch.seq = a.Seq
}

// flush writes the batch and reports an append that has failed since the last flush.
func (r *runner[Q]) flush() error {
	r.write()
	return r.queue.failure()
}

func (r *runner[Q]) write() {
	if len(r.batch.records) == 0 {
		return
	}
	b := r.batch
	r.batch = batch{}
	if err := r.append(coordinator.Append{Seq: b.seq, Records: b.records}); err != nil {
		r.queue.fail(err)
	}
}

// writeAlone writes what is gathered and then an append that goes into no batch with others. It returns the code of a refusal.
func (r *runner[Q]) writeAlone(a coordinator.Append) int16 {
	r.write()
	err := r.append(a)
	if errors.Is(err, ErrRefused) {
		return wire.CodeOf(err)
	}
	if err != nil {
		r.queue.fail(err)
	}
	return wire.None
}

// append writes one batch, unless another could not be written before it.
func (r *runner[Q]) append(a coordinator.Append) error {
	if err := r.queue.failure(); err != nil {
		return err
	}
	wait, err := r.log.Append(a, r.cfg.Clock())
	if err != nil {
		return fmt.Errorf("append to %s-%d: %w", r.cfg.Name, r.partition, err)
	}
	r.queue.add(a.Seq, wait)
	return nil
}

// abandon answers everything that is outstanding after serve has ended.
func (r *runner[Q]) abandon(cause error) {
	code := wire.NotCoordinator
	if cause != nil {
		code = appendCode(wire.CodeOf(cause))
	}
	if !errors.Is(cause, errPanic) {
		for _, e := range r.machine.Step(coordinator.Failed{Code: code}, r.cfg.Clock()) {
			if reply, ok := e.(coordinator.Reply); ok {
				r.hand(reply)
			}
		}
	}
	for _, back := range r.tickets {
		back <- coordinator.Reply{Code: wire.NotCoordinator}
	}
	clear(r.tickets)
	for {
		select {
		case l := <-r.mailbox:
			l.back <- coordinator.Reply{Code: wire.NotCoordinator}
		default:
			return
		}
	}
}

// appendCode says in a coordinator's terms why an append failed, as Apache Kafka does: clients try again, here or with another broker.
func appendCode(code int16) int16 {
	switch code {
	case wire.UnknownTopicOrPartition, wire.NotEnoughReplicas, wire.NotEnoughReplicasAfterAppend, wire.RequestTimedOut:
		return wire.CoordinatorNotAvailable
	case wire.MessageTooLarge, wire.RecordListTooLarge, wire.InvalidFetchSize:
		return wire.UnknownServerError
	default:
		return wire.NotCoordinator
	}
}
