//go:build interop

package interop

import (
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// quotaRate is what clients may write or read, in bytes per second: little for them, and many requests.
const quotaRate = 1 << 20

const (
	// quotaSpan is the shortest time between two moments that are compared, quotaSpans how many of these spans there are.
	quotaSpan  = 2 * time.Second
	quotaSpans = 11
	// quotaError is how far from the quota clients may be kept.
	quotaError = 0.08
)

// TestClientsAreThrottledToTheirRate measures the bytes of clients that go as fast as they can, each at a broker of its own. Two samples are
// looked over, so that the burst at the beginning is soon paid for. They run beside each other and no other test, which would take the
// processors away.
func TestClientsAreThrottledToTheirRate(t *testing.T) {
	for name, throttled := range map[string]func(*testing.T, *harness.Broker){
		"Java producer": javaProducerAtQuota, "Java consumer": javaConsumerAtQuota,
		"franz-go producer": franzProducerAtQuota, "franz-go consumer": franzConsumerAtQuota,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := harness.Start(t, "CHRONIK_QUOTA_WINDOW_NUM=2")
			createTopic(t, b, "throttled", 1)
			admin(t, b, configCommand, "--alter", "--entity-type", "clients", "--entity-name", throttledClient,
				"--add-config", fmt.Sprintf("producer_byte_rate=%[1]d,consumer_byte_rate=%[1]d", quotaRate))
			throttled(t, b)
		})
	}
}

// throttledClient is the client id that has a quota.
const throttledClient = "throttled"

func javaProducerAtQuota(t *testing.T, b *harness.Broker) {
	startPerf(t, b, producerPerf, "--num-records", "1000000000", "--record-size", "1000", "--throughput", "-1")
	atQuota(t, b, "Produce", "chronik_received_bytes_total")
}

func javaConsumerAtQuota(t *testing.T, b *harness.Broker) {
	fillThrottled(t, b)
	startPerf(t, b, consumerPerf, "--num-records", "1000000000", "--timeout", "600000", "--fetch-size", "65536")
	atQuota(t, b, "Fetch", "chronik_sent_bytes_total")
}

func franzProducerAtQuota(t *testing.T, b *harness.Broker) {
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ClientID(throttledClient), kgo.DefaultProduceTopic("throttled"),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(64<<10), kgo.MaxBufferedRecords(1000))...)
	untilEnd(t, func(ctx context.Context) {
		client.Produce(ctx, kgo.SliceRecord(make([]byte, 1000)), nil)
	})
	atQuota(t, b, "Produce", "chronik_received_bytes_total")
}

func franzConsumerAtQuota(t *testing.T, b *harness.Broker) {
	fillThrottled(t, b)
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ClientID(throttledClient), kgo.ConsumeTopics("throttled"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxPartitionBytes(64<<10))...)
	untilEnd(t, func(ctx context.Context) { client.PollFetches(ctx) })
	atQuota(t, b, "Fetch", "chronik_sent_bytes_total")
}

// fillThrottled writes more than a consumer may read while it is measured, by a client without a quota.
func fillThrottled(t *testing.T, b *harness.Broker) {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.DefaultProduceTopic("throttled"),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(16<<10))...)
	records := make([]*kgo.Record, 60_000)
	for i := range records {
		records[i] = kgo.SliceRecord(make([]byte, 1000))
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	client.Close()
}

// TestChangesAndConnectionsAreThrottled has a user who creates partitions faster than he may (KIP-599) and an address that connects faster
// than it may (KIP-612). Both go on when there is room again: Java's tools wait and try again.
func TestChangesAndConnectionsAreThrottled(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_CONTROLLER_QUOTA_WINDOW_NUM=2", "CHRONIK_QUOTA_WINDOW_NUM=2")
	user, _ := b.Admin(t)
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", user, "--add-config", "controller_mutation_rate=1")
	createTopic(t, b, "large", 6)
	out := tools.Run(t, topicCommand, adminArgs(b, []string{"--create", "--topic", "refused", "--partitions", "6"})...)
	if out.Exit == 0 || !strings.Contains(out.Out+out.Err, "The throttling quota has been exceeded.") {
		t.Errorf("partitions on top of others: exit %d\n%s%s", out.Exit, out.Out, out.Err)
	}
	waitFor(t, "the quota to have room again", func() bool {
		return tools.Run(t, topicCommand, adminArgs(b, []string{"--delete", "--topic", "large"})...).Exit == 0
	})
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", user, "--delete-config", "controller_mutation_rate")

	admin(t, b, configCommand, "--alter", "--entity-type", "ips", "--entity-default", "--add-config", "connection_creation_rate=1")
	turnedAway := `chronik_connections_turned_away_total{limit="connection_creation_rate"`
	for range 20 {
		conn, err := net.Dial("tcp", b.SASL)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "connections to be turned away", func() bool { return strings.Contains(scrape(t, b), turnedAway) })
	admin(t, b, configCommand, "--alter", "--entity-type", "ips", "--entity-default", "--delete-config", "connection_creation_rate")
}

// startPerf runs one of the performance tools until the test ends.
func startPerf(t *testing.T, b *harness.Broker, main string, args ...string) {
	t.Helper()
	args = append([]string{
		"--topic", "throttled", "--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(),
		"--command-property", "client.id=" + throttledClient,
	}, args...)
	harness.StartProcess(t, func([]byte) {}, "java", harness.JavaArgs(t, []string{"-Xmx128m"}, main, args...)...)
}

// untilEnd calls a function again and again until the test ends.
func untilEnd(t *testing.T, f func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			f(ctx)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// atQuota compares the bytes on the wire of the one client that there is with its quota, from one moment at which it is held back to another:
// at these it has taken all that it may. The middle one of many such spans counts, so that a busy machine that keeps the client from running
// for a while, or lets it catch up, neither makes it pass nor fail.
func atQuota(t *testing.T, b *harness.Broker, quota, bytes string) {
	t.Helper()
	throttled := fmt.Sprintf("chronik_quota_throttled_total{quota=%q}", quota)
	heldBack := func() (at time.Time, sent float64) {
		before := metric(t, b, throttled)
		waitFor(t, "a client to be throttled", func() bool { return metric(t, b, throttled) > before })
		return time.Now(), metric(t, b, bytes)
	}
	began, first := heldBack()
	var ratios []float64
	for len(ratios) < quotaSpans+1 {
		<-time.After(quotaSpan)
		at, sent := heldBack()
		ratios = append(ratios, (sent-first)/at.Sub(began).Seconds()/quotaRate)
		began, first = at, sent
	}
	ratios = ratios[1:] // in the first one the burst at the beginning is paid for
	slices.Sort(ratios)
	t.Logf("of the quota: %.2f", ratios)
	if middle := ratios[len(ratios)/2]; math.Abs(middle-1) > quotaError {
		t.Errorf("the client has %.1f %% of its quota", 100*middle)
	}
}
