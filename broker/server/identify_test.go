package server

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
)

// fakeTLS is a SecureConn whose handshake has the result that a test wants.
type fakeTLS struct {
	net.Conn
	result error
	chain  []*x509.Certificate
	// revoked is what is known of the chain after the handshake.
	revoked error
}

func (f fakeTLS) HandshakeContext(context.Context) error { return f.result }
func (f fakeTLS) PeerCertificates() []*x509.Certificate  { return f.chain }

func (f fakeTLS) Negotiated() (version, group, suite string, postQuantum bool) {
	return "TLSv1.3", "X25519MLKEM768", "TLS_AES_128_GCM_SHA256", true
}

func (f fakeTLS) StillTrusted([]*x509.Certificate) error { return f.revoked }

type refusedCertificate struct{}

func (refusedCertificate) Error() string                  { return "revoked" }
func (refusedCertificate) ClientCertificateRefused() bool { return true }
func (refusedCertificate) ClaimedSubject() string         { return "CN=mallory" }

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
	return []*x509.Certificate{{Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(0xbeef), NotAfter: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}}
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
		tls     fakeTLS
		claimed string // "" where it is no failed log-in
	}{
		"no principal":     {fakeTLS{chain: certificate("nobody")}, "CN=nobody"},
		"revoked":          {fakeTLS{result: refusedCertificate{}}, "CN=mallory"},
		"revoked just now": {fakeTLS{chain: certificate("alice"), revoked: errors.New("revoked")}, "alice"},
		"broken handshake": {fakeTLS{result: errors.New("first record does not look like TLS")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sslListener(c.tls), nil)
			r.dial().closed()
			r.until(func() bool { return len(r.server.conns) == 0 })
			claimed := ""
			if len(r.record.failures) == 1 {
				claimed = r.record.failures[0].Claimed
			}
			if claimed != c.claimed || len(r.record.failures) > 1 {
				t.Errorf("recorded failures: %+v, want one of %q", r.record.failures, c.claimed)
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
