//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/test/harness"
)

// matrixClient is a column of the matrix. run returns, by log-in, what the client has read where it wrote the log-in's value.
type matrixClient struct {
	name string
	// lacks says, by way, why the client does not have it.
	lacks map[string]string
	run   func(t *testing.T, m *matrix, logins []login) map[string]string
}

const franzName = "franz-go"

func matrixClients() []matrixClient {
	const noToken = "it has no `tokenauth`"
	return []matrixClient{
		{"Java", nil, javaLogins},
		{"Kafka's tools", nil, toolLogins},
		{"confluent-kafka", map[string]string{viaToken: noToken, viaKerberos: "its wheels are built without Cyrus SASL; librdkafka has it, see kcat"}, pythonLogins("logins_confluent.py")},
		{"kcat", map[string]string{viaToken: noToken, viaOAuth: "it takes no token, and Debian's librdkafka can fetch none"}, kcatLogins},
		{franzName, nil, franzLogins},
		{"Sarama", map[string]string{viaToken: "it leaves SCRAM to the application, and the usual xdg-go/scram has no `tokenauth`"}, saramaLogins},
		{"kafka-python", map[string]string{viaToken: noToken}, pythonLogins("logins_kafka_python.py")},
		{"aiokafka", map[string]string{viaToken: noToken}, pythonLogins("logins_aiokafka.py")},
	}
}

// encodeLogins are lines for the programs of test/python and test/interop/sarama.
func encodeLogins(t *testing.T, logins []login) string {
	t.Helper()
	var lines strings.Builder
	out := json.NewEncoder(&lines)
	for _, l := range logins {
		if err := out.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	return lines.String()
}

// readAnswers takes what the programs have read.
func readAnswers(t *testing.T, out string) map[string]string {
	t.Helper()
	read := map[string]string{}
	for line := range strings.Lines(out) {
		var a struct{ Name, Read, Error string }
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Errorf("answer %q: %v", line, err)
			continue
		}
		if a.Error != "" {
			t.Errorf("%s: %s", a.Name, a.Error)
		}
		read[a.Name] = a.Read
	}
	return read
}

func pythonLogins(script string) func(t *testing.T, m *matrix, logins []login) map[string]string {
	return func(t *testing.T, m *matrix, logins []login) map[string]string {
		t.Helper()
		environment := []string{"KRB5_CONFIG=" + m.kdc.Conf(), "KRB5CCNAME=FILE:" + m.tickets}
		return readAnswers(t, harness.PythonInput(t, environment, encodeLogins(t, logins), script))
	}
}

func saramaLogins(t *testing.T, _ *matrix, logins []login) map[string]string {
	t.Helper()
	return readAnswers(t, harness.Sarama(t, encodeLogins(t, logins)))
}

func kcatLogins(t *testing.T, m *matrix, logins []login) map[string]string {
	t.Helper()
	read := map[string]string{}
	for _, l := range logins {
		args := []string{"KRB5_CONFIG=" + m.kdc.Conf(), "KRB5CCNAME=FILE:" + m.tickets, "kcat", "-b", l.Bootstrap}
		for key, value := range map[string]string{
			"security.protocol": l.Protocol, "ssl.ca.location": l.CA, "sasl.mechanism": l.Mechanism, "sasl.username": l.User, "sasl.password": l.Password,
			"ssl.certificate.location": l.Certificate, "ssl.key.location": l.Key,
		} {
			if value != "" {
				args = append(args, "-X", key+"="+value)
			}
		}
		if l.way.name == viaKerberos {
			args = append(args, "-X", "sasl.kerberos.service.name=kafka", "-X", "sasl.kerberos.kinit.cmd=true") // the tickets are there
		}
		harness.Command(t, l.Value+"\n", "env", slices.Concat(args, []string{"-P", "-t", l.Topic})...)
		out := harness.Command(t, "", "env", slices.Concat(args, []string{"-C", "-q", "-t", l.Topic, "-o", "beginning", "-c", "1"})...)
		read[l.Name] = strings.TrimSuffix(out, "\n")
	}
	return read
}

func franzLogins(t *testing.T, m *matrix, logins []login) map[string]string {
	t.Helper()
	read := map[string]string{}
	for _, l := range logins {
		opts := franzLogin(t, m, l)
		franzProduce(t, opts, l.Topic, []string{l.Value})
		read[l.Name] = strings.Join(franzConsume(t, opts, l.Topic, 1), "\n")
	}
	return read
}

func franzLogin(t *testing.T, m *matrix, l login) []kgo.Opt {
	t.Helper()
	opts := []kgo.Opt{kgo.SeedBrokers(l.Bootstrap)}
	if l.CA != "" {
		opts = append(opts, kgo.DialTLSConfig(clientTLS(t, m.Broker, l.Certificate != "")))
	}
	var mechanism sasl.Mechanism
	switch l.way.name {
	case viaMTLS:
		return opts
	case viaKerberos:
		mechanism = kerberos.Auth{Client: kerberosClient(t, l), Service: "kafka"}.AsMechanism()
	case viaOAuth:
		mechanism = oauth.Oauth(func(context.Context) (oauth.Auth, error) { return oauth.Auth{Token: l.Token}, nil })
	case viaToken:
		mechanism = scram.Auth{User: l.User, Pass: l.Password, IsToken: true}.AsSha512Mechanism()
	default:
		mechanism = franzMechanism(t, l.Mechanism, l.User, l.Password)
	}
	return append(opts, kgo.SASL(mechanism))
}

