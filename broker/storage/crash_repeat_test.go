package storage

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestCrashesRepeat: a seed changes the same files in the same order each time, or a failure could not be looked into.
func TestCrashesRepeat(t *testing.T) {
	first, count := seedRange(t, 20)
	for seed := first; seed < first+count; seed++ {
		a, b := changesOf(t, seed), changesOf(t, seed)
		for n := range min(len(a), len(b)) {
			if a[n].op != b[n].op || a[n].name != b[n].name {
				t.Fatalf("seed %d: change %d is %s of %s, and then %s of %s", seed, n, a[n].op, a[n].name, b[n].op, b[n].name)
			}
		}
		if len(a) != len(b) {
			t.Fatalf("seed %d: %d changes, and then %d", seed, len(a), len(b))
		}
	}
}

// changesOf are the changes that a seed makes where no call fails and no tick comes beside a commit: else the journal's goroutines
// choose.
func changesOf(t *testing.T, seed uint64) (changes []call) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, seed)
		defer m.giveUp()
		m.draw.faults, m.draw.policy = false, journal.FlushAcks
		var lives []*recorder
		m.wrap = func(fsys vfs.FS) vfs.FS {
			lives = append(lives, &recorder{FS: fsys})
			return lives[len(lives)-1]
		}
		m.lives(5)
		for _, r := range lives {
			changes = append(changes, slices.DeleteFunc(r.noted(), func(c call) bool { return c.err != nil })...)
		}
	})
	return changes
}
