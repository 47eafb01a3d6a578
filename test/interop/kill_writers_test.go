//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// killKeys is how many keys the compacted topic has.
const killKeys = 50

// javaWriter is the name of the Java writer: VerifiableProducer takes numbers only.
const javaWriter = "4"

// startWriters starts the load: idempotent producers of four libraries that go on over all kills. The functions end them, and return
// when the last of their records is acknowledged.
func startWriters(t *testing.T, b *harness.Broker, l *account) []func() {
	t.Helper()
	user, password := b.Admin(t)
	common := []string{b.Bootstrap(), b.CA(), user, password, killPlain + "," + killZstd}
	padding := "." + strings.Repeat("franz-go ", 25)
	large := "." + strings.Repeat("0123456789abcdef", 300<<10/16) // more than what goes through the journal
	return []func(){
		startFranzWriter(t, b, l, "franz-plain", 2*time.Millisecond, func(i int) *kgo.Record {
			return &kgo.Record{Topic: killPlain, Value: stamped("franz-plain", i, padding)}
		}),
		startFranzWriter(t, b, l, "franz-zstd", 2*time.Millisecond, func(i int) *kgo.Record { return &kgo.Record{Topic: killZstd, Value: stamped("franz-zstd", i, padding)} }),
		startFranzWriter(t, b, l, "franz-large", 100*time.Millisecond, func(i int) *kgo.Record { return &kgo.Record{Topic: killLarge, Value: stamped("franz-large", i, large)} }),
		startFranzWriter(t, b, l, "franz-keyed", time.Millisecond/2, func(i int) *kgo.Record {
			return &kgo.Record{Topic: killCompacted, Key: fmt.Appendf(nil, "key-%d", i%killKeys), Value: stamped("franz-keyed", i, padding)}
		}),
		startProcessWriter(t, l, "confluent", func(line func([]byte)) *harness.Process {
			return harness.StartPython(t, line, "load_confluent.py", append(append([]string{"produce"}, common...), "confluent")...)
		}),
		startProcessWriter(t, l, "kafkapython", func(line func([]byte)) *harness.Process {
			return harness.StartPython(t, line, "load_kafka_python.py", append(common, "kafkapython")...)
		}),
		startProcessWriter(t, l, javaWriter, func(line func([]byte)) *harness.Process { return startJava(t, b, line) }),
	}
}

func stamped(writer string, i int, padding string) []byte {
	return fmt.Appendf(nil, "%s.%d%s", writer, i, padding)
}

func startFranzWriter(t *testing.T, b *harness.Broker, l *account, name string, every time.Duration, record func(i int) *kgo.Record) func() {
	t.Helper()
	l.expect(name)
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ProducerLinger(time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 100 * time.Millisecond }))...)
	ctx, cancel := context.WithCancel(context.Background())
	acknowledge := func(r *kgo.Record, err error) {
		if err != nil {
			l.fail(fmt.Sprintf("%s: %v", name, err))
			return
		}
		l.acknowledge(place{r.Topic, r.Partition}, r.Offset, r.Value)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				client.Produce(context.Background(), record(i), acknowledge)
			}
		}
	})
	return func() {
		t.Helper()
		cancel()
		writer.Wait()
		flushed, done := context.WithTimeout(context.Background(), time.Minute)
		defer done()
		if err := client.Flush(flushed); err != nil {
			t.Errorf("flush %s: %v", name, err)
		}
		client.Close()
	}
}

func startProcessWriter(t *testing.T, l *account, name string, start func(line func([]byte)) *harness.Process) func() {
	t.Helper()
	l.expect(name)
	var stopping atomic.Bool
	p := start(l.listen(stopping.Load))
	return func() {
		t.Helper()
		stopping.Store(true)
		p.Stop(t)
	}
}

// startJava starts Apache Kafka's VerifiableProducer, which tries once unless it is told otherwise.
func startJava(t *testing.T, b *harness.Broker, line func([]byte)) *harness.Process {
	t.Helper()
	config, err := os.ReadFile(b.ClientProperties())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "producer.properties")
	config = append(config, "\nretries=2147483647\ndelivery.timeout.ms=600000\nmax.block.ms=600000\nenable.idempotence=true\nreconnect.backoff.max.ms=200\n"...)
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	return harness.StartProcess(t, line, "java", harness.JavaArgs(t, []string{"-Xmx128m"}, "org.apache.kafka.tools.VerifiableProducer",
		"--bootstrap-server", b.Bootstrap(), "--topic", killPlain, "--throughput", "500", "--command-config", file, "--value-prefix", javaWriter)...)
}
