//go:build interop

package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"github.com/chronik-stream/chronik/test/harness"
)

// The clients of the issuer; service is a super user of the broker.
const (
	oauthService, oauthSecret = "service", "a secret of the service"
	oauthGroup                = "operators"
)

// tokenBroker is a broker whose SASL_SSL listener takes the tokens of an issuer.
type tokenBroker struct {
	*harness.Broker
	issuer *harness.Issuer
}

func startTokenBroker(t *testing.T, env ...string) tokenBroker {
	t.Helper()
	issuer := harness.StartIssuer(t, map[string]string{oauthService: oauthSecret})
	issuer.SetClaims(map[string]any{"groups": []string{oauthGroup}})
	return tokenBroker{harness.Start(t, append(issuerSettings(issuer), env...)...), issuer}
}

// issuerSettings are a broker's settings that trust an issuer.
func issuerSettings(i *harness.Issuer) []string {
	return []string{
		"CHRONIK_SASL_ENABLED_MECHANISMS=SCRAM-SHA-512,PLAIN,OAUTHBEARER", "CHRONIK_SUPER_USERS=User:admin;User:" + oauthService,
		"CHRONIK_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL=" + i.KeysURL(), "CHRONIK_SASL_OAUTHBEARER_EXPECTED_ISSUER=" + i.URL,
		"CHRONIK_SASL_OAUTHBEARER_EXPECTED_AUDIENCE=" + harness.IssuerAudience,
		"CHRONIK_LISTENER_NAME_SASL_SSL_OAUTHBEARER_SASL_JAAS_CONFIG=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
			fmt.Sprintf("ssl.truststore.type=PEM ssl.truststore.location=%q;", i.CA),
	}
}

// javaFile is a Java client's file: it gets its tokens from the issuer.
func (b tokenBroker) javaFile(t *testing.T) string {
	t.Helper()
	text := fmt.Sprintf(`security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location=%s
sasl.mechanism=OAUTHBEARER
sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler
sasl.oauthbearer.token.endpoint.url=%s
sasl.oauthbearer.client.credentials.client.id=%s
sasl.oauthbearer.client.credentials.client.secret=%s
sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ssl.truststore.type="PEM" ssl.truststore.location="%s";
`, b.CA(), b.issuer.TokenURL(), oauthService, oauthSecret, b.issuer.CA)
	path := filepath.Join(t.TempDir(), "oauth.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// java runs a class in a JVM of its own, since which issuers are allowed is a property of the JVM.
func (b tokenBroker) java(t *testing.T, main string, args ...string) string {
	t.Helper()
	return harness.Command(t, "", "java", b.javaArgs(t, main, args)...)
}

func (b tokenBroker) javaArgs(t *testing.T, main string, args []string) []string {
	t.Helper()
	return harness.JavaArgs(t, []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + b.issuer.TokenURL()}, main, args...)
}

// franz are options of a client that gets a new token for each log-in.
func (b tokenBroker) franz(t *testing.T) []kgo.Opt {
	t.Helper()
	return []kgo.Opt{
		kgo.SeedBrokers(b.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, b.Broker, false)),
		kgo.SASL(oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			return oauth.Auth{Token: b.issuer.Token(t, oauthService, nil), Extensions: map[string]string{"traceId": "t-1"}}, nil
		})),
	}
}

// TestTokensOpenTheBrokerToEachClient has every client put records in and read them, by a token that it has got itself or was given.
func TestTokensOpenTheBrokerToEachClient(t *testing.T) {
	t.Parallel()
	b := startTokenBroker(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	const topic = "tokens"
	createTopic(t, b.Broker, topic, 1)
	file, count := b.javaFile(t), fmt.Sprint(perClient)
	python := func(script, verb, last string, more ...string) string {
		token := b.issuer.Token(t, oauthService, nil)
		return harness.Python(t, script, append([]string{verb, b.Bootstrap(), b.CA(), "OAUTHBEARER", oauthService, token, topic, count, last}, more...)...)
	}
	oidc := []string{
		"sasl.oauthbearer.method=oidc", "sasl.oauthbearer.client.id=" + oauthService, "sasl.oauthbearer.client.secret=" + oauthSecret,
		"sasl.oauthbearer.token.endpoint.url=" + b.issuer.TokenURL(), "https.ca.location=" + b.issuer.CA,
	}
	before := b.issuer.Issued()
	if before != 0 {
		t.Errorf("a broker that only takes tokens has asked for %d (KAFKA-21143)", before)
	}
	b.java(t, roundTrip, "produce", b.Bootstrap(), file, topic, count, "java")
	python("confluent.py", "produce", "oidc", oidc...)
	if got := b.issuer.Issued() - before; got < 2 {
		t.Errorf("two clients get their tokens themselves, and the issuer has given %d", got)
	}
	python("confluent.py", "produce", "callback")
	python("kafka_python.py", "produce", "kafkapython")
	franzProduce(t, b.franz(t), topic, values("franz", perClient))
	var want []string
	for _, prefix := range []string{"java", "oidc", "callback", "kafkapython", "franz"} {
		want = append(want, values(prefix, perClient)...)
	}
	if got := franzConsume(t, b.franz(t), topic, len(want)); !slices.Equal(got, want) {
		t.Errorf("franz-go read %q\nwant %q", got, want)
	}
	if got := fourthFields(b.java(t, roundTrip, "consume", b.Bootstrap(), file, topic, fmt.Sprint(len(want)), "java")); !slices.Equal(got, want) {
		t.Errorf("Java read %q\nwant %q", got, want)
	}
	count = fmt.Sprint(len(want))
	for name, out := range map[string]string{
		"confluent-kafka": python("confluent.py", "consume", "oidc", oidc...), "kafka-python": python("kafka_python.py", "consume", "kafkapython"),
	} {
		contains(t, out, want[0], want[len(want)-1])
		if out == "" {
			t.Errorf("%s read nothing", name)
		}
	}

	b.issuer.SetClaims(map[string]any{"aud": "billing"})
	out, err := harness.TryCommand(t, "", "java", b.javaArgs(t, roundTrip, []string{"produce", b.Bootstrap(), file, topic, "1", "java"})...)
	if err == nil {
		t.Error("Java gets in by a token for another audience")
	}
	contains(t, out, "SaslAuthenticationException", publicFailure)
}
