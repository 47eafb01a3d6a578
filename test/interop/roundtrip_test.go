//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/test/harness"
)

const perClient = 10

// everyClient puts records in with each client and reads them with each other one, per mechanism and by mTLS alone.
func everyClient(t *testing.T, b *harness.Broker) {
	t.Helper()
	for _, mechanism := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"} {
		t.Run(mechanism, func(t *testing.T) {
			topic := "round-trip-" + strings.ToLower(mechanism)
			createTopic(t, b, topic, 1)
			want := produceWithEach(t, b, mechanism, topic)
			for name, read := range saslReaders(t, b, mechanism) {
				t.Run(name, func(t *testing.T) {
					if got := read(t, topic, len(want)); !slices.Equal(got, want) {
						t.Errorf("read %q\nwant %q", got, want)
					}
				})
			}
		})
	}
	t.Run("mTLS", func(t *testing.T) { mutualTLS(t, b) })
}

func produceWithEach(t *testing.T, b *harness.Broker, mechanism, topic string) []string {
	t.Helper()
	user, password := b.Admin(t)
	file := b.Properties(t, mechanism, user, password)
	var want []string
	wrote := func(prefix string) { want = append(want, values(prefix, perClient)...) }

	kcatProduce(t, saslKcat(t, b, mechanism), topic, values("kcat", perClient))
	wrote("kcat")
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), file, topic, fmt.Sprint(perClient), "java")
	wrote("java")
	out := tools.RunInput(t, strings.Join(values("console", perClient), "\n")+"\n", consoleProducer,
		"--bootstrap-server", b.Bootstrap(), "--command-config", file, "--topic", topic)
	if out.Exit != 0 {
		t.Fatalf("console producer: exit %d\n%s\n%s", out.Exit, out.Out, out.Err)
	}
	wrote("console")
	harness.Python(t, "kafka_python.py", "produce", b.Bootstrap(), b.CA(), mechanism, user, password, topic, fmt.Sprint(perClient), "kafkapython")
	wrote("kafkapython")
	harness.Python(t, "confluent.py", "produce", b.Bootstrap(), b.CA(), mechanism, user, password, topic, fmt.Sprint(perClient), "confluent")
	wrote("confluent")
	franzProduce(t, franzSASL(t, b, mechanism), topic, values("franz", perClient))
	wrote("franz")
	return want
}

type reader func(t *testing.T, topic string, n int) []string

func saslReaders(t *testing.T, b *harness.Broker, mechanism string) map[string]reader {
	t.Helper()
	user, password := b.Admin(t)
	file := b.Properties(t, mechanism, user, password)
	return map[string]reader{
		"kcat": func(t *testing.T, topic string, n int) []string {
			return kcatConsume(t, saslKcat(t, b, mechanism), topic, n)
		},
		"java": func(t *testing.T, topic string, n int) []string {
			return fourthFields(tools.Must(t, roundTrip, "consume", b.Bootstrap(), file, topic, fmt.Sprint(n), "java-"+mechanism))
		},
		"console": func(t *testing.T, topic string, n int) []string {
			return strings.Fields(tools.Must(t, consoleConsumer, "--bootstrap-server", b.Bootstrap(), "--command-config", file,
				"--topic", topic, "--from-beginning", "--max-messages", fmt.Sprint(n), "--timeout-ms", "30000"))
		},
		"kafka-python": func(t *testing.T, topic string, n int) []string {
			return strings.Fields(harness.Python(t, "kafka_python.py", "consume", b.Bootstrap(), b.CA(), mechanism, user, password,
				topic, fmt.Sprint(n), "kafkapython-"+mechanism))
		},
		"confluent": func(t *testing.T, topic string, n int) []string {
			return strings.Fields(harness.Python(t, "confluent.py", "consume", b.Bootstrap(), b.CA(), mechanism, user, password,
				topic, fmt.Sprint(n), "confluent-"+mechanism))
		},
		"franz-go": func(t *testing.T, topic string, n int) []string {
			return franzConsume(t, append(franzSASL(t, b, mechanism), kgo.ConsumerGroup("franz-"+mechanism)), topic, n)
		},
	}
}

