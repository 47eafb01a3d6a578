//go:build interop

package interop

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/crypto/ocsp"

	"github.com/chronik-stream/chronik/test/harness"
)

const failedByCertificate = `chronik_failed_logins_total{listener="SSL",method="mTLS"}`

// certified is a broker with all that certificates can have: SPIFFE IDs name clients of mTLS, SASL takes certificates beside it, there is a
// revocation list, and the server's certificate has a responder.
type certified struct {
	*harness.Broker
	t *testing.T
	*authority
	lists string
	// asked counts the responder's answers; silent makes it refuse.
	asked  atomic.Int64
	silent atomic.Bool
}

func startCertified(t *testing.T) *certified {
	t.Helper()
	c := &certified{t: t, lists: t.TempDir()}
	responder := httptest.NewServer(http.HandlerFunc(c.respond))
	t.Cleanup(responder.Close)
	store := filepath.Join(t.TempDir(), "server.pem")
	c.Broker = harness.New(t, "CHRONIK_TLS_RELOAD_INTERVAL_MS=100", "CHRONIK_SSL_CRL_LOCATION="+c.lists, "CHRONIK_SSL_OCSP_STAPLE=on",
		"CHRONIK_LISTENER_NAME_SASL_SSL_SSL_CLIENT_AUTH=requested", "CHRONIK_LISTENER_NAME_SSL_CHRONIK_SSL_PRINCIPAL_SOURCE=uri",
		"CHRONIK_SSL_KEYSTORE_LOCATION="+store)
	c.authority = devAuthority(t, c.Broker)
	server := c.issue("localhost", func(x *x509.Certificate) { ofServer(x); x.OCSPServer = []string{responder.URL} })
	replace(t, store, c.keyStore(server))
	c.publish()
	c.Run(t)
	return c
}

// publish writes the revocation list.
func (c *certified) publish(revoked ...tls.Certificate) {
	c.t.Helper()
	replace(c.t, filepath.Join(c.lists, "ca.crl"), c.revokes(revoked...))
}

// respond is an OCSP responder that holds every certificate for good.
func (c *certified) respond(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	request, parseErr := ocsp.ParseRequest(body)
	if err != nil || parseErr != nil || c.silent.Load() {
		http.Error(w, "no", http.StatusServiceUnavailable)
		return
	}
	answer, err := ocsp.CreateResponse(c.cert, c.cert, ocsp.Response{
		Status: ocsp.Good, SerialNumber: request.SerialNumber, IssuerHash: crypto.SHA1, ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}, c.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c.asked.Add(1)
	_, _ = w.Write(answer)
}

// with is a client's configuration with a certificate.
func (c *certified) with(pair tls.Certificate) *tls.Config {
	config := clientTLS(c.t, c.Broker, false)
	config.ServerName = "localhost"
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config
}

func (c *certified) dial(address string, pair tls.Certificate) net.Conn {
	c.t.Helper()
	conn, err := tls.Dial("tcp", address, c.with(pair))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	return conn
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	c := startCertified(t)
	t.Run("revoked", c.revocation)
	t.Run("SPIFFE", c.spiffe)
	t.Run("wrong", c.wrong)
	t.Run("expiring", c.expiring)
	t.Run("stapled", c.stapled)
}

// revocation: live sessions of a certificate end when it is revoked, by mTLS and by SASL beside it, one with a fetch that waits; others
// go on.
func (c *certified) revocation(t *testing.T) {
	createTopic(t, c.Broker, secretTopic, 1)
	user, password := c.Admin(t)
	stolen, kept := c.issue("stolen", withURIs("spiffe://example.org/stolen")), c.issue("kept", withURIs("spiffe://example.org/kept"))
	var conns []net.Conn
	for _, pair := range []tls.Certificate{stolen, kept} {
		byCertificate, byPassword := c.dial(c.TLS, pair), c.dial(c.SASL, pair)
		apiVersions(t, byCertificate)
		logInPlain(t, byPassword, user, password)
		conns = append(conns, byCertificate, byPassword)
	}
	fetch := fetchOf(topicID(t, c.Broker, secretTopic))
	fetch.MaxWaitMillis, fetch.SessionEpoch = 600_000, -1
	fetch.SetVersion(13)
	send(t, conns[1], request(fetch))
	failed := seriesOrZero(t, c.Broker, failedByCertificate)

	c.publish(stolen)
	for i, conn := range conns[:2] {
		if !closes(conn) {
			t.Errorf("connection %d with a revoked certificate goes on", i)
		}
	}
	for _, conn := range conns[2:] {
		apiVersions(t, conn)
	}
	for _, address := range []string{c.TLS, c.SASL} {
		if conn := c.dial(address, stolen); !closes(conn) {
			t.Errorf("%s: a revoked certificate gets in", address)
		}
	}
	apiVersions(t, c.dial(c.TLS, kept))
	if got := seriesOrZero(t, c.Broker, failedByCertificate) - failed; got != 1 {
		t.Errorf("%g failed log-ins on the mTLS listener, want 1", got)
	}
	logged(t, c.Broker, `claimed="CN=stolen"`, "the certificate has been revoked")
}

// spiffe: a client of mTLS is who its SPIFFE ID says, for franz-go and for Java.
func (c *certified) spiffe(t *testing.T) {
	const principal = "spiffe://example.org/billing/api"
	createTopic(t, c.Broker, "invoices", 1)
	pair := c.issue("no name", withURIs(principal))
	opts := []kgo.Opt{kgo.SeedBrokers(c.BootstrapTLS()), kgo.DialTLSConfig(c.with(pair))}
	admin(t, c.Broker, aclCommand, "--add", "--allow-principal", "User:"+principal, "--operation", "Write", "--operation", "Read", "--topic", "invoices")
	franzProduce(t, opts, "invoices", []string{"from franz-go"})
	store := filepath.Join(t.TempDir(), "client.pem")
	replace(t, store, c.keyStore(pair))
	java := filepath.Join(t.TempDir(), "client.properties")
	replace(t, java, fmt.Appendf(nil, "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=%s\nssl.keystore.type=PEM\nssl.keystore.location=%s\n", c.CA(), store))
	contains(t, tools.Must(t, topicCommand, "--bootstrap-server", c.BootstrapTLS(), "--command-config", java, "--list"), "invoices")
	for name, uris := range map[string][]string{"none": nil, "two": {principal, "spiffe://example.org/other"}, "another scheme": {"https://example.org/billing"}} {
		if conn := c.dial(c.TLS, c.issue("ambiguous", withURIs(uris...))); !closes(conn) {
			t.Errorf("%s: gets in", name)
		}
	}
}

// wrong: what is wrong with a certificate is counted as a failed log-in, and in the audit log.
func (c *certified) wrong(t *testing.T) {
	good := c.issue("good", withURIs("spiffe://example.org/good"))
	truncated, thief := good, good
	truncated.Certificate = [][]byte{good.Certificate[0][:100]}
	thief.PrivateKey = c.issue("thief", nil).PrivateKey
	wrong := map[string]tls.Certificate{
		"expired":       c.issue("expired", func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) }),
		"not valid yet": c.issue("early", func(x *x509.Certificate) { x.NotBefore = time.Now().Add(time.Hour) }),
		"a stranger's":  newAuthority(t, "another authority").issue("stranger", nil),
		"a server's":    c.issue("server", ofServer),
		"truncated":     truncated,
		"without key":   thief,
	}
	failed := seriesOrZero(t, c.Broker, failedByCertificate)
	for name, pair := range wrong {
		if conn := c.dial(c.TLS, pair); !closes(conn) {
			t.Errorf("%s: gets in", name)
		}
	}
	if got := seriesOrZero(t, c.Broker, failedByCertificate) - failed; got != float64(len(wrong)) {
		t.Errorf("%g failed log-ins, want %d", got, len(wrong))
	}
	for _, claimed := range []string{"CN=expired", "CN=early", "CN=stranger", "CN=server"} {
		logged(t, c.Broker, fmt.Sprintf("claimed=%q", claimed))
	}
	stray := clientTLS(t, c.Broker, false)
	stray.ServerName = "other.example"
	if conn, err := tls.Dial("tcp", c.SASL, stray); err == nil {
		conn.Close()
		t.Error("a client takes the certificate of another host")
	}
}

