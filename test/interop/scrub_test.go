//go:build interop

package interop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestDamageAtRestIsTold flips a bit of a segment below a running broker, one that no batch's own checksum covers. The scrubber
// counts it once, consumers of that segment are refused and those of others are not, and chronik log verify names the file.
func TestDamageAtRestIsTold(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_SCRUB_INTERVAL_MS=100", "CHRONIK_LOG_FLUSH_OFFSET_CHECKPOINT_INTERVAL_MS=200")
	for _, topic := range []string{"damaged", "whole"} {
		admin(t, b, topicCommand, "--create", "--topic", topic, "--partitions", "1", "--config", "segment.bytes=1048576")
		tools.Must(t, producerPerf, "--topic", topic, "--num-records", "3000", "--record-size", "1024", "--throughput", "-1",
			"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--command-property", "acks=all")
	}
	scrubbed := func() float64 { return metric(t, b, "chronik_scrub_segments_total") }
	waitFor(t, "a round of the scrubber", func() bool { return scrubbed() >= 4 })
	contains(t, scrape(t, b), "chronik_log_damaged_total 0\n", "chronik_log_uncovered_files_total 0\n")

	file := filepath.Join(b.Dir, "data", "damaged-0", "00000000000000000000.log")
	flip(t, file, 15) // of the first batch's leader epoch
	waitFor(t, "the damage to be counted", func() bool { return metric(t, b, "chronik_log_damaged_total") >= 1 })
	before := scrubbed()
	waitFor(t, "more rounds", func() bool { return scrubbed() > before+8 })
	if n := metric(t, b, "chronik_log_damaged_total"); n != 1 {
		t.Errorf("one segment is damaged, %v are counted", n)
	}
	contains(t, scrape(t, b), "chronik_offline_log_directories 0\n")
	logged(t, b, "level=ERROR", "damaged-0/00000000000000000000.log")

	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "whole", "3000", "whole-readers")
	if err := fetchError(t, b, "damaged"); !errors.Is(err, kerr.KafkaStorageError) {
		t.Errorf("damaged records are read: %v", err)
	}

	b.Stop(t)
	verify := exec.Command(harness.Binary(t), "log", "verify", "--dir", filepath.Join(b.Dir, "data"))
	out, err := verify.CombinedOutput()
	if code := verify.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "damaged-0/00000000000000000000.log") {
		t.Errorf("exit code %d, %v:\n%s", code, err, out)
	}
}

// fetchError is what a consumer from the beginning of a partition gets first.
func fetchError(t *testing.T, b *harness.Broker, topic string) error {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.KeepRetryableFetchErrors(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return client.PollFetches(ctx).Err()
}

// metric is the value of a metric that has no labels.
func metric(t *testing.T, b *harness.Broker, name string) float64 {
	t.Helper()
	for line := range strings.Lines(scrape(t, b)) {
		if text, found := strings.CutPrefix(line, name+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// flip changes one bit of a file.
func flip(t *testing.T, file string, at int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil {
		t.Fatal(err)
	}
	one[0] ^= 1
	if _, err := f.WriteAt(one[:], at); err != nil {
		t.Fatal(err)
	}
}
