//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/test/harness"
)

// renewing is a broker whose sessions last seconds, with clients that go on for longer. Each client has a mechanism of its own, by
// which the metrics tell them apart.
type renewing struct {
	*harness.Broker
	mu       sync.Mutex
	sent     map[string]int
	failures []string
}

// TestReauthentication lets every client that re-authenticates (KIP-368) produce over several sessions: all of them stay on their
// connections, and no record fails.
func TestReauthentication(t *testing.T) {
	t.Parallel()
	r := &renewing{sent: map[string]int{}, Broker: harness.Start(t,
		"CHRONIK_CONNECTIONS_MAX_REAUTH_MS=3000", "CHRONIK_SASL_ENABLED_MECHANISMS=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
		"CHRONIK_LISTENER_NAME_SASL_SSL_SCRAM_SHA_256_CONNECTIONS_MAX_REAUTH_MS=4000")}
	createTopic(t, r.Broker, "renewed", 1)
	user, password := r.Admin(t)
	stop := map[string]func(){"PLAIN": r.java(t, user, password), "SCRAM-SHA-512": r.librdkafka(t, user, password), "SCRAM-SHA-256": r.franz(t, user, password)}
	renewals := func(mechanism string) int {
		return int(seriesOrZero(t, r.Broker, fmt.Sprintf(`chronik_reauthentications_total{listener="SASL_SSL",method="%s"}`, mechanism)))
	}
	r.await(t, stop, renewals, 1)
	const connections = `chronik_connections_accepted_total{listener="SASL_SSL"}`
	accepted := metric(t, r.Broker, connections)
	r.await(t, stop, renewals, 3)
	if now := metric(t, r.Broker, connections); now != accepted {
		t.Errorf("clients made %v connections while they re-authenticated", now-accepted)
	}
	metrics := scrape(t, r.Broker)
	for _, none := range []string{"chronik_expired_connections_killed_total{", "chronik_failed_reauthentications_total{", "chronik_sessions_not_renewable_total{"} {
		if strings.Contains(metrics, none) {
			t.Errorf("the metrics have %s", none)
		}
	}
	r.end(t, stop)
}

// end stops the clients and tells what failed of what they sent.
func (r *renewing) end(t *testing.T, stop map[string]func()) {
	t.Helper()
	for _, s := range stop {
		s()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	reportFailures(t, "a client", r.failures)
}

// await waits until every client has renewed a session so many times, and sent after that.
func (r *renewing) await(t *testing.T, clients map[string]func(), renewals func(client string) int, times int) {
	t.Helper()
	before := map[string]int{}
	waitSeeing(t, fmt.Sprintf("every client to renew its session %d times", times), func() (string, bool) {
		state, renewed := map[string]int{}, true
		for client := range clients {
			state[client] = renewals(client)
			sent := r.count(client)
			if _, seen := before[client]; state[client] >= times && !seen {
				before[client] = sent
			}
			was, seen := before[client]
			renewed = renewed && seen && sent != was
		}
		return fmt.Sprint(state), renewed
	})
}

func (r *renewing) count(client string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent[client]
}

// tell counts what a client has sent.
func (r *renewing) tell(client string, failure error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if failure != nil {
		r.failures = append(r.failures, fmt.Sprintf("%s: %v", client, failure))
		return
	}
	r.sent[client]++
}

// line takes the events of a producer that runs as a process.
func (r *renewing) line(client string) func([]byte) {
	return func(line []byte) {
		var e event
		switch {
		case json.Unmarshal(line, &e) != nil:
		case e.Name == "producer_send_success":
			r.tell(client, nil)
		case e.Name == "producer_send_error":
			r.tell(client, fmt.Errorf("%s %s", e.Exception, e.Message))
		}
	}
}

// java starts VerifiableProducer, which sends each record once: a connection that is lost is a failure.
func (r *renewing) java(t *testing.T, user, password string) (stop func()) {
	t.Helper()
	config, err := os.ReadFile(r.Properties(t, "PLAIN", user, password))
	if err != nil {
		t.Fatal(err)
	}
	p := r.verifiable(t, "PLAIN", r.Bootstrap(), string(config))
	return func() { p.Stop(t) }
}

// verifiable starts a VerifiableProducer.
func (r *renewing) verifiable(t *testing.T, client, bootstrap, config string, options ...string) *harness.Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "producer.properties")
	if err := os.WriteFile(file, []byte(config+"retries=0\nenable.idempotence=false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return harness.StartProcess(t, r.line(client), "java", harness.JavaArgs(t, append(options, "-Xmx128m"), "org.apache.kafka.tools.VerifiableProducer",
		"--bootstrap-server", bootstrap, "--topic", "renewed", "--throughput", "20", "--command-config", file)...)
}

func (r *renewing) librdkafka(t *testing.T, user, password string) (stop func()) {
	t.Helper()
	p := harness.StartPython(t, r.line("SCRAM-SHA-512"), "load_confluent.py", "produce", r.Bootstrap(), r.CA(), user, password, "renewed", "librdkafka")
	return func() { p.Stop(t) }
}

// franz produces without retries, as franz-go counts them: a request that fails is told.
func (r *renewing) franz(t *testing.T, user, password string) (stop func()) {
	t.Helper()
	return r.franzAs(t, "SCRAM-SHA-256", kgo.SeedBrokers(r.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, r.Broker, false)),
		kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
}

func (r *renewing) franzAs(t *testing.T, client string, opts ...kgo.Opt) (stop func()) {
	t.Helper()
	c := franzClient(t, append(opts, kgo.DisableIdempotentWrite(), kgo.RecordRetries(0))...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			err := c.ProduceSync(ctx, &kgo.Record{Topic: "renewed", Value: []byte("franz-go")}).FirstErr()
			if ctx.Err() != nil {
				return // it was told to stop
			}
			r.tell(client, err)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// grep is the lines that hold a text.
func grep(text, part string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			out.WriteString(line)
		}
	}
	return out.String()
}
