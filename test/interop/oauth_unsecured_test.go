//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestUnsecuredTokensOnLoopback has Java and librdkafka log in by the tokens that they make themselves, signed by nobody, as their
// defaults for development do. One that an issuer has signed is none of these.
func TestUnsecuredTokensOnLoopback(t *testing.T) {
	t.Parallel()
	const topic = "unsecured"
	b := harness.Start(t, "CHRONIK_SASL_ENABLED_MECHANISMS=SCRAM-SHA-512,PLAIN,OAUTHBEARER", "CHRONIK_ALLOW_INSECURE=true", "CHRONIK_SUPER_USERS=User:admin;User:dev",
		"CHRONIK_OAUTHBEARER_SASL_JAAS_CONFIG=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "+
			`unsecuredValidatorRequiredScope="write read" unsecuredLoginStringClaim_sub="broker";`)
	createTopic(t, b, topic, 1)
	file := filepath.Join(t.TempDir(), "unsecured.properties")
	text := "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + b.CA() + "\nsasl.mechanism=OAUTHBEARER\n" +
		"sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
		`unsecuredLoginStringClaim_sub="dev" unsecuredLoginListClaim_scope=",read,write";` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), file, topic, "2", "java")
	kcat := func(scope string) []string {
		return []string{
			"-b", b.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location=" + b.CA(), "-X", "sasl.mechanism=OAUTHBEARER",
			"-X", "enable.sasl.oauthbearer.unsecure.jwt=true", "-X", fmt.Sprintf("sasl.oauthbearer.config=principal=dev scope=%s", scope),
		}
	}
	out := harness.Command(t, "", "kcat", slices.Concat(kcat("read,write"), []string{"-C", "-q", "-t", topic, "-o", "beginning", "-e"})...)
	if got := strings.Fields(out); !slices.Equal(got, []string{"java-0", "java-1"}) {
		t.Errorf("kcat read %q", got)
	}
	const required = `{"status":"insufficient_scope","scope":"[write read]"}`
	unsigned := encoded(`{"alg":"none"}`) + "." + encoded(`{"sub":"dev","exp":4e9,"scope":"read"}`) + "."
	if got := present(t, dialTLS(t, b), "", unsigned); string(got.SASLAuthBytes) != required {
		t.Errorf("without a scope: told %d, %q", got.ErrorCode, got.SASLAuthBytes)
	}
	signed := harness.StartIssuer(t, nil).Token(t, "dev", map[string]any{"scope": []string{"read", "write"}})
	if got := present(t, dialTLS(t, b), "", signed); string(got.SASLAuthBytes) != saslError {
		t.Errorf("a signed token: told %d, %q", got.ErrorCode, got.SASLAuthBytes)
	}
}
