package guard

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestNoMessageIsKept: who sends his guesses in long messages takes no more memory than by short ones.
func TestNoMessageIsKept(t *testing.T) {
	const guesses, padding, most = 1000, 64 << 10, 16 << 20
	r := newRig(t, locking(User))
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := held()
	for n := range guesses {
		name, _, _ := strings.Cut(fmt.Sprint("guess ", n, ",", strings.Repeat("x", padding)), ",")
		r.unasked(name, there)
	}
	if grown := held(); grown > before+most {
		t.Errorf("%d guesses hold %d bytes", guesses, grown-before)
	}
	runtime.KeepAlive(r)
}
