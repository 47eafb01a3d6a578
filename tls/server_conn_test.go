package tls

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"
)

// selfSigned makes a certificate that is its own issuer.
func selfSigned(t *testing.T, name string) stdtls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestServerHandshake(t *testing.T) {
	server, known, stranger := selfSigned(t, "localhost"), selfSigned(t, "alice"), selfSigned(t, "eve")
	pool := x509.NewCertPool()
	pool.AddCert(known.Leaf)
	roots := x509.NewCertPool()
	roots.AddCert(server.Leaf)
	for name, c := range map[string]struct {
		certificates []stdtls.Certificate
		plain        bool
		fails        bool
		refused      bool
	}{
		"known":          {certificates: []stdtls.Certificate{known}},
		"stranger":       {certificates: []stdtls.Certificate{stranger}, fails: true, refused: true},
		"no certificate": {fails: true, refused: true},
		"not TLS":        {plain: true, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			defer func() { _ = near.Close() }()
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = far.Close() }()
				if c.plain {
					_, _ = far.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
					return
				}
				// Whatever is wrong with the client is what the server's side is asked about.
				client := stdtls.Client(far, &stdtls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: stdtls.VersionTLS13, GetClientCertificate: func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) {
					if len(c.certificates) == 0 {
						return &stdtls.Certificate{}, nil
					}
					return &c.certificates[0], nil
				}})
				_, _ = client.Read(make([]byte, 1))
			}()
			conn := Server(near, &stdtls.Config{
				Certificates: []stdtls.Certificate{server}, ClientAuth: stdtls.RequireAndVerifyClientCert, ClientCAs: pool,
				MinVersion: stdtls.VersionTLS13, SessionTicketsDisabled: true,
			})
			err := conn.HandshakeContext(context.Background())
			if (err != nil) != c.fails {
				t.Fatalf("handshake: %v", err)
			}
			if err == nil && conn.PeerCertificates()[0].Subject.CommonName != "alice" {
				t.Errorf("peer: %v", conn.PeerCertificates()[0].Subject)
			}
			var failed *HandshakeError
			if errors.As(err, &failed) && failed.ClientCertificateRefused() != c.refused {
				t.Errorf("refused certificate: %v, want %v: %v", !c.refused, c.refused, err)
			}
			_ = near.Close()
			<-done
		})
	}
}
