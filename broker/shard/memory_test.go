package shard

import (
	"context"
	"errors"
	"sync"
	"time"
)

var errDisk = errors.New("disk failed")

// memoryLog is a log in memory whose confirmations a test can hold back or fail.
type memoryLog struct {
	mu      sync.Mutex
	records []Record
	batches []int
	// gate, where set, holds every confirmation until something comes out of it.
	gate chan error
	// refuse makes Append fail, unreadable makes Read fail, loading holds Read until it is closed.
	refuse, unreadable bool
	loading            chan struct{}
}

func (l *memoryLog) set(change func(l *memoryLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *memoryLog) Append(records []Record, _ time.Time) (func(context.Context) error, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse {
		return nil, errDisk
	}
	l.records = append(l.records, records...)
	l.batches = append(l.batches, len(records))
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

func (l *memoryLog) Read(ctx context.Context, yield func(Record) error) error {
	l.mu.Lock()
	records, unreadable, loading := l.records, l.unreadable, l.loading
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
	for _, r := range records {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func (l *memoryLog) written() (records, batches int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.records), len(l.batches)
}
