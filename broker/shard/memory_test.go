package shard

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
)

var errDisk = errors.New("disk failed")

// memoryLog is a log in memory whose confirmations a test can hold back or fail.
type memoryLog struct {
	mu      sync.Mutex
	entries []coordinator.Entry
	batches []int
	alone   []coordinator.Append
	// gate, where set, holds every confirmation until something comes out of it.
	gate chan error
	// broken makes Append fail, unreadable makes Read fail, loading holds Read until it is closed.
	broken, unreadable bool
	// refusal is what Append returns for what goes into no batch with others.
	refusal error
	loading chan struct{}
}

func (l *memoryLog) set(change func(l *memoryLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *memoryLog) Append(what coordinator.Append, _ time.Time) (func(context.Context) error, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken:
		return nil, errDisk
	case what.Alone() && l.refusal != nil:
		return nil, l.refusal
	case what.Alone():
		l.alone = append(l.alone, what)
	}
	for _, r := range what.Records {
		l.entries = append(l.entries, coordinator.Entry{Record: r})
	}
	if what.Marker != nil {
		l.entries = append(l.entries, coordinator.Entry{Marker: what.Marker})
	}
	l.batches = append(l.batches, len(what.Records))
	gate := l.gate
	return func(ctx context.Context) error {
		if gate == nil {
			return nil
		}
		select {
		case err := <-gate:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

func (l *memoryLog) Read(ctx context.Context, yield func(coordinator.Entry) error) error {
	l.mu.Lock()
	entries, unreadable, loading := l.entries, l.unreadable, l.loading
	l.mu.Unlock()
	if loading != nil {
		select {
		case <-loading:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if unreadable {
		return errDisk
	}
	for _, e := range entries {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func (l *memoryLog) written() (entries, batches int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries), len(l.batches)
}
