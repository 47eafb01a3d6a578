package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Log is where events are kept.
type Log interface {
	// Append returns nil when all events are as durable as the log makes them. It may wait for a log that is not there
	// yet, until ctx ends. After an error any part of the events may be in the log; they come again, with the same keys.
	Append(ctx context.Context, events []Entry) error
}

// FailurePolicy says what becomes of an action that cannot be recorded (chronik.audit.on.failure).
type FailurePolicy uint8

// The failure policies.
const (
	// Deny makes Record fail, so that the action does not happen.
	Deny FailurePolicy = iota
	// Allow lets it happen; the hole becomes an event of its own when the log is back.
	Allow
)

// Why an event was not recorded. Record's error wraps ErrNotRecorded and one of the others.
var (
	ErrNotRecorded = errors.New("audit event not recorded")
	ErrQueueFull   = errors.New("audit queue is full")
	ErrLogFails    = errors.New("audit log fails")
	ErrClosed      = errors.New("audit recorder is closed")
)

// Config says what a recorder works with.
type Config struct {
	// Source is this broker.
	Source Source
	// Log keeps the events.
	Log Log
	// OnFailure is Deny unless set.
	OnFailure FailurePolicy
	// Clock gives the events' times; nil means time.Now.
	Clock func() time.Time
	// Logger gets a line per event; required.
	Logger *slog.Logger
	// QueueEvents and QueueBytes bound what waits for the log; 0 means the default.
	QueueEvents int
	QueueBytes  int
	// Budget bounds what clients can make the broker write at will.
	Budget BudgetConfig
	// Patience is how long Record waits for room in the queue while the log works; 0 means the default.
	Patience time.Duration
}

// Recorder takes events from many goroutines and hands them to the log in one order, without a hole that is not itself
// an event. It owns one goroutine, from Start to Close.
type Recorder struct {
	cfg   Config
	run   string
	queue *queue

	gapMu sync.Mutex
	gap   Gap

	abort context.CancelFunc
	done  chan struct{}
}

// nodeLog begins the log name of a broker's own events.
const nodeLog = "node-"

// Start returns a recorder at work. Its events are numbered from 1; the log_name of a run is its own.
func Start(cfg Config) *Recorder {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.QueueEvents <= 0 {
		cfg.QueueEvents = defaultQueueEvents
	}
	if cfg.QueueBytes <= 0 {
		cfg.QueueBytes = defaultQueueBytes
	}
	if cfg.Patience <= 0 {
		cfg.Patience = defaultPatience
	}
	ctx, abort := context.WithCancel(context.Background())
	r := &Recorder{cfg: cfg, run: rand.Text(), abort: abort, done: make(chan struct{})}
	r.queue = newQueue(&r.cfg, r.entry)
	go r.drain(ctx)
	return r
}

// Record takes the event and returns when it is queued in order; the log has it soon after. It waits for room while the
// log works. What is beyond its client's budget is merged with what is like it, and written when the interval is over. An error means that
// the event is not recorded and, under Deny, that what it tells of must not happen; under Allow there is none. It wraps ErrNotRecorded.
func (r *Recorder) Record(ctx context.Context, e Event) error {
	now := r.cfg.Clock()
	_, err := r.queue.put(ctx, e, now, r.cfg.Patience)
	if errors.Is(err, errOverBudget) {
		if err = r.merge(ctx, e, now); err == nil {
			return nil
		}
	}
	r.logLine(ctx, e, err)
	if err == nil {
		return nil
	}
	r.miss(e, now, err)
	if r.cfg.OnFailure == Allow {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrNotRecorded, e.kind(), err)
}

// Confirm is Record that returns when the log has the event: for an intent, which has to be durable before its effect. Under
// Deny an error means that what it tells of must not happen, though the event may still come to the log.
func (r *Recorder) Confirm(ctx context.Context, e Event) error {
	now := r.cfg.Clock()
	number, err := r.queue.put(ctx, e, now, r.cfg.Patience)
	queued := err == nil
	if queued {
		err = r.queue.waitRecorded(ctx, number)
	}
	r.logLine(ctx, e, err)
	if err == nil {
		return nil
	}
	if !queued {
		r.miss(e, now, err)
	}
	if r.cfg.OnFailure == Allow {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrNotRecorded, e.kind(), err)
}

