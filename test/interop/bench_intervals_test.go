//go:build interop && bench

package interop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// resamples is how often a series is drawn anew for its interval.
const resamples = 2_000

// interval is the median of ratios that were measured one after the other, and where the true one is with a probability of 95 %: between the
// outer fortieths of the medians of series that are drawn from the measured one, with repetition (percentile bootstrap).
type interval struct{ median, low, high float64 }

// beside is the interval of the ratios of two series that were measured in turn.
func beside(xs, base []float64) interval {
	ratios := make([]float64, len(xs))
	for i := range ratios {
		ratios[i] = xs[i] / base[i]
	}
	return intervalOf(ratios)
}

func intervalOf(ratios []float64) interval {
	draw := rand.New(rand.NewPCG(1, uint64(len(ratios))))
	medians, drawn := make([]float64, resamples), make([]float64, len(ratios))
	for i := range medians {
		for j := range drawn {
			drawn[j] = ratios[draw.IntN(len(ratios))]
		}
		medians[i] = median(drawn)
	}
	slices.Sort(medians)
	return interval{median(ratios), medians[resamples/40], medians[resamples-1-resamples/40]}
}

// String tells by how much per cent more or less it is.
func (i interval) String() string {
	more := func(ratio float64) float64 { return (ratio - 1) * 100 }
	return fmt.Sprintf("%+.2f %% (%+.2f to %+.2f)", more(i.median), more(i.low), more(i.high))
}

// processorTime is what the broker has taken of the processors so far, in nanoseconds: the sum over its threads, none of which ends before it.
func processorTime(t *testing.T, b *harness.Broker) float64 {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", b.PID()))
	if err != nil || len(threads) == 0 {
		t.Fatalf("no threads of the broker's process: %v", err)
	}
	sum := 0.0
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ran, _, _ := strings.Cut(string(text), " ")
		nanos, err := strconv.ParseFloat(ran, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sum += nanos
	}
	return sum
}

// onOneProcessor binds all threads of a process to a processor until the test ends.
func onOneProcessor(t *testing.T, pid, processor int) {
	t.Helper()
	bind := func(to string) error {
		out, err := exec.Command("taskset", "-a", "-p", "-c", to, strconv.Itoa(pid)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("bind process %d to processor %s: %w: %s", pid, to, err, out)
		}
		return nil
	}
	if err := bind(strconv.Itoa(processor)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if pid != os.Getpid() {
			return // it ends with the test
		}
		if err := bind(fmt.Sprintf("0-%d", runtime.NumCPU()-1)); err != nil {
			t.Error(err)
		}
	})
}
