package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/doctor"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/tls"
)

var now = time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)

// ward is a place for the files that configurations name.
type ward struct {
	t   *testing.T
	dir string
}

func newWard(t *testing.T) *ward {
	w := &ward{t: t, dir: t.TempDir()}
	if err := os.Mkdir(w.path("data"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.certificate("server.pem", "a test authority", now.AddDate(0, -1, 0), now.AddDate(1, 0, 0))
	w.write("users.properties", "alice=a-long-enough-word")
	w.write("kafka.keytab", "")
	return w
}

func (w *ward) path(name string) string { return filepath.Join(w.dir, name) }

func (w *ward) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *ward) chmod(name string, mode os.FileMode) {
	w.t.Helper()
	if err := os.Chmod(w.path(name), mode); err != nil {
		w.t.Fatal(err)
	}
}

// certificate makes a key and a certificate of issuer for it.
func (w *ward) certificate(name, issuer string, from, to time.Time) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: from, NotAfter: to}
	parent := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: issuer}}
	raw, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	w.write(name, string(append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)))
}

// facts are those of a configuration, in which DIR stands for the ward's directory. The later lines go before the earlier ones.
func (w *ward) facts(lines ...string) *doctor.Facts {
	w.t.Helper()
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "DIR", w.dir)
	w.write("server.properties", text)
	file, err := config.FromProperties("server.properties", strings.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	c, _, err := config.Load(file)
	if err != nil {
		w.t.Fatal(err)
	}
	f := &doctor.Facts{
		Source: "a test", Config: c, ConfigFile: w.path("server.properties"), Now: now, FIPS: true, Clock: doctor.ClockSynchronized, Stat: os.Stat,
	}
	for i := range c.Listeners {
		l := doctor.Listener{Listener: &c.Listeners[i]}
		if l.TLS != nil {
			l.Offer, l.Unread = tls.Inspect(tls.Config{
				KeyStore:   tls.KeyStore{Type: l.TLS.KeyStoreType, Location: l.TLS.KeyStoreLocation, KeyLocation: l.TLS.KeyLocation},
				ClientAuth: tls.None, EnabledProtocols: l.TLS.EnabledProtocols, CipherSuites: l.TLS.CipherSuites,
				PostQuantum: l.Requires(config.RequirePostQuantum),
			})
		}
		f.Listeners = append(f.Listeners, l)
	}
	return f
}

// image is a cluster with an audit topic to which commands were applied.
func (w *ward) image(commands ...meta.Command) *meta.Image {
	w.t.Helper()
	img := meta.NewImage()
	begin := []meta.Command{
		&meta.RegisterBroker{Broker: meta.Broker{ID: 1}},
		&meta.CreateTopics{Topics: []meta.NewTopic{{
			Name: controller.AuditTopic, ID: meta.TopicID{1}, Replicas: [][]int32{{1}}, Configs: map[string]string{"retention.ms": "-1", "retention.bytes": "-1"},
		}}},
	}
	for _, c := range append(begin, commands...) {
		next, _, result := img.Apply(img.Index()+1, c)
		for _, item := range result.Items {
			if item.Code != wire.None {
				w.t.Fatalf("%T %s: %s", c, item.Name, item.Message)
			}
		}
		img = next
	}
	return img
}

func allow(principal string, op authz.Operation, t authz.ResourceType, name string) authz.Binding {
	return authz.Binding{Type: t, Name: name, Pattern: authz.Literal, Principal: principal, Host: "*", Operation: op, Permission: authz.Allow}
}

func user(name string, iterations int) *meta.AlterScram {
	return &meta.AlterScram{Upserts: []meta.ScramCredential{{User: name, Mechanism: meta.ScramSHA512, Salt: make([]byte, 16), Iterations: iterations}}}
}
