//go:build interop && bench

package interop

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	benchLogins      = 4000
	benchLoginsAbout = 32 // connections at a time
	benchLoginRounds = 3
)

// loginTarget is a broker that is logged in at.
type loginTarget struct {
	name, bootstrap string
	perSecond       map[string][]float64 // by mechanism
}

// TestBenchLogins opens connections, logs in by each mechanism and closes them, at this broker and at Apache Kafka in turn: the same
// users, tickets and tokens, over TLS whose sessions are resumed. Handshakes without a log-in are whole ones. It asserts nothing about
// speed: it prints the figures and the ratios. Half of the work is that of the clients, on the same machine.
func TestBenchLogins(t *testing.T) {
	kdc, issuer := harness.StartKDC(t), harness.StartIssuer(t, nil)
	service := kdc.Keytab(t, harness.KafkaPrincipal)
	b := harness.Start(t, append(issuerSettings(issuer),
		"CHRONIK_SASL_ENABLED_MECHANISMS=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,GSSAPI,OAUTHBEARER", "KRB5_CONFIG="+kdc.Conf(),
		"CHRONIK_SASL_GSSAPI_KEYTAB="+service, "CHRONIK_SASL_GSSAPI_PRINCIPAL="+harness.KafkaPrincipal)...)
	kafka := startKafkaOfAllMechanisms(t, b, kdc, issuer, service)
	user, password := b.Admin(t)
	for _, bootstrap := range []string{b.Bootstrap(), kafka.Bootstrap()} {
		tools.Must(t, configCommand, "--bootstrap-server", bootstrap, "--command-config", b.ClientProperties(), "--alter", "--entity-type", "users",
			"--entity-name", user, "--add-config", "SCRAM-SHA-256=[iterations=4096,password="+password+"]")
	}
	alice := login{User: "alice", Realm: harness.Realm, Kerberos: kdc.Conf(), Keytab: kdc.Keytab(t, "alice@"+harness.Realm)}
	bearer := issuer.Token(t, oauthService, nil)
	mechanisms := []sasl.Mechanism{
		nil, franzMechanism(t, "PLAIN", user, password), franzMechanism(t, "SCRAM-SHA-256", user, password), franzMechanism(t, "SCRAM-SHA-512", user, password),
		oauth.Oauth(func(context.Context) (oauth.Auth, error) { return oauth.Auth{Token: bearer}, nil }),
		kerberos.Auth{Client: kerberosClient(t, alice), Service: "kafka"}.AsMechanism(),
	}
	targets := []*loginTarget{
		{"chronik", b.Bootstrap(), map[string][]float64{}}, {"Apache Kafka 4.3.1", kafka.Bootstrap(), map[string][]float64{}},
	}
	for round := range benchLoginRounds + 1 {
		for _, m := range mechanisms {
			for _, x := range targets {
				name, perSecond := x.round(t, newDoor(t, b, x.bootstrap), m)
				if round > 0 { // the first one warms up
					x.perSecond[name] = append(x.perSecond[name], perSecond)
				}
			}
		}
	}
	for _, m := range mechanisms {
		base := median(targets[1].perSecond[benchedAs(m)])
		for _, x := range targets {
			got := median(x.perSecond[benchedAs(m)])
			t.Logf("%-14s %-20s %6.0f per second (x%.2f)", benchedAs(m), x.name, got, got/base)
		}
	}
}

// startKafkaOfAllMechanisms starts Apache Kafka with the issuer and the keytab of a broker of ours.
func startKafkaOfAllMechanisms(t *testing.T, like *harness.Broker, kdc *harness.KDC, issuer *harness.Issuer, service string) *harness.Kafka {
	t.Helper()
	user, password := like.Admin(t)
	const listener, kafka = "listener.name.sasl_ssl.", "org.apache.kafka.common.security."
	t.Setenv("JAVA_TOOL_OPTIONS", "-Djava.security.krb5.conf="+kdc.Conf()+" -Dorg.apache.kafka.sasl.oauthbearer.allowed.urls="+issuer.KeysURL())
	return harness.StartKafka(t, like,
		"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,GSSAPI,OAUTHBEARER", "sasl.kerberos.service.name=kafka",
		listener+"scram-sha-256.sasl.jaas.config="+kafka+"scram.ScramLoginModule required;",
		listener+fmt.Sprintf("plain.sasl.jaas.config=%splain.PlainLoginModule required username=%q password=%q user_%s=%q;", kafka, user, password, user, password),
		listener+fmt.Sprintf("gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab=%q principal=%q;", service, harness.KafkaPrincipal),
		listener+fmt.Sprintf("oauthbearer.sasl.jaas.config=%soauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\" ssl.truststore.type=\"PEM\" ssl.truststore.location=%q;", kafka, issuer.CA), // KAFKA-21143: it wants a token too
		listener+"oauthbearer.sasl.server.callback.handler.class="+kafka+"oauthbearer.OAuthBearerValidatorCallbackHandler",
		"sasl.oauthbearer.jwks.endpoint.url="+issuer.KeysURL(), "sasl.oauthbearer.expected.issuer="+issuer.URL,
		"sasl.oauthbearer.expected.audience="+harness.IssuerAudience)
}

// benchedAs is what a mechanism's figures are called; without a mechanism they are of whole TLS handshakes.
func benchedAs(m sasl.Mechanism) string {
	if m == nil {
		return "TLS handshake"
	}
	return m.Name()
}

// round makes connections, several at a time, and returns how many there were in a second.
func (x *loginTarget) round(t *testing.T, d door, m sasl.Mechanism) (name string, perSecond float64) {
	t.Helper()
	if d.mechanism = m; m == nil {
		d.config.ClientSessionCache = nil
	}
	var run sync.WaitGroup
	begun := time.Now()
	for range benchLoginsAbout {
		run.Go(func() {
			for range benchLogins / benchLoginsAbout {
				if err := d.comeAndGo(t.Context()); err != nil {
					t.Errorf("%s by %s: %v", x.name, benchedAs(m), err)
					return
				}
			}
		})
	}
	run.Wait()
	took := time.Since(begun)
	if t.Failed() {
		t.FailNow()
	}
	return benchedAs(m), benchLogins / took.Seconds()
}

// comeAndGo opens a connection, logs in where the door has a mechanism, and closes it.
func (d door) comeAndGo(ctx context.Context) error {
	if d.mechanism == nil {
		conn, err := (&tls.Dialer{Config: d.config}).DialContext(ctx, "tcp", d.address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	l, err := d.dial(ctx)
	if err != nil {
		return err
	}
	return l.conn.Close()
}
