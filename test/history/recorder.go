package history

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// Recorder collects the events of clients that run at the same time. The zero value is ready for use.
type Recorder struct {
	mu     sync.Mutex
	events []Event
}

// Add records an event; its time is now.
func (r *Recorder) Add(ev Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, ev)
}

// Events returns what was recorded so far.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Print writes events one a line, with the indices that anomalies name.
func Print(w io.Writer, events []Event) error {
	for i := range events {
		if _, err := fmt.Fprintf(w, "%d %+v\n", i, events[i]); err != nil {
			return fmt.Errorf("print event %d of a history: %w", i, err)
		}
	}
	return nil
}
