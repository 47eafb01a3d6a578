//go:build interop

package interop

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestListenersRequire has one broker with a listener that requires a post-quantum key exchange and one that requires a certificate beside
// SASL. Go's TLS has the first and Java's, before release 27, does not.
func TestListenersRequire(t *testing.T) {
	t.Parallel()
	sasl, pq, mtls := harness.FreeAddress(t), harness.FreeAddress(t), harness.FreeAddress(t)
	b := harness.New(t,
		"CHRONIK_LISTENERS=SASL_SSL://"+sasl+",PQ://"+pq+",CERTIFIED://"+mtls,
		"CHRONIK_ADVERTISED_LISTENERS=SASL_SSL://"+localhost(sasl)+",PQ://"+localhost(pq)+",CERTIFIED://"+localhost(mtls),
		"CHRONIK_LISTENER_SECURITY_PROTOCOL_MAP=SASL_SSL:SASL_SSL,SSL:SSL,PQ:SASL_SSL,CERTIFIED:SASL_SSL",
		"CHRONIK_LISTENER_NAME_SSL_SSL_CLIENT_AUTH=none",
		"CHRONIK_LISTENER_NAME_PQ_CHRONIK_LISTENER_REQUIRE=pq", "CHRONIK_LISTENER_NAME_CERTIFIED_CHRONIK_LISTENER_REQUIRE=mtls")
	b.SASL = sasl
	b.Run(t)
	createTopic(t, b, "required", 1) // by Java's client over the listener that requires nothing

	user, password := b.Admin(t)
	client := func(address string, config *tls.Config) []kgo.Opt {
		return []kgo.Opt{kgo.SeedBrokers(localhost(address)), kgo.DialTLSConfig(config), kgo.SASL(franzMechanism(t, "SCRAM-SHA-512", user, password))}
	}
	franzProduce(t, client(pq, clientTLS(t, b, false)), "required", []string{"post-quantum"})
	franzProduce(t, client(mtls, clientTLS(t, b, true)), "required", []string{"certified"})

	javaRefused(t, localhost(pq), b.ClientProperties(), "SslAuthenticationException")
	javaRefused(t, localhost(mtls), b.ClientProperties(), "SslAuthenticationException")
	certified := javaWithCertificate(t, b)
	tools.Must(t, topicCommand, "--bootstrap-server", localhost(mtls), "--command-config", certified, "--describe", "--topic", "required")

	logged(t, b, "the listener requires a post-quantum key exchange (X25519MLKEM768", "and the client offers TLSv1.3")
	for _, requirement := range []string{`listener="PQ",requirement="pq"`, `listener="CERTIFIED",requirement="mtls"`} {
		if n := metric(t, b, "chronik_listener_requirement_refusals_total{"+requirement+"}"); n == 0 {
			t.Errorf("no refusal for %s is counted", requirement)
		}
	}
	audited := harness.Command(t, "", "kcat", append(saslKcat(t, b, "PLAIN"), "-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e")...)
	contains(t, audited, "requires a post-quantum key exchange")
}

// javaRefused asks for the topics by Java's client, which has to give up for a reason.
func javaRefused(t *testing.T, bootstrap, properties, reason string) {
	t.Helper()
	out := tools.Run(t, topicCommand, "--bootstrap-server", bootstrap, "--command-config", properties, "--list")
	if out.Exit == 0 {
		t.Errorf("Java gets in at %s", bootstrap)
	}
	contains(t, out.Out+out.Err, reason)
}

// javaWithCertificate is the administrator's file for Java with the client's certificate beside the password.
func javaWithCertificate(t *testing.T, b *harness.Broker) string {
	t.Helper()
	text, err := os.ReadFile(b.ClientProperties())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "certified.properties")
	lines := strings.Join([]string{string(text), "ssl.keystore.type=PEM", "ssl.keystore.location=" + filepath.Join(b.Dir, "client.keystore.pem"), ""}, "\n")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
