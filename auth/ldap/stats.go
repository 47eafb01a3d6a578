package ldap

import (
	"context"
	"errors"
	"sync"

	"github.com/chronik-stream/chronik/auth"
)

// Stats tell how a directory does.
type Stats struct {
	// Questions counts the log-ins that it was asked about, Failures those that it did not decide.
	Questions, Failures uint64
	// Failing says that it did not decide the last one that has ended.
	Failing bool
}

// tally keeps the Stats.
type tally struct {
	mu    sync.Mutex
	stats Stats
}

// ended counts a question that has ended with err. Those whose client has gone meanwhile say nothing of the directory.
func (t *tally) ended(client context.Context, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Questions++
	undecided := errors.Is(err, auth.ErrUndecided)
	if undecided && errors.Is(client.Err(), context.Canceled) {
		return
	}
	t.stats.Failing = undecided
	if undecided {
		t.stats.Failures++
	}
}

// Stats returns how the directory does.
func (d *Directory) Stats() Stats {
	d.tally.mu.Lock()
	defer d.tally.mu.Unlock()
	return d.tally.stats
}
