//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

const dumpLog = "org.apache.kafka.tools.DumpLogSegments"

// TestCompression writes with each codec from the Java client and from librdkafka, asks Apache Kafka's DumpLogSegments what is
// stored, and reads the bytes back with every other client.
func TestCompression(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	user, password := b.Admin(t)
	const n = 40
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			topic := "compressed-" + codec
			createTopic(t, b, topic, 1)
			tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), topic, fmt.Sprint(n), "java",
				"compression.type="+codec, "linger.ms=50")
			harness.Python(t, "confluent.py", "produce", b.Bootstrap(), b.CA(), "SCRAM-SHA-512", user, password, topic, fmt.Sprint(n),
				"confluent", "compression.type="+codec, "linger.ms=50", "enable.idempotence=true")
			want := slices.Concat(values("java", n), values("confluent", n))
			storedCodec(t, b, topic, codec, len(want))
			for name, read := range saslReaders(t, b, "SCRAM-SHA-512") {
				if got := read(t, topic, len(want)); !slices.Equal(got, want) {
					t.Errorf("%s read %q\nwant %q", name, got, want)
				}
			}
		})
	}
}

// storedCodec checks by DumpLogSegments that every batch is valid and that the records are stored with the codec: librdkafka
// sends a batch plain when compressing it does not make it smaller, so one batch with the codec per client is asked for.
func storedCodec(t *testing.T, b *harness.Broker, topic, codec string, records int) {
	t.Helper()
	file := filepath.Join(b.Dir, "data", topic+"-0", "00000000000000000000.log")
	out := dumped(t, "--deep-iteration", "--files", file)
	wholesome(t, out)
	batches, withCodec, seen := 0, 0, 0
	for line := range strings.Lines(out) {
		switch {
		case strings.HasPrefix(line, "baseOffset:"):
			batches++
			if strings.Contains(line, "compresscodec: "+codec) {
				withCodec++
			}
			if !strings.Contains(line, "isvalid: true") {
				t.Errorf("invalid batch: %s", line)
			}
		case strings.HasPrefix(line, "| offset:"):
			seen++
		}
	}
	if withCodec != batches || seen != records {
		t.Errorf("%d of %d batches are stored with %s, %d of %d records:\n%s", withCodec, batches, codec, seen, records, out)
	}
}