// Close records what is queued and stops. When ctx ends first the rest is lost to the log, and the error says how much;
// the log lines have it all.
func (r *Recorder) Close(ctx context.Context) error {
	for _, m := range r.queue.close(r.cfg.Clock()) {
		r.logLine(ctx, m, nil)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	r.abort()
	<-r.done
	if lost := r.queue.length(); lost > 0 {
		return fmt.Errorf("%w: %d events at the end: %w", ErrNotRecorded, lost, ErrLogFails)
	}
	return nil
}

// Stats is a recorder's state in numbers.
type Stats struct {
	// Queued events wait for the log.
	Queued int
	// Recorded events are in the log.
	Recorded uint64
	// Lost events are in a gap.
	Lost uint64
	// Failing says that the log refused the last append.
	Failing bool
}

// Stats returns the numbers of this run.
func (r *Recorder) Stats() Stats { return r.queue.stats() }

func (r *Recorder) entry(e Event, now time.Time, sequence uint64) (Entry, error) {
	uid := fmt.Sprintf("%s-%d", r.run, sequence)
	value, err := encode(e.document(r.run), now, metadata{
		Version: ocsfVersion, Product: r.cfg.Source.product(), UID: uid,
		LogName: nodeLog + r.cfg.Source.node() + "/" + r.run, Sequence: sequence,
	})
	return Entry{Key: []byte(uid), Value: value, Time: now}, err
}

func (r *Recorder) logLine(ctx context.Context, e Event, err error) {
	level := slog.LevelInfo
	if e.provoked() {
		level = slog.LevelWarn
	}
	if own, is := e.(interface{ level() slog.Level }); is {
		level = own.level()
	}
	attrs := append([]slog.Attr{slog.String("event", e.kind())}, e.attrs()...)
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("not_recorded", err.Error()))
	}
	r.cfg.Logger.LogAttrs(ctx, level, "audit", attrs...)
}

// miss notes an event that is not recorded.
func (r *Recorder) miss(e Event, at time.Time, why error) {
	r.queue.countLost()
	r.gapMu.Lock()
	defer r.gapMu.Unlock()
	if r.gap.Lost == nil {
		r.gap = Gap{Lost: make(map[string]uint64), From: at, Cause: why.Error()}
	}
	r.gap.Lost[e.kind()]++
	r.gap.From, r.gap.To = earlier(r.gap.From, at), later(r.gap.To, at)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recordGap queues the gap, where there is one, now that the log works.
func (r *Recorder) recordGap() {
	r.gapMu.Lock()
	gap := r.gap
	r.gap = Gap{}
	r.gapMu.Unlock()
	if gap.Lost == nil {
		return
	}
	now := r.cfg.Clock()
	r.logLine(context.Background(), gap, r.queue.force(gap, now))
}

// drain appends what is queued until the queue is closed and empty, or ctx ends.
func (r *Recorder) drain(ctx context.Context) {
	defer close(r.done)
	interval := time.NewTicker(r.queue.budget.cfg.Interval)
	defer interval.Stop()
	for {
		batch, more := r.queue.next(ctx, interval.C)
		if !more {
			return
		}
		if len(batch) == 0 {
			r.writeMerged(ctx)
			continue
		}
		if !r.deliver(ctx, batch) {
			return
		}
		r.recordGap()
	}
}

// deliver appends the batch, however often that has to be tried. It returns false when ctx ended first.
func (r *Recorder) deliver(ctx context.Context, batch []Entry) bool {
	pause := time.Duration(firstRetry)
	for {
		err := r.appendOnce(ctx, batch)
		if err == nil {
			if r.queue.delivered(len(batch)) {
				r.cfg.Logger.Info("audit log works again")
			}
			return true
		}
		if r.queue.setFailing() {
			r.cfg.Logger.Error("audit log fails", slog.Any("error", err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
		pause = min(2*pause, lastRetry)
	}
}

func (r *Recorder) appendOnce(ctx context.Context, batch []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	return r.cfg.Log.Append(ctx, batch)
}
