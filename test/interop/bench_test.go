//go:build interop && bench

package interop

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	benchRecords = 500000
	benchRounds  = 5
)

// target is one broker under load.
type target struct {
	name, bootstrap string
	produce         []float64 // MB/s
	consume         []float64 // MB/s
	p99             []float64 // ms
}

// TestBenchBesideKafka runs Apache Kafka's perf tools against this broker and against Apache Kafka in turn: 1 KiB records,
// acks=all, SASL_SSL with SCRAM-SHA-512. It asserts nothing about speed: it prints the figures and the ratios.
func TestBenchBesideKafka(t *testing.T) {
	durable := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	cached := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0", "CHRONIK_FLUSH_POLICY=os")
	kafka := harness.StartKafka(t, durable)
	targets := []*target{
		{name: "chronik (acks: fsync before ack)", bootstrap: durable.Bootstrap()},
		{name: "chronik (os: page cache, as Kafka)", bootstrap: cached.Bootstrap()},
		{name: "Apache Kafka 4.3.1", bootstrap: kafka.Bootstrap()},
	}
	files := []string{durable.ClientProperties(), cached.ClientProperties(), durable.ClientProperties()}
	for round := range benchRounds + 1 {
		for i, target := range targets {
			topic := fmt.Sprintf("bench-%d", round)
			tools.Must(t, topicCommand, "--bootstrap-server", target.bootstrap, "--command-config", files[i], "--create", "--topic", topic, "--partitions", "3")
			out := tools.Must(t, producerPerf, "--topic", topic, "--num-records", fmt.Sprint(benchRecords), "--record-size", "1024",
				"--throughput", "-1", "--bootstrap-server", target.bootstrap, "--command-config", files[i], "--command-property", "acks=all")
			produced, p99 := producerFigures(t, out)
			consumed := consumerFigure(t, tools.Must(t, consumerPerf, "--topic", topic, "--num-records", fmt.Sprint(benchRecords),
				"--bootstrap-server", target.bootstrap, "--command-config", files[i], "--timeout", "60000", "--hide-header"))
			if round == 0 {
				continue // warms up the tools' JVM and the brokers
			}
			target.produce = append(target.produce, produced)
			target.p99 = append(target.p99, p99)
			target.consume = append(target.consume, consumed)
		}
	}
	report(t, targets)
}

func report(t *testing.T, targets []*target) {
	t.Helper()
	base := targets[len(targets)-1]
	for _, x := range targets {
		t.Logf("%-36s produce %6.1f MB/s (x%.2f)  p99 %6.0f ms (x%.2f)  consume %6.1f MB/s (x%.2f)", x.name,
			median(x.produce), median(x.produce)/median(base.produce), median(x.p99), median(x.p99)/median(base.p99),
			median(x.consume), median(x.consume)/median(base.consume))
	}
}

var (
	producerLine = regexp.MustCompile(`\(([0-9.]+) MB/sec\).* ([0-9]+) ms 99th`)
	spaces       = regexp.MustCompile(`\s*,\s*`)
)

func producerFigures(t *testing.T, out string) (mbPerSecond, p99 float64) {
	t.Helper()
	all := producerLine.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		t.Fatalf("no summary in:\n%s", out)
	}
	last := all[len(all)-1]
	return number(t, last[1]), number(t, last[2])
}

// consumerFigure is the ninth column, fetch.MB.sec: without the time that joining the group took.
func consumerFigure(t *testing.T, out string) float64 {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	columns := spaces.Split(lines[len(lines)-1], -1)
	if len(columns) < 9 {
		t.Fatalf("no figures in:\n%s", out)
	}
	return number(t, columns[8])
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func median(xs []float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	return sorted[len(sorted)/2]
}
