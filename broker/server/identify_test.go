package server

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
)

// fakeTLS is a SecureConn whose handshake has the result that a test wants.
type fakeTLS struct {
	net.Conn
	result error
	chain  []*x509.Certificate
}

func (f fakeTLS) HandshakeContext(context.Context) error { return f.result }
func (f fakeTLS) PeerCertificates() []*x509.Certificate  { return f.chain }

type refusedCertificate struct{}

func (refusedCertificate) Error() string                  { return "revoked" }
func (refusedCertificate) ClientCertificateRefused() bool { return true }

func sslListener(f fakeTLS) Listener {
	return Listener{
		Protocol: SSL,
		Secure:   func(nc net.Conn) SecureConn { f.Conn = nc; return f },
		PrincipalOf: func(chain []*x509.Certificate) (auth.Principal, error) {
			if chain[0].Subject.CommonName == "nobody" {
				return auth.Principal{}, errors.New("no rule")
			}
			return auth.User(chain[0].Subject.CommonName), nil
		},
	}
}

func certificate(name string) []*x509.Certificate {
	return []*x509.Certificate{{Subject: pkix.Name{CommonName: name}}}
}

func TestCertificateIsAnIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		tls    fakeTLS
		want   auth.Principal
		method string
	}{
		"certificate":    {fakeTLS{chain: certificate("alice")}, auth.User("alice"), methodMTLS},
		"no certificate": {fakeTLS{}, auth.Anonymous(), methodNone},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sslListener(c.tls), nil)
			r.dial().call(kmsg.NewPtrMetadataRequest(), 12)
			if s := r.record.sessions[0]; s.Principal != c.want || s.Method != c.method || s.Protocol != SSL {
				t.Errorf("session %+v", s)
			}
		})
	}
}

func TestRefusedCertificates(t *testing.T) {
	for name, c := range map[string]struct {
		tls      fakeTLS
		recorded bool
	}{
		"no principal":     {fakeTLS{chain: certificate("nobody")}, true},
		"revoked":          {fakeTLS{result: refusedCertificate{}}, true},
		"broken handshake": {fakeTLS{result: errors.New("first record does not look like TLS")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sslListener(c.tls), nil)
			r.dial().closed()
			r.until(func() bool { return len(r.server.conns) == 0 })
			if got := len(r.record.failures) == 1; got != c.recorded {
				t.Errorf("recorded failures: %+v", r.record.failures)
			}
		})
	}
}

func TestConfigurationErrors(t *testing.T) {
	good := newRig(t, plainListener(), nil).server.cfg
	for name, spoil := range map[string]func(*Config){
		"no listener":     func(c *Config) { c.Listeners = nil },
		"no recorder":     func(c *Config) { c.Recorder = nil },
		"no guard":        func(c *Config) { c.Guard = nil },
		"no protocol":     func(c *Config) { c.Listeners = []Listener{{Name: "A"}} },
		"no TLS":          func(c *Config) { c.Listeners = []Listener{{Name: "A", Protocol: SSL}} },
		"no mechanism":    func(c *Config) { c.Listeners = []Listener{{Name: "A", Protocol: SASLPlaintext}} },
		"listener twice":  func(c *Config) { c.Listeners = append(c.Listeners, c.Listeners...) },
		"nameless listen": func(c *Config) { c.Listeners = []Listener{{Protocol: Plaintext}} },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
