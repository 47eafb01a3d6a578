//go:build interop

package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestKeytabRotation gives the broker a new key again and again while clients log in, by old tickets and by new ones: every log-in of
// a ticket that the KDC has given out is taken.
func TestKeytabRotation(t *testing.T) {
	t.Parallel()
	k := startKerberized(t, "CHRONIK_SASL_GSSAPI_RELOAD_INTERVAL_MS=600000")
	old := k.client(t, k.kdc.Conf())
	if got := say(t, dialTLS(t, k.Broker), apReq(t, old, "kafka/localhost")); got != (said{}) {
		t.Fatalf("before the first rotation: %+v", got)
	}
	ctx, stop := context.WithCancel(t.Context())
	var logins sync.WaitGroup
	for range 2 {
		logins.Go(func() {
			for ctx.Err() == nil {
				if got := say(t, dialTLS(t, k.Broker), apReq(t, old, "kafka/localhost")); got != (said{}) {
					t.Errorf("with an old ticket: %+v", got)
					return
				}
			}
		})
	}
	for range 3 {
		k.kdc.AddKeys(t, k.keytab, harness.KafkaPrincipal)
		for range 3 {
			if got := say(t, dialTLS(t, k.Broker), apReq(t, k.client(t, k.kdc.Conf()), "kafka/localhost")); got != (said{}) {
				t.Errorf("with a new ticket: %+v", got)
			}
		}
	}
	stop()
	logins.Wait()
}

// TestKeytabRotationUnderLoad gives the broker a new key again and again while clients produce: over connections that stay and that they
// authenticate again on, every second or two, and over a new one for each record, by a new ticket. None of their requests fails.
func TestKeytabRotationUnderLoad(t *testing.T) {
	t.Parallel()
	const version, rotations = 2, 3 // the KDC gives a keytab's keys the version 2
	s := startKerberosClients(t, harness.StartKDC(t), "CHRONIK_SASL_GSSAPI_RELOAD_INTERVAL_MS=600000", "CHRONIK_CONNECTIONS_MAX_REAUTH_MS=2500")
	stop := map[string]func(){"java": s.startJavaByKeytab(t), "franz": s.startFranz(t, false), "anew": s.produceAnew(t)}
	listeners := map[string]string{"java": "SASL_SSL", "franz": "SASL_PLAINTEXT"}
	progress := func(client string) int {
		if client == "anew" {
			return s.sent("anew")
		}
		return int(seriesOrZero(t, s.Broker, fmt.Sprintf(`chronik_reauthentications_total{listener="%s",method="GSSAPI"}`, listeners[client])))
	}
	for rotation := range rotations + 1 {
		if rotation > 0 {
			s.kdc.Rotate(t, s.keytab, harness.KafkaPrincipal, version+rotation)
		}
		before := map[string]int{}
		for client := range stop {
			before[client] = progress(client)
		}
		s.clients.await(t, stop, func(client string) int { return progress(client) - before[client] }, 2)
	}
	metrics := scrape(t, s.Broker)
	for _, none := range []string{"chronik_failed_logins_total{", "chronik_failed_reauthentications_total{", "chronik_expired_connections_killed_total{"} {
		if strings.Contains(metrics, none) {
			t.Errorf("the metrics have %s", none)
		}
	}
	if n := metric(t, s.Broker, `chronik_keytab_reloads_total{listener="SASL_SSL"}`); n < rotations {
		t.Errorf("the keytab was read again %v times", n)
	}
	s.clients.end(t, stop)
}

// produceAnew produces as alice, each record by a new client with a ticket of its own.
func (s *kerberosClients) produceAnew(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			c, err := kgo.NewClient(append(s.franz(t, s.kdc.Conf(), true), kgo.DisableIdempotentWrite(), kgo.RecordRetries(0), kgo.RequestRetries(0))...)
			if err == nil {
				err = c.ProduceSync(ctx, &kgo.Record{Topic: "renewed", Value: []byte("anew")}).FirstErr()
				c.Close()
			}
			if ctx.Err() == nil {
				s.clients.tell("anew", err)
			}
		}
	})
	return func() { cancel(); ended.Wait() }
}

// TestStartWithoutAKey: a broker that could let nobody in by GSSAPI does not start, and says what is missing.
func TestStartWithoutAKey(t *testing.T) {
	t.Parallel()
	kdc := harness.StartKDC(t)
	other := kdc.Keytab(t, "kafka/elsewhere")
	missing := filepath.Join(t.TempDir(), "missing")
	for want, keytab := range map[string]string{
		"keytab " + other + " has no key of " + harness.KafkaPrincipal: other,
		"keytab: open " + missing + ": no such file":                   missing,
	} {
		b := harness.New(t, "CHRONIK_SASL_ENABLED_MECHANISMS=GSSAPI", "CHRONIK_SASL_GSSAPI_KEYTAB="+keytab,
			"CHRONIK_SASL_GSSAPI_PRINCIPAL="+harness.KafkaPrincipal, "KRB5_CONFIG="+kdc.Conf())
		b.Launch(t)
		tick := time.NewTicker(20 * time.Millisecond)
		for deadline := time.Now().Add(closeTimeout); b.Running() && time.Now().Before(deadline); <-tick.C {
			continue
		}
		tick.Stop()
		if b.Running() {
			t.Errorf("started with the keytab %s", keytab)
		}
		logged(t, b, want, "mechanism GSSAPI")
	}
}
