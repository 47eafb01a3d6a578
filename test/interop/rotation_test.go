//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// rotation is a broker whose certificates are replaced, and the two authorities that sign them.
type rotation struct {
	*harness.Broker
	t            *testing.T
	old, next    *authority
	store, trust string // the broker's files
	bundle       string // the authorities that clients trust: both
	roots        *x509.CertPool
	user, secret string
	written      atomic.Int64
	stop         chan struct{}
	mu           sync.Mutex
	failures     []error
}

func startRotation(t *testing.T) *rotation {
	t.Helper()
	dir := t.TempDir()
	r := &rotation{
		t: t, store: filepath.Join(dir, "server.pem"), trust: filepath.Join(dir, "trust.pem"), bundle: filepath.Join(dir, "bundle.pem"),
		roots: x509.NewCertPool(), stop: make(chan struct{}),
	}
	r.Broker = harness.New(t, "CHRONIK_TLS_RELOAD_INTERVAL_MS=50", "CHRONIK_SSL_KEYSTORE_LOCATION="+r.store, "CHRONIK_SSL_TRUSTSTORE_LOCATION="+r.trust)
	r.old, r.next = devAuthority(t, r.Broker), newAuthority(t, "the next authority")
	for _, a := range []*authority{r.old, r.next} {
		r.roots.AddCert(a.cert)
	}
	replace(t, r.bundle, certificates(r.old.cert, r.next.cert))
	replace(t, r.trust, certificates(r.old.cert))
	replace(t, r.store, r.old.keyStore(r.old.issue("localhost", ofServer)))
	r.Run(t)
	r.user, r.secret = r.Admin(t)
	return r
}

// serve replaces the server's certificate by one of an authority, and waits until it is shown.
func (r *rotation) serve(a *authority) {
	r.t.Helper()
	pair := a.issue("localhost", ofServer)
	replace(r.t, r.store, a.keyStore(pair))
	waitFor(r.t, "the new certificate", func() bool {
		conn, err := tls.Dial("tcp", r.SASL, &tls.Config{RootCAs: r.roots, ServerName: "localhost"})
		if err != nil {
			r.t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Equal(pair.Leaf)
	})
}

// accept replaces the authorities that the broker trusts, and waits until a client of the last one gets in.
func (r *rotation) accept(all ...*authority) {
	r.t.Helper()
	var certs []*x509.Certificate
	for _, a := range all {
		certs = append(certs, a.cert)
	}
	replace(r.t, r.trust, certificates(certs...))
	pair := all[len(all)-1].issue("client", nil)
	waitFor(r.t, "clients of another authority to get in", func() bool {
		conn, err := tls.Dial("tcp", r.TLS, r.shows(pair))
		if err != nil {
			r.t.Fatal(err)
		}
		defer conn.Close()
		_, err = exchange(conn, apiVersionsRequest())
		return err == nil
	})
}

func (r *rotation) shows(pair tls.Certificate) *tls.Config {
	return &tls.Config{
		RootCAs: r.roots, ServerName: "localhost",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
	}
}

// sasl and mtls are a client's options for either listener. Nothing is tried again, so that every failure shows.
func (r *rotation) sasl() []kgo.Opt {
	return append(r.strict(), kgo.SeedBrokers(r.Bootstrap()), kgo.DialTLSConfig(&tls.Config{RootCAs: r.roots}),
		kgo.SASL(franzMechanism(r.t, "SCRAM-SHA-512", r.user, r.secret)))
}

func (r *rotation) mtls(pair tls.Certificate) []kgo.Opt {
	return append(r.strict(), kgo.SeedBrokers(r.BootstrapTLS()), kgo.DialTLSConfig(r.shows(pair)))
}

func (r *rotation) strict() []kgo.Opt {
	return []kgo.Opt{kgo.RequestRetries(0), kgo.RecordRetries(0), kgo.DisableIdempotentWrite()}
}

// produceUntilStopped writes record after record, over one connection or each over a new one.
func (r *rotation) produceUntilStopped(opts []kgo.Opt, anew bool) {
	var client *kgo.Client
	var err error
	defer func() {
		if client != nil {
			client.Close()
		}
	}()
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		if client == nil {
			if client, err = kgo.NewClient(opts...); err != nil {
				r.failed(err)
				return
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err = client.ProduceSync(ctx, &kgo.Record{Topic: "rotated", Value: []byte("x")}).FirstErr()
		cancel()
		if err != nil {
			r.failed(err)
			return
		}
		r.written.Add(1)
		if anew {
			client.Close()
			client = nil
		}
	}
}

func (r *rotation) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, err)
}

