package ldap

import (
	"context"
	"fmt"
	"testing"

	"github.com/chronik-stream/chronik/auth"
)

// TestStats: what is not decided is a failure, until the next decision, and a client that goes away says nothing.
func TestStats(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	undecided := fmt.Errorf("%w: silence", auth.ErrUndecided)
	d := &Directory{}
	for n, step := range []struct {
		client context.Context
		err    error
		want   Stats
	}{
		{t.Context(), nil, Stats{1, 0, false}},
		{gone, undecided, Stats{2, 0, false}},
		{t.Context(), undecided, Stats{3, 1, true}},
		{gone, undecided, Stats{4, 1, true}},
		{t.Context(), undecided, Stats{5, 2, true}},
		{t.Context(), auth.ErrBadCredential, Stats{6, 2, false}},
	} {
		d.tally.ended(step.client, step.err)
		if got := d.Stats(); got != step.want {
			t.Errorf("after question %d: %+v", n+1, got)
		}
	}
}
