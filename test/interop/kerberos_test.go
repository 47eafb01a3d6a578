//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"

	"github.com/chronik-stream/chronik/test/harness"
)

// kerberized is a broker whose SASL listeners have GSSAPI, with its KDC. alice is a super user.
type kerberized struct {
	*harness.Broker
	kdc *harness.KDC
	// plaintext is the SASL_PLAINTEXT listener, by name.
	plaintext string
	// keytab is the broker's, alice's that of a client.
	keytab, alice string
}

func startKerberized(t *testing.T, env ...string) *kerberized {
	t.Helper()
	return startKerberizedBy(t, harness.StartKDC(t), env...)
}

// startKerberizedBy is startKerberized with a KDC that is there.
func startKerberizedBy(t *testing.T, kdc *harness.KDC, env ...string) *kerberized {
	t.Helper()
	k := &kerberized{kdc: kdc}
	k.keytab, k.alice = k.kdc.Keytab(t, harness.KafkaPrincipal), k.kdc.Keytab(t, "alice@"+harness.Realm)
	sasl, plaintext := harness.FreeAddress(t), harness.FreeAddress(t)
	k.plaintext = localhost(plaintext)
	k.Broker = harness.New(t, append([]string{
		"CHRONIK_LISTENERS=SASL_SSL://" + sasl + ",SASL_PLAINTEXT://" + plaintext,
		"CHRONIK_ADVERTISED_LISTENERS=SASL_SSL://" + localhost(sasl) + ",SASL_PLAINTEXT://" + k.plaintext,
		"CHRONIK_SASL_ENABLED_MECHANISMS=GSSAPI,SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
		"CHRONIK_SASL_GSSAPI_KEYTAB=" + k.keytab, "CHRONIK_SASL_GSSAPI_PRINCIPAL=" + harness.KafkaPrincipal,
		"CHRONIK_SASL_GSSAPI_RELOAD_INTERVAL_MS=50",
		"CHRONIK_SUPER_USERS=User:admin;User:alice", "KRB5_CONFIG=" + k.kdc.Conf(),
	}, env...)...)
	k.SASL = sasl
	k.Run(t)
	return k
}

func localhost(address string) string {
	_, port, _ := strings.Cut(address, ":")
	return "localhost:" + port
}

// TestKerberos logs in by every real client with each encryption type, over SASL_SSL and SASL_PLAINTEXT. Java's client logs in by a
// keytab and by the cache of its first ticket, and asks for mutual authentication with the latter; librdkafka always does.
func TestKerberos(t *testing.T) {
	t.Parallel()
	k := startKerberized(t)
	admin(t, k.Broker, topicCommand, "--create", "--topic", "kerberos", "--partitions", "1")
	var want []string
	for i, enctype := range harness.Enctypes() {
		conf := k.kdc.ConfOf(t, []string{enctype})
		secured := i%2 == 0
		cached := k.kdc.Tickets(t, conf, k.alice, "alice@"+harness.Realm)
		franzProduce(t, k.franz(t, conf, secured), "kerberos", []string{"franz-" + enctype})
		k.kcat(t, conf, cached, !secured, "kcat-"+enctype+"\n", "-P", "-t", "kerberos")
		k.java(t, conf, secured, k.javaLogin(cached, secured), "java-"+enctype)
		k.python(t, conf, cached, secured, "python-"+enctype)
		want = append(want, "franz-"+enctype, "kcat-"+enctype, "java-"+enctype+"-0", "python-"+enctype+"-0")
		if got := strings.Fields(k.kcat(t, conf, cached, secured, "", "-C", "-q", "-t", "kerberos", "-o", "beginning", "-e")); !slices.Equal(got, want) {
			t.Errorf("%s: kcat read %v, want %v", enctype, got, want)
		}
		if got := franzConsume(t, k.franz(t, conf, !secured), "kerberos", len(want)); !slices.Equal(got, want) {
			t.Errorf("%s: franz-go read %v, want %v", enctype, got, want)
		}
	}
	audited := harness.Command(t, "", "kcat", slices.Concat(saslKcat(t, k.Broker, "PLAIN"),
		[]string{"-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e"})...)
	contains(t, audited, `"uid":"User:alice"`, `"proven_name":"alice@`+harness.Realm+`"`)
}

// kcat runs kcat as the owner of a cache of tickets, with text on standard input. The KDC's name for the broker is of localhost.
func (k *kerberized) kcat(t *testing.T, conf, cached string, secured bool, stdin string, args ...string) string {
	t.Helper()
	all := []string{
		"KRB5_CONFIG=" + conf, "KRB5CCNAME=FILE:" + cached, "kcat", "-X", "sasl.mechanism=GSSAPI", "-X", "sasl.kerberos.service.name=kafka",
		"-X", "sasl.kerberos.kinit.cmd=true", // the tickets are there
	}
	if secured {
		all = append(all, "-b", k.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location="+k.CA())
	} else {
		all = append(all, "-b", k.plaintext, "-X", "security.protocol=SASL_PLAINTEXT")
	}
	return harness.Command(t, stdin, "env", append(all, args...)...)
}

// javaLogin is the log-in module of a Java client: by the cache of its first ticket, asking for mutual authentication, or by its keytab.
func (k *kerberized) javaLogin(cached string, byCache bool) string {
	const module = "sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required principal=\"alice@" + harness.Realm + "\""
	if byCache {
		return module + " useTicketCache=true ticketCache=\"" + cached + "\";\njavax.security.sasl.server.authentication=true\n"
	}
	return module + " useKeyTab=true storeKey=true keyTab=\"" + k.alice + "\";\n"
}

// java produces one record by Java's client, in a JVM of its own: it reads krb5.conf once.
func (k *kerberized) java(t *testing.T, conf string, secured bool, login, prefix string) {
	t.Helper()
	text, bootstrap := k.javaProperties(secured, login)
	file := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	harness.Command(t, "", "java", harness.JavaArgs(t, []string{"-Djava.security.krb5.conf=" + conf}, roundTrip,
		"produce", bootstrap, file, "kerberos", "1", prefix)...)
}

// javaProperties are a Java client's settings, and the listener that they are for.
func (k *kerberized) javaProperties(secured bool, login string) (text, bootstrap string) {
	text, bootstrap = "security.protocol=SASL_PLAINTEXT\n", k.plaintext
	if secured {
		text, bootstrap = "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location="+k.CA()+"\n", k.Bootstrap()
	}
	return text + "sasl.mechanism=GSSAPI\nsasl.kerberos.service.name=kafka\n" + login, bootstrap
}

// python produces one record by kafka-python, as the owner of a cache of tickets.
func (k *kerberized) python(t *testing.T, conf, cached string, secured bool, prefix string) {
	t.Helper()
	bootstrap, ca := k.plaintext, ""
	if secured {
		bootstrap, ca = k.Bootstrap(), k.CA()
	}
	environment := []string{"KRB5_CONFIG=" + conf, "KRB5CCNAME=FILE:" + cached}
	harness.PythonWith(t, environment, "kafka_python.py", "produce", bootstrap, ca, "GSSAPI", "kafka", "-", "kerberos", "1", prefix)
}

// franz logs franz-go in as alice by her keytab.
func (k *kerberized) franz(t *testing.T, conf string, secured bool) []kgo.Opt {
	t.Helper()
	auth := kerberos.Auth{Client: k.client(t, conf), Service: "kafka"}
	opts := []kgo.Opt{kgo.SASL(auth.AsMechanism())}
	if secured {
		return append(opts, kgo.SeedBrokers(k.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, k.Broker, false)))
	}
	return append(opts, kgo.SeedBrokers(k.plaintext))
}
