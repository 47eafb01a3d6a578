//go:build interop

package interop

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	waitedTopic = "waited-for"
	// longWait is how long the clients of these tests have the broker wait for records: no test waits for as long.
	longWait = 10 * time.Minute
	// leastFetch is what a fetch that waits holds of the broker's memory at least, in bytes.
	leastFetch = 40
)

// waitingConsumer is a real client whose fetch waits: it has printed the one record that there was.
type waitingConsumer struct {
	*harness.Process
	lines chan string
}

// startWaiting starts a client by a function that hands over its lines, and returns when its fetch waits. Other requests that wait hold so
// many bytes.
func startWaiting(t *testing.T, b *harness.Broker, held int, start func(line func([]byte)) *harness.Process) *waitingConsumer {
	t.Helper()
	c := &waitingConsumer{lines: make(chan string, 16)}
	c.Process = start(func(line []byte) { c.lines <- string(line) })
	select {
	case line := <-c.lines:
		if line != "before-0" {
			t.Fatalf("a client printed %q\n%s", line, c.Errors())
		}
	case <-time.After(time.Minute):
		t.Fatalf("a client has read nothing:\n%s", c.Errors())
	}
	waits(t, b, held+leastFetch)
	return c
}

// waitingJava is Apache Kafka's console consumer of partition 0.
func waitingJava(t *testing.T, b *harness.Broker, held int, bootstrap, properties string) *waitingConsumer {
	t.Helper()
	classPath, err := harness.ClassPath(harness.Root(t))
	if err != nil {
		t.Fatal(err)
	}
	long := longWait.Milliseconds()
	return startWaiting(t, b, held, func(line func([]byte)) *harness.Process {
		return harness.StartProcess(t, line, "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classPath, consoleConsumer,
			"--bootstrap-server", bootstrap, "--command-config", properties, "--topic", waitedTopic, "--partition", "0", "--offset", "earliest",
			"--command-property", fmt.Sprintf("fetch.max.wait.ms=%d", long), "--command-property", fmt.Sprintf("request.timeout.ms=%d", 2*long))
	})
}

// waitingPython is kafka-python's consumer of partition 0.
func waitingPython(t *testing.T, b *harness.Broker, held int, user, password string) *waitingConsumer {
	t.Helper()
	return startWaiting(t, b, held, func(line func([]byte)) *harness.Process {
		return harness.StartPython(t, line, "waiting_kafka_python.py", b.Bootstrap(), b.CA(), user, password, waitedTopic, fmt.Sprint(longWait.Milliseconds()))
	})
}

// endsBy waits until the client says why it has ended, and fails where it has read anything more.
func (c *waitingConsumer) endsBy(t *testing.T, why string) {
	t.Helper()
	waitFor(t, why, func() bool { return strings.Contains(c.Errors(), why) })
	select {
	case line := <-c.lines:
		t.Errorf("it read %q, which came after the change", line)
	default:
	}
}

// waits waits until the requests that are being served hold so many bytes: those that wait do, for as long.
func waits(t *testing.T, b *harness.Broker, bytes int) {
	t.Helper()
	waitFor(t, "a request that waits", func() bool { return metric(t, b, "chronik_requests_in_flight_bytes") >= float64(bytes) })
}

// answer is that of a request that may wait.
type answer[R kmsg.Response] struct {
	response R
	err      error
}

// later sends a request over a line that nobody else uses meanwhile.
func later[R kmsg.Response](l *line, q kmsg.Request) <-chan answer[R] {
	done := make(chan answer[R], 1)
	go func() {
		response, err := ask[R](l, q)
		done <- answer[R]{response, err}
	}()
	return done
}

// now is an answer that comes without any wait.
func now[R kmsg.Response](t *testing.T, done <-chan answer[R]) (response R) {
	t.Helper()
	select {
	case got := <-done:
		if got.err != nil {
			t.Fatal(got.err)
		}
		return got.response
	case <-time.After(time.Minute):
		t.Fatal("a request waits on")
		return response
	}
}

// waitingFetch waits for records of the topic from an offset on, by its id.
func waitingFetch(id [16]byte, offset int64) *kmsg.FetchRequest {
	q := fetchOf(id)
	q.Version, q.SessionEpoch, q.MaxWaitMillis = 13, -1, int32(longWait.Milliseconds())
	q.Topics[0].Topic, q.Topics[0].Partitions[0].FetchOffset = "", offset
	return q
}

func dialAs(t *testing.T, b *harness.Broker, user, password string) *line {
	t.Helper()
	return dialAt(t, b, b.Bootstrap(), user, password)
}

// dialAt is a line to a broker that is like another.
func dialAt(t *testing.T, like *harness.Broker, bootstrap, user, password string) *line {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := doorOf(t, like, bootstrap, user, password).dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.conn.Close() })
	return l
}
