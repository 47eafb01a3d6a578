//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	certsdev "github.com/chronik-stream/chronik/certs-dev"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestCertificatesAreReloaded replaces the server's certificate under a running broker: who connects then sees the new one, and
// who was connected before goes on over the old connection.
func TestCertificatesAreReloaded(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, "CHRONIK_TLS_RELOAD_INTERVAL_MS=100")
	createTopic(t, b, "reloaded", 1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	hook := &connections{}
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.WithHooks(hook))...)
	produce := func(value string) {
		t.Helper()
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: "reloaded", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
	}
	produce("before")
	before, old := hook.opened.Load(), serial(t, b)

	if _, err := certsdev.Ensure(b.Dir, certsdev.Options{Hosts: []string{"another.example"}}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the new certificate", func() bool { return serial(t, b) != old })
	produce("after")
	if after := hook.opened.Load(); after != before {
		t.Errorf("the client had to connect %d more times", after-before)
	}
	contains(t, admin(t, b, topicCommand, "--list"), "reloaded")
}

func serial(t *testing.T, b *harness.Broker) string {
	t.Helper()
	config := clientTLS(t, b, false)
	config.ServerName = "localhost"
	conn, err := tls.Dial("tcp", b.SASL, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// connections counts what a franz-go client opens.
type connections struct {
	opened atomic.Int64
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (c *connections) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		c.opened.Add(1)
	}
}
