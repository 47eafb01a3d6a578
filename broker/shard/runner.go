package shard

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

// Waits between attempts to load a partition whose log cannot be read.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// recordOverhead is what a record takes in a batch beyond its key and value, at most.
const recordOverhead = 40

// stepsPerBatch bounds how many requests are carried out before what they want written is written.
const stepsPerBatch = 256

// runner is one partition at work. Its goroutine alone touches the machine, the tickets and the batch.
type runner[Q any] struct {
	cfg       Config[Q]
	partition int32
	log       Log

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	// serving is false while the log is being read.
	serving atomic.Bool
	mailbox chan letter[Q]

	machine Machine[Q]
	tickets map[uint64]chan<- Reply
	ticket  uint64
	timer   *time.Timer
	queue   *confirmQueue
	batch   batch
	helpers sync.WaitGroup
}

// letter is a request with the way back.
type letter[Q any] struct {
	request Q
	back    chan<- Reply
}

// batch gathers the appends of several steps.
type batch struct {
	records []Record
	bytes   int
	seq     uint64
}

func startRunner[Q any](cfg Config[Q], partition int32, log Log) *runner[Q] {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // stop calls it
	r := &runner[Q]{
		cfg: cfg, partition: partition, log: log, ctx: ctx, cancel: cancel,
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
	back := make(chan Reply, 1)
	select {
	case r.mailbox <- letter[Q]{request: q, back: back}:
	case <-r.done:
		return failed(r.gone())
	case <-ctx.Done():
		return failed(fmt.Errorf("hand a request to partition %d of %s: %w", r.partition, r.cfg.Name, ctx.Err()))
	}
	return func(ctx context.Context) (any, error) { return r.await(ctx, back) }
}

func (r *runner[Q]) await(ctx context.Context, back <-chan Reply) (any, error) {
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

func (r *runner[Q]) opened(reply Reply) (any, error) {
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

func (r *runner[Q]) load() error {
	r.machine = r.cfg.New(r.partition)
	r.tickets = map[uint64]chan<- Reply{}
	r.batch = batch{}
	started, count := r.cfg.Clock(), 0
	err := r.log.Read(r.ctx, func(rec Record) error {
		count++
		return r.machine.Replay(rec)
	})
	if err != nil {
		return fmt.Errorf("read %s-%d after %d records: %w", r.cfg.Name, r.partition, count, err)
	}
	r.cfg.Logger.Debug("loaded a coordinator", "topic", r.cfg.Name, "partition", r.partition, "records", count, "took", r.cfg.Clock().Sub(started))
	return nil
}

var errPanic = errors.New("the coordinator's machine panicked")

// serve runs the machine. It returns the error that ended it, nil when the runner was stopped.
func (r *runner[Q]) serve() (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Logger.Error("panic in a coordinator", "topic", r.cfg.Name, "partition", r.partition, "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	r.queue = newConfirmQueue()
	r.helpers.Go(func() { r.queue.run(ctx) })
	r.timer = time.NewTimer(time.Hour)
	r.timer.Stop()
	defer r.timer.Stop()
	r.step(Event[Q]{Kind: Loaded})
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
		r.step(Event[Q]{Kind: Appended, Seq: c.seq})
	case <-r.timer.C:
		r.step(Event[Q]{Kind: Woken})
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
	r.step(Event[Q]{Kind: Asked, Ticket: r.ticket, Request: l.request})
}

func (r *runner[Q]) step(ev Event[Q]) {
	now := r.cfg.Clock()
	effects := r.machine.Step(ev, now)
	for _, a := range effects.Appends {
		r.gather(a)
	}
	for _, reply := range effects.Replies {
		if back := r.tickets[reply.Ticket]; back != nil {
			delete(r.tickets, reply.Ticket)
			back <- reply
		}
	}
	if !effects.Wake {
		return
	}
	if effects.WakeAt.IsZero() {
		r.timer.Stop()
		return
	}
	r.timer.Reset(max(effects.WakeAt.Sub(now), 0))
}

// gather adds an append to the batch. One that does not fit is kept in a batch of its own.
func (r *runner[Q]) gather(a Append) {
	size := 0
	for _, rec := range a.Records {
		size += len(rec.Key) + len(rec.Value) + recordOverhead
	}
	if len(r.batch.records) > 0 && r.batch.bytes+size > r.cfg.MaxBatchBytes {
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
	if r.queue.failure() != nil {
		return
	}
	wait, err := r.log.Append(b.records, r.cfg.Clock())
	if err != nil {
		r.queue.fail(fmt.Errorf("append %d records to %s-%d: %w", len(b.records), r.cfg.Name, r.partition, err))
		return
	}
	r.queue.add(b.seq, wait)
}

// abandon answers everything that is outstanding after serve has ended.
func (r *runner[Q]) abandon(cause error) {
	code := wire.NotCoordinator
	if cause != nil {
		code = appendCode(wire.CodeOf(cause))
	}
	if !errors.Is(cause, errPanic) {
		for _, reply := range r.machine.Step(Event[Q]{Kind: Failed, Code: code}, r.cfg.Clock()).Replies {
			if back := r.tickets[reply.Ticket]; back != nil {
				delete(r.tickets, reply.Ticket)
				back <- reply
			}
		}
	}
	for _, back := range r.tickets {
		back <- Reply{Code: wire.NotCoordinator}
	}
	clear(r.tickets)
	for {
		select {
		case l := <-r.mailbox:
			l.back <- Reply{Code: wire.NotCoordinator}
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
