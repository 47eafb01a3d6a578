//go:build interop && fips

package interop

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestFIPSLogIns logs in by every mechanism to a broker whose process fails at anything that is not of FIPS 140-3, and shows what that
// broker refuses.
func TestFIPSLogIns(t *testing.T) {
	kdc, issuer := harness.StartKDC(t), harness.StartIssuer(t, map[string]string{oauthService: oauthSecret})
	sha1, sha2 := harness.Enctypes()[:2], harness.Enctypes()[2:]
	k := &kerberized{kdc: kdc, keytab: filepath.Join(t.TempDir(), "keytab"), alice: kdc.Keytab(t, "alice@"+harness.Realm)}
	kdc.KeysOf(t, k.keytab, harness.KafkaPrincipal, sha2)
	k.Broker = harness.New(t, append(issuerSettings(issuer),
		"GODEBUG=fips140=only", "CHRONIK_FIPS_REQUIRED=true", "CHRONIK_LISTENER_REQUIRE=fips", "KRB5_CONFIG="+kdc.Conf(),
		"CHRONIK_SASL_ENABLED_MECHANISMS=GSSAPI,OAUTHBEARER,SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
		"CHRONIK_SASL_GSSAPI_KEYTAB="+k.keytab, "CHRONIK_SASL_GSSAPI_PRINCIPAL="+harness.KafkaPrincipal,
		"CHRONIK_SUPER_USERS=User:admin;User:alice;User:CN=chronik-client;User:"+oauthService)...)
	k.UseBinary(harness.FIPSBinary(t))
	k.Run(t)
	createTopic(t, k.Broker, "fips", 1) // by Java's client, SCRAM-SHA-512 and P-256 or another curve

	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
		franzProduce(t, franzSASL(t, k.Broker, mechanism), "fips", []string{mechanism})
		kcatProduce(t, saslKcat(t, k.Broker, mechanism), "fips", []string{mechanism})
	}
	franzProduce(t, []kgo.Opt{kgo.SeedBrokers(k.BootstrapTLS()), kgo.DialTLSConfig(clientTLS(t, k.Broker, true))}, "fips", []string{"mTLS"})
	franzProduce(t, tokenBroker{k.Broker, issuer}.franz(t), "fips", []string{"OAUTHBEARER"})
	for _, enctype := range sha2 {
		franzProduce(t, k.franz(t, kdc.ConfOf(t, []string{enctype}), true), "fips", []string{enctype})
	}
	if got := franzConsume(t, franzSASL(t, k.Broker, "SCRAM-SHA-512"), "fips", 10); len(got) != 10 {
		t.Errorf("read %v", got)
	}

	kdc.KeysOf(t, k.keytab, harness.KafkaPrincipal, sha1)
	refusedBy(t, k.franz(t, kdc.ConfOf(t, sha1), true))
	logged(t, k.Broker, "only 19 and 20 are", "FIPS 140-3 mode is on")
	withX25519 := append(saslKcat(t, k.Broker, "SCRAM-SHA-512"), "-X", "ssl.curves.list=X25519", "-L", "-m", "5")
	if out, err := harness.TryCommand(t, "", "kcat", withX25519...); err == nil {
		t.Errorf("a client with x25519 alone gets in: %s", out)
	}
	for _, s := range liveSessions(t, k.Broker) {
		if s.TLS == nil || s.TLS.Group == "x25519" {
			t.Errorf("a session with %+v", s.TLS)
		}
	}
	if !k.Running() {
		t.Fatal("the broker has ended")
	}
}

// refusedBy tries to log in once, and fails the test where that succeeds.
func refusedBy(t *testing.T, opts []kgo.Opt) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := franzClient(t, append(opts, kgo.RequestRetries(0), kgo.RetryTimeout(time.Second))...).Ping(ctx); err == nil {
		t.Error("a client gets in that is to be refused")
	}
}

// TestFIPSIsNotInTheOtherBinary: the binary of make build refuses to start where FIPS 140-3 is required.
func TestFIPSIsNotInTheOtherBinary(t *testing.T) {
	b := harness.New(t, "CHRONIK_FIPS_REQUIRED=true")
	cmd := exec.Command(harness.Binary(t), "server", "--dev", b.Dir)
	cmd.Env = append(cmd.Environ(), "CHRONIK_FIPS_REQUIRED=true")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("it starts")
	}
	contains(t, string(out), "chronik.fips.required=true", "make build-fips")
}