// mutualTLS uses the client's certificate alone: no SASL.
func mutualTLS(t *testing.T, b *harness.Broker) {
	t.Helper()
	const topic = "round-trip-mtls"
	createTopic(t, b, topic, 1)
	file := b.TLSProperties(t)
	kcat := []string{
		"-b", b.BootstrapTLS(), "-X", "security.protocol=SSL", "-X", "ssl.ca.location=" + b.CA(),
		"-X", "ssl.certificate.location=" + filepath.Join(b.Dir, "client.pem"), "-X", "ssl.key.location=" + filepath.Join(b.Dir, "client.key"),
	}
	kcatProduce(t, kcat, topic, values("kcat", perClient))
	tools.Must(t, roundTrip, "produce", b.BootstrapTLS(), file, topic, fmt.Sprint(perClient), "java")
	franz := []kgo.Opt{kgo.SeedBrokers(b.BootstrapTLS()), kgo.DialTLSConfig(clientTLS(t, b, true))}
	franzProduce(t, franz, topic, values("franz", perClient))
	out := tools.RunInput(t, strings.Join(values("console", perClient), "\n")+"\n", consoleProducer,
		"--bootstrap-server", b.BootstrapTLS(), "--command-config", file, "--topic", topic)
	if out.Exit != 0 {
		t.Fatalf("console producer: exit %d\n%s\n%s", out.Exit, out.Out, out.Err)
	}
	python := []string{b.BootstrapTLS(), b.CA(), "mTLS", filepath.Join(b.Dir, "client.pem"), filepath.Join(b.Dir, "client.key"), topic}
	harness.Python(t, "kafka_python.py", slices.Concat([]string{"produce"}, python, []string{fmt.Sprint(perClient), "python"})...)

	want := slices.Concat(values("kcat", perClient), values("java", perClient), values("franz", perClient),
		values("console", perClient), values("python", perClient))
	if got := kcatConsume(t, kcat, topic, len(want)); !slices.Equal(got, want) {
		t.Errorf("kcat read %q, want %q", got, want)
	}
	if got := fourthFields(tools.Must(t, roundTrip, "consume", b.BootstrapTLS(), file, topic, fmt.Sprint(len(want)), "java-mtls")); !slices.Equal(got, want) {
		t.Errorf("java read %q, want %q", got, want)
	}
	if got := franzConsume(t, append(franz, kgo.ConsumerGroup("franz-mtls")), topic, len(want)); !slices.Equal(got, want) {
		t.Errorf("franz-go read %q, want %q", got, want)
	}
	if got := strings.Fields(tools.Must(t, consoleConsumer, "--bootstrap-server", b.BootstrapTLS(), "--command-config", file,
		"--topic", topic, "--from-beginning", "--max-messages", fmt.Sprint(len(want)), "--timeout-ms", "30000")); !slices.Equal(got, want) {
		t.Errorf("the console consumer read %q, want %q", got, want)
	}
	if got := strings.Fields(harness.Python(t, "kafka_python.py",
		slices.Concat([]string{"consume"}, python, []string{fmt.Sprint(len(want)), "python-mtls"})...)); !slices.Equal(got, want) {
		t.Errorf("kafka-python read %q, want %q", got, want)
	}
}

func saslKcat(t *testing.T, b *harness.Broker, mechanism string) []string {
	t.Helper()
	user, password := b.Admin(t)
	return []string{
		"-b", b.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location=" + b.CA(),
		"-X", "sasl.mechanism=" + mechanism, "-X", "sasl.username=" + user, "-X", "sasl.password=" + password,
	}
}

func kcatProduce(t *testing.T, conf []string, topic string, records []string, extra ...string) {
	t.Helper()
	harness.Command(t, strings.Join(records, "\n")+"\n", "kcat", slices.Concat(conf, []string{"-P", "-t", topic}, extra)...)
}

func kcatConsume(t *testing.T, conf []string, topic string, n int) []string {
	t.Helper()
	out := harness.Command(t, "", "kcat", slices.Concat(conf, []string{"-C", "-q", "-t", topic, "-o", "beginning", "-c", fmt.Sprint(n)})...)
	return strings.Fields(out)
}

func clientTLS(t *testing.T, b *harness.Broker, withCertificate bool) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(b.CA())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in ca.pem")
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if withCertificate {
		pair, err := tls.LoadX509KeyPair(filepath.Join(b.Dir, "client.pem"), filepath.Join(b.Dir, "client.key"))
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

func franzMechanism(t *testing.T, mechanism, user, password string) sasl.Mechanism {
	t.Helper()
	switch mechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	}
	t.Fatalf("no franz-go mechanism %s", mechanism)
	return nil
}

func franzSASL(t *testing.T, b *harness.Broker, mechanism string) []kgo.Opt {
	t.Helper()
	user, password := b.Admin(t)
	return franzUser(t, b, mechanism, user, password)
}

func franzUser(t *testing.T, b *harness.Broker, mechanism, user, password string) []kgo.Opt {
	t.Helper()
	return []kgo.Opt{
		kgo.SeedBrokers(b.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, b, false)),
		kgo.SASL(franzMechanism(t, mechanism, user, password)),
	}
}

func franzClient(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func franzProduce(t *testing.T, opts []kgo.Opt, topic string, records []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := franzClient(t, opts...)
	batch := make([]*kgo.Record, len(records))
	for i, v := range records {
		batch[i] = &kgo.Record{Topic: topic, Value: []byte(v)}
	}
	if err := c.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		t.Fatalf("franz-go produce: %v", err)
	}
}

func franzConsume(t *testing.T, opts []kgo.Opt, topic string, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := franzClient(t, append(opts, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	var got []string
	for len(got) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("franz-go read %d of %d: %v", len(got), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

// fourthFields takes the values out of RoundTrip's lines: partition, offset, key, value, headers.
func fourthFields(out string) []string {
	var got []string
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) >= 4 {
			got = append(got, fields[3])
		}
	}
	return got
}