func kerberosClient(t *testing.T, l login) *client.Client {
	t.Helper()
	cfg, err := config.Load(l.Kerberos)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keytab.Load(l.Keytab)
	if err != nil {
		t.Fatal("a keytab can not be read") // the library's error has the keys
	}
	c := client.NewWithKeytab(l.User, l.Realm, keys, cfg, client.DisablePAFXFAST(true))
	t.Cleanup(c.Destroy)
	return c
}

// matrixJVM is a JVM that knows the KDC and the issuer, which are properties of the whole JVM.
func matrixJVM(t *testing.T, m *matrix) *harness.Tools {
	t.Helper()
	jvm, err := harness.StartTools(harness.Root(t), "-Djava.security.krb5.conf="+m.kdc.Conf(),
		"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls="+m.issuer.TokenURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := jvm.Close(); err != nil {
			t.Errorf("the JVM ended: %v", err)
		}
	})
	return jvm
}

func javaLogins(t *testing.T, m *matrix, logins []login) map[string]string {
	t.Helper()
	jvm, read := matrixJVM(t, m), map[string]string{}
	for _, l := range logins {
		file := javaFile(t, m, l)
		jvm.Must(t, roundTrip, "produce", l.Bootstrap, file, l.Topic, "1", l.Value)
		got := strings.Join(fourthFields(jvm.Must(t, roundTrip, "consume", l.Bootstrap, file, l.Topic, "1", l.Topic)), " ")
		read[l.Name] = strings.TrimSuffix(got, "-0") // RoundTrip numbers what it writes
	}
	return read
}

func toolLogins(t *testing.T, m *matrix, logins []login) map[string]string {
	t.Helper()
	jvm, read := matrixJVM(t, m), map[string]string{}
	for _, l := range logins {
		file := javaFile(t, m, l)
		args := []string{"--bootstrap-server", l.Bootstrap, "--command-config", file, "--topic", l.Topic}
		if out := jvm.RunInput(t, l.Value+"\n", consoleProducer, args...); out.Exit != 0 {
			t.Errorf("%s: the console producer: exit %d\n%s\n%s", l.Name, out.Exit, out.Out, out.Err)
		}
		out := jvm.Must(t, consoleConsumer, append(args, "--partition", "0", "--offset", "earliest", "--max-messages", "1", "--timeout-ms", "30000")...)
		read[l.Name] = strings.TrimSuffix(out, "\n")
	}
	return read
}

// javaFile is the file of a Java client that logs in.
func javaFile(t *testing.T, m *matrix, l login) string {
	t.Helper()
	text := "security.protocol=" + l.Protocol + "\n"
	if l.CA != "" {
		text += "ssl.truststore.type=PEM\nssl.truststore.location=" + l.CA + "\n"
	}
	if l.way.name == viaMTLS {
		text += "ssl.keystore.type=PEM\nssl.keystore.location=" + filepath.Join(m.Dir, "client.keystore.pem") + "\n"
	} else {
		text += "sasl.mechanism=" + l.Mechanism + "\n" + javaModule(m, l)
	}
	path := filepath.Join(t.TempDir(), "login.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func javaModule(m *matrix, l login) string {
	const kafka = "sasl.jaas.config=org.apache.kafka.common.security."
	credentials := fmt.Sprintf(" required username=%q password=%q", l.User, l.Password)
	switch l.way.name {
	case "PLAIN":
		return kafka + "plain.PlainLoginModule" + credentials + ";\n"
	case viaToken:
		return kafka + "scram.ScramLoginModule" + credentials + ` tokenauth="true";` + "\n"
	case viaKerberos:
		return "sasl.kerberos.service.name=kafka\nsasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required " +
			fmt.Sprintf("useKeyTab=true storeKey=true keyTab=%q principal=%q;\n", l.Keytab, l.User+"@"+l.Realm)
	case viaOAuth:
		return "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n" +
			"sasl.oauthbearer.token.endpoint.url=" + m.issuer.TokenURL() + "\nsasl.oauthbearer.client.credentials.client.id=" + l.way.user + "\n" +
			"sasl.oauthbearer.client.credentials.client.secret=" + oauthSecret + "\n" + kafka + "oauthbearer.OAuthBearerLoginModule required " +
			fmt.Sprintf("ssl.truststore.type=\"PEM\" ssl.truststore.location=%q;\n", m.issuer.CA)
	}
	return kafka + "scram.ScramLoginModule" + credentials + ";\n"
}
