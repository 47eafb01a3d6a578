package simulation

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// seedRange is which seeds run: CHRONIK_SEEDS of them (as many as usual by itself) from CHRONIK_SEED on. CHRONIK_SEED alone is one seed:
// that of a failure.
func seedRange(t *testing.T, usual uint64) (first, count uint64) {
	t.Helper()
	value := func(name string) (n uint64, set bool) {
		text, set := os.LookupEnv(name)
		if !set {
			return 0, false
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n, true
	}
	count = usual
	if testing.Short() || raceDetector {
		count = usual / 10
	}
	first, one := value("CHRONIK_SEED")
	if one {
		count = 1
	}
	if n, set := value("CHRONIK_SEEDS"); set {
		count = n
	}
	return first, count
}

// forEachSeed runs a test once per seed, on all processors; of seeds that are asked for, one share of so many. It stops a worker at its first
// failure.
func forEachSeed(t *testing.T, usual, share uint64, run func(t *testing.T, seed uint64)) {
	t.Helper()
	first, count := seedRange(t, usual*share)
	count = (count + share - 1) / share
	t.Logf("%d seeds from %d on", count, first)
	workers := uint64(runtime.GOMAXPROCS(0))
	for worker := range workers {
		t.Run(fmt.Sprintf("worker %d", worker), func(t *testing.T) {
			t.Parallel()
			for i := worker; i < count && !t.Failed(); i += workers {
				if run(t, first+i); t.Failed() {
					t.Logf("CHRONIK_SEED=%d repeats this failure", first+i)
				}
			}
		})
	}
}
