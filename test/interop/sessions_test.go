//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/test/harness"
)

// TestLiveSessions looks at what a broker tells of the clients that are connected to it, and has chronik doctor look at the same broker.
func TestLiveSessions(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	byPassword := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.SoftwareNameAndVersion("a-go-client", "v1"))...)
	byCertificate := franzClient(t, kgo.SeedBrokers(b.TLS), kgo.DialTLSConfig(clientTLS(t, b, true)))
	for _, c := range []*kgo.Client{byPassword, byCertificate} {
		if err := c.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	kcat := exec.CommandContext(ctx, "kcat", "-F", filepath.Join(b.Dir, "kcat.conf"), "-P", "-t", "sessions")
	input, err := kcat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := kcat.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = kcat.Wait()
	})
	of := func(software, mechanism string) *broker.Session {
		all := liveSessions(t, b)
		for i := range all {
			if s := &all[i]; strings.Contains(s.SoftwareName, software) && s.Mechanism == mechanism {
				return s
			}
		}
		return nil
	}
	waitFor(t, "kcat's session", func() bool { return of("librdkafka", "SCRAM-SHA-512") != nil })
	s := of("a-go-client", "SCRAM-SHA-512")
	if s == nil || s.TLS == nil || s.TLS.Group != "X25519MLKEM768" || !s.TLS.PostQuantum || s.Principal != "User:admin" || s.ScramIterations != 4096 || s.SoftwareVersion != "v1" {
		t.Errorf("the Go client's session is %+v", s)
	}
	if s := of("kgo", "mTLS"); s == nil || s.Certificate == nil || s.Certificate.Subject != "CN=chronik-client" || !s.Expires.Equal(s.Certificate.NotAfter) {
		t.Errorf("the session by certificate is %+v", s)
	}
	if s := of("librdkafka", "SCRAM-SHA-512"); s.TLS == nil || s.TLS.Version != "TLSv1.3" || s.TLS.Suite == "" {
		t.Errorf("kcat's session is %+v", s)
	}
	metrics := scrape(t, b)
	contains(t, metrics, `chronik_sessions{group="X25519MLKEM768",listener="SSL",mechanism="mTLS",post_quantum="true",tls_version="TLSv1.3"} 1`,
		`chronik_tls_handshakes_total{group="X25519MLKEM768",listener="SSL",version="TLSv1.3"}`)

	doctor := exec.CommandContext(ctx, harness.Binary(t), "doctor", "--url", "http://"+b.HTTP)
	out, err := doctor.CombinedOutput()
	if doctor.ProcessState.ExitCode() != 1 {
		t.Errorf("chronik doctor: %v", err)
	}
	contains(t, string(out), "development-certificate: listener SASL_SSL", "scram-iterations: user admin")
}

func liveSessions(t *testing.T, b *harness.Broker) []broker.Session {
	t.Helper()
	var all broker.Sessions
	if err := json.Unmarshal([]byte(httpGet(t, b, broker.SessionsPath)), &all); err != nil {
		t.Fatal(err)
	}
	return all.Sessions
}