// expiring: a connection ends when its certificate does.
func (c *certified) expiring(t *testing.T) {
	soon := c.issue("soon", func(x *x509.Certificate) {
		withURIs("spiffe://example.org/soon")(x)
		x.NotAfter = time.Now().Add(3 * time.Second)
	})
	conn := c.dial(c.TLS, soon)
	apiVersions(t, conn)
	if !closes(conn) {
		t.Error("goes on after its certificate")
	}
	if conn := c.dial(c.TLS, soon); !closes(conn) {
		t.Error("gets in after the end of its certificate")
	}
}

// stapled: OpenSSL and Java get the OCSP response in the handshake. The responder is silent when they come.
func (c *certified) stapled(t *testing.T) {
	waitFor(t, "the responder to be asked by both listeners", func() bool { return c.asked.Load() >= 2 })
	waitFor(t, "a stapled response", func() bool {
		out, _ := harness.TryCommand(t, "", "openssl", "s_client", "-connect", c.SASL, "-status", "-CAfile", c.CA(), "-servername", "localhost")
		return strings.Contains(out, "OCSP Response Status: successful") && strings.Contains(out, "Cert Status: good")
	})
	c.silent.Store(true)
	security := filepath.Join(t.TempDir(), "java.security")
	replace(t, security, []byte("ocsp.enable=true\n"))
	java := func(staple bool) (string, error) {
		options := []string{
			"-Djava.security.properties=" + security, "-Dcom.sun.net.ssl.checkRevocation=true",
			fmt.Sprint("-Djdk.tls.client.enableStatusRequestExtension=", staple),
		}
		return harness.TryCommand(t, "", "java", harness.JavaArgs(t, options, apiVersionsCommand,
			"--bootstrap-server", c.Bootstrap(), "--command-config", c.ClientProperties())...)
	}
	if out, err := java(true); err != nil || !strings.Contains(out, "ApiVersions(18)") {
		t.Errorf("Java with stapling: %v\n%s", err, out)
	}
	if out, err := java(false); err == nil && strings.Contains(out, "ApiVersions(18)") {
		t.Errorf("Java does not look at the status:\n%s", out)
	}
}

// seriesOrZero is a metric with labels, 0 before its first event.
func seriesOrZero(t *testing.T, b *harness.Broker, series string) float64 {
	t.Helper()
	if !strings.Contains(scrape(t, b), series) {
		return 0
	}
	return metric(t, b, series)
}
