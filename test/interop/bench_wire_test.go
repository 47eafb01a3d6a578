//go:build interop && bench

package interop

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// newDoor is that of the super user.
func newDoor(t *testing.T, like *harness.Broker, bootstrap string) door {
	t.Helper()
	user, password := like.Admin(t)
	return doorOf(t, like, bootstrap, user, password)
}

// dialAll opens n connections, a few at a time. They are closed with the test.
func (d door) dialAll(t *testing.T, n int) []*line {
	t.Helper()
	lines := make([]*line, n)
	var group sync.WaitGroup
	for first := range 16 {
		group.Go(func() {
			for i := first; i < n; i += 16 {
				l, err := d.dial(t.Context())
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				lines[i] = l
			}
		})
	}
	group.Wait()
	t.Cleanup(func() {
		for _, l := range lines {
			if l != nil {
				l.conn.Close()
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return lines
}

// findCoordinator waits until groups have coordinators.
func (l *line) findCoordinator(t *testing.T, groups ...string) {
	t.Helper()
	waitFor(t, "coordinators", func() bool {
		q := kmsg.NewPtrFindCoordinatorRequest()
		q.Version, q.CoordinatorKeys = 4, groups
		r, err := ask[*kmsg.FindCoordinatorResponse](l, q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Coordinators {
			if r.Coordinators[i].ErrorCode != 0 {
				return false
			}
		}
		return true
	})
}