// javaFile is a file for Java clients of either listener.
func (r *rotation) javaFile(pair *tls.Certificate) string {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "client.properties")
	text := "ssl.truststore.type=PEM\nssl.truststore.location=" + r.bundle + "\n"
	if pair == nil {
		text += fmt.Sprintf("security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=%q password=%q;\n", r.user, r.secret)
	} else {
		store := filepath.Join(r.t.TempDir(), "client.pem")
		replace(r.t, store, r.old.keyStore(*pair))
		text += "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=" + store + "\n"
	}
	replace(r.t, path, []byte(text))
	return path
}

// TestRotationUnderLoad replaces the server's certificate and its authority, there and back, while franz-go and Java write over SASL_SSL
// and mTLS: over connections that stay, and over new ones. No request fails, with nobody trying again.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	const javaRecords, javaRate = 1200, 200
	r := startRotation(t)
	for _, topic := range []string{"rotated", "java-sasl", "java-mtls"} {
		createTopic(t, r.Broker, topic, 1)
		admin(t, r.Broker, aclCommand, "--add", "--allow-principal", "User:CN=client", "--operation", "Write", "--topic", topic)
	}
	client := r.old.issue("client", nil)
	sasl, mtls := r.javaFile(nil), r.javaFile(&client)
	var producers, java sync.WaitGroup
	for _, opts := range [][]kgo.Opt{r.sasl(), r.mtls(client)} {
		for _, anew := range []bool{false, true} {
			producers.Go(func() { r.produceUntilStopped(opts, anew) })
		}
	}
	for topic, file := range map[string][]string{"java-sasl": {r.Bootstrap(), sasl}, "java-mtls": {r.BootstrapTLS(), mtls}} {
		java.Go(func() {
			if out, err := r.produceByJava(topic, file[0], file[1], javaRecords, javaRate); err != nil {
				r.failed(fmt.Errorf("%s: %w\n%s", topic, err, out))
			}
		})
	}
	ended := make(chan struct{})
	go func() { java.Wait(); close(ended) }()
	rounds := r.rotateUntil(ended, sasl, mtls)
	close(r.stop)
	producers.Wait()
	for _, err := range r.failures {
		t.Error(err)
	}
	if rounds < 2 || r.written.Load() < 10*int64(rounds) {
		t.Errorf("%d rounds, %d records", rounds, r.written.Load())
	}
	for topic, want := range map[string]int64{"rotated": r.written.Load(), "java-sasl": javaRecords, "java-mtls": javaRecords} {
		if got := r.end(topic); got != want {
			t.Errorf("%s has %d records, want %d", topic, got, want)
		}
	}
	r.retire(client)
}

func (r *rotation) produceByJava(topic, bootstrap, file string, records, rate int) (string, error) {
	return harness.TryCommand(r.t, "", "java", harness.JavaArgs(r.t, nil, producerPerf,
		"--topic", topic, "--num-records", fmt.Sprint(records), "--record-size", "10", "--throughput", fmt.Sprint(rate), "--bootstrap-server", bootstrap,
		"--command-config", file, "--command-property", "acks=all", "--command-property", "retries=0", "--command-property", "enable.idempotence=false")...)
}

// rotateUntil goes through all the steps of a rotation, there and back, until a channel is closed. Java connects anew after each.
func (r *rotation) rotateUntil(ended <-chan struct{}, sasl, mtls string) (rounds int) {
	r.t.Helper()
	steps := []func(){
		func() { r.serve(r.old) }, func() { r.accept(r.old, r.next) }, func() { r.serve(r.next) }, func() { r.serve(r.next) },
		func() { r.accept(r.next, r.old) }, func() { r.serve(r.old) },
	}
	for i := 0; ; i++ {
		select {
		case <-ended:
			return i / len(steps)
		default:
		}
		steps[i%len(steps)]()
		bootstrap, file := r.Bootstrap(), sasl
		if i%2 == 1 {
			bootstrap, file = r.BootstrapTLS(), mtls
		}
		tools.Must(r.t, topicCommand, "--bootstrap-server", bootstrap, "--command-config", file, "--list")
	}
}

func (r *rotation) end(topic string) int64 {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ends, err := kadm.NewClient(franzClient(r.t, r.sasl()...)).ListEndOffsets(ctx, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	end, found := ends.Lookup(topic, 0)
	if !found || end.Err != nil {
		r.t.Fatalf("%+v", ends)
	}
	return end.Offset
}

// retire stops trusting the old authority: its clients do not get in any more, and the connections that they have go on.
func (r *rotation) retire(client tls.Certificate) {
	r.t.Helper()
	conn, err := tls.Dial("tcp", r.TLS, r.shows(client))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	apiVersions(r.t, conn)
	r.accept(r.next)
	waitFor(r.t, "clients of the old authority to be refused", func() bool {
		stranger, err := tls.Dial("tcp", r.TLS, r.shows(client))
		if err != nil {
			return true
		}
		defer stranger.Close()
		_, err = exchange(stranger, apiVersionsRequest())
		return err != nil
	})
	if len(apiVersions(r.t, conn)) == 0 {
		r.t.Error("the connection from before answers nothing")
	}
}
