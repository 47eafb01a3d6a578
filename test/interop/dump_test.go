//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestDumpLogSegmentsReadsEveryFile stops a broker that has rolled segments, committed offsets and idempotent producers, and
// lets Apache Kafka's own tool look at every log, index and snapshot that it left.
func TestDumpLogSegmentsReadsEveryFile(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	admin(t, b, topicCommand, "--create", "--topic", "dumped", "--partitions", "1", "--config", "segment.bytes=1048576", "--config", "index.interval.bytes=1024")
	tools.Must(t, producerPerf, "--topic", "dumped", "--num-records", "5000", "--record-size", "1024", "--throughput", "-1",
		"--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--command-property", "acks=all")
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "dumped", "100", "dumpers")
	b.Stop(t)

	kinds := map[string]int{}
	for _, suffix := range []string{"log", "index", "timeindex", "snapshot"} {
		files, err := filepath.Glob(filepath.Join(b.Dir, "data", "dumped-0", "*."+suffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			kinds[suffix]++
			args := []string{"--files", file, "--deep-iteration"}
			if strings.HasSuffix(suffix, "index") {
				args = []string{"--files", file, "--index-sanity-check"}
			}
			wholesome(t, dumped(t, args...))
			if suffix == "index" || suffix == "timeindex" {
				wholesome(t, dumped(t, "--files", file, "--verify-index-only"))
			}
		}
	}
	if kinds["log"] < 4 || kinds["index"] < 4 || kinds["timeindex"] < 4 || kinds["snapshot"] == 0 {
		t.Errorf("too few files were looked at: %v", kinds)
	}
	offsets, err := filepath.Glob(filepath.Join(b.Dir, "data", "__consumer_offsets-*", "*.log"))
	if err != nil || len(offsets) == 0 {
		t.Fatalf("no offsets partitions: %v", err)
	}
	decoded := ""
	for _, file := range offsets {
		decoded += dumped(t, "--files", file, "--offsets-decoder")
	}
	contains(t, decoded, "dumpers", fmt.Sprintf("%q", "dumped"))
}

// dumped is what DumpLogSegments prints: contents to standard output, mismatches to standard error.
func dumped(t *testing.T, args ...string) string {
	t.Helper()
	out := tools.Run(t, dumpLog, args...)
	if out.Exit != 0 {
		t.Fatalf("DumpLogSegments %s: exit %d\n%s\n%s", strings.Join(args, " "), out.Exit, out.Out, out.Err)
	}
	return out.Out + out.Err
}

// gap is how the tool reports offsets that do not follow each other. "-1 is followed by" is its greeting to every file that does not
// begin at offset 0, of Apache Kafka too.
var gap = regexp.MustCompile(`(?m)^ +[0-9]+ is followed by [0-9]+`)

// wholesome looks for what the tool says of files that are wrong.
func wholesome(t *testing.T, out string) {
	t.Helper()
	sound(t, out)
	if found := gap.FindString(out); found != "" {
		t.Errorf("a gap in the offsets: %s", found)
	}
}

// sound is wholesome for files that may have gaps in their offsets, as compaction leaves them.
func sound(t *testing.T, out string) {
	t.Helper()
	for _, bad := range []string{
		"isvalid: false", "Mismatches in", "timestamp mismatch", "out of order", "are not found in", "invalid bytes", "Corrupt", "Exception",
	} {
		if at := strings.Index(out, bad); at >= 0 {
			t.Errorf("%s in:\n%s", bad, out[max(at-500, 0):min(at+1000, len(out))])
		}
	}
}
