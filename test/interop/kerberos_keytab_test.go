//go:build interop

package interop

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

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
		contains(t, b.Log(), want, "mechanism GSSAPI")
	}
}
