package tls

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	certsdev "github.com/chronik-stream/chronik/certs-dev"
)

// pki is a development PKI to test with.
func pki(t *testing.T) *certsdev.Paths {
	t.Helper()
	paths, err := certsdev.Ensure(t.TempDir(), certsdev.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// serverConfig is a listener with paths' server certificate.
func serverConfig(paths *certsdev.Paths, client ClientAuth) Config {
	return Config{
		KeyStore:   KeyStore{Type: "PEM", Location: paths.ServerChain, KeyLocation: paths.ServerKey},
		TrustStore: TrustStore{Type: "PEM", Location: paths.CA},
		ClientAuth: client,
	}
}

func load(t *testing.T, cfg Config) *Reloader {
	t.Helper()
	r, err := Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// clientConfig trusts paths' authority, and shows the client certificate of owner if that is not nil.
func clientConfig(t *testing.T, paths, owner *certsdev.Paths) *stdtls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(read(t, paths.CA)) {
		t.Fatal("no certificate in ca.pem")
	}
	config := &stdtls.Config{RootCAs: roots, ServerName: "localhost"}
	if owner != nil {
		pair, err := stdtls.LoadX509KeyPair(owner.ClientKeyStore, owner.ClientKeyStore)
		if err != nil {
			t.Fatal(err)
		}
		// Not Certificates: those are only shown to a server that says that it trusts their issuer.
		config.GetClientCertificate = func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) { return &pair, nil }
	}
	return config
}

// handshake connects a client and sends one byte to it, so that it has taken in what ends a handshake of TLS 1.3.
func handshake(t *testing.T, r *Reloader, client *stdtls.Config) (server *Conn, state ConnectionState, serverErr, clientErr error) {
	t.Helper()
	here, there := connect(t)
	server = r.Server(here)
	conn := stdtls.Client(there, client)
	done := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		if err != nil {
			_ = there.Close() // the server waits for a client that has given up without a word
		}
		done <- err
	}()
	if serverErr = server.HandshakeContext(context.Background()); serverErr == nil {
		_, serverErr = server.Write([]byte{1})
	} else {
		_ = here.Close()
	}
	clientErr = <-done
	return server, conn.ConnectionState(), serverErr, clientErr
}

func connect(t *testing.T) (here, there net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			close(accepted)
			return
		}
		accepted <- conn
	}()
	there, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here = <-accepted
	if here == nil {
		t.Fatal("not accepted")
	}
	t.Cleanup(func() {
		_ = here.Close()
		_ = there.Close()
	})
	return here, there
}

func TestHandshakeIsModern(t *testing.T) {
	paths := pki(t)
	_, state, serverErr, clientErr := handshake(t, load(t, serverConfig(paths, None)), clientConfig(t, paths, nil))
	if serverErr != nil || clientErr != nil {
		t.Fatal(serverErr, clientErr)
	}
	if state.Version != stdtls.VersionTLS13 || state.CurveID != stdtls.X25519MLKEM768 {
		t.Errorf("%s with %s", stdtls.VersionName(state.Version), state.CurveID)
	}
	old := clientConfig(t, paths, nil)
	old.MaxVersion = stdtls.VersionTLS12
	if _, state, serverErr, clientErr = handshake(t, load(t, serverConfig(paths, None)), old); serverErr != nil || clientErr != nil {
		t.Fatal(serverErr, clientErr)
	}
	if state.Version != stdtls.VersionTLS12 {
		t.Errorf("%s", stdtls.VersionName(state.Version))
	}
}

// TestOldVersionsAreRefused and are no failed log-in.
func TestOldVersionsAreRefused(t *testing.T) {
	paths := pki(t)
	old := clientConfig(t, paths, nil)
	old.MinVersion, old.MaxVersion = stdtls.VersionTLS10, stdtls.VersionTLS11
	_, _, serverErr, clientErr := handshake(t, load(t, serverConfig(paths, None)), old)
	var refused *ClientCertificateError
	if serverErr == nil || clientErr == nil || errors.As(serverErr, &refused) {
		t.Errorf("TLS 1.1: %v, %v", serverErr, clientErr)
	}
}

func TestClientCertificates(t *testing.T) {
	paths, stranger := pki(t), pki(t)
	asServer := &certsdev.Paths{ClientKeyStore: join(t, paths.ServerKey, paths.ServerChain)}
	for _, c := range []struct {
		name    string
		auth    ClientAuth
		owner   *certsdev.Paths
		subject string // "" where the client is nobody
		refused bool
	}{
		{"none, without", None, nil, "", false},
		{"none, with", None, paths, "", false},
		{"requested, without", Requested, nil, "", false},
		{"requested, with", Requested, paths, "CN=chronik-client", false},
		{"requested, a stranger", Requested, stranger, "", true},
		{"required, without", Required, nil, "", true},
		{"required, with", Required, paths, "CN=chronik-client", false},
		{"required, a stranger", Required, stranger, "", true},
		{"required, a server's certificate", Required, asServer, "", true},
	} {
		for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
			client := clientConfig(t, paths, c.owner)
			client.MinVersion, client.MaxVersion = version, version
			server, _, err, clientErr := handshake(t, load(t, serverConfig(paths, c.auth)), client)
			var refused *ClientCertificateError
			if errors.As(err, &refused) != c.refused || (err != nil) != c.refused || (clientErr != nil) != c.refused {
				t.Errorf("%s, %s: %v, %v", c.name, stdtls.VersionName(version), err, clientErr)
				continue
			}
			if c.refused {
				if !refused.ClientCertificateRefused() {
					t.Errorf("%s: not told as a refused certificate", c.name)
				}
				continue
			}
			checkPeer(t, c.name, server, c.subject)
		}
	}
}

func checkPeer(t *testing.T, name string, server *Conn, subject string) {
	t.Helper()
	leaf, known := PeerLeaf(server.ConnectionState())
	chain := server.PeerCertificates()
	if known != (subject != "") || (len(chain) > 0) != known {
		t.Errorf("%s: leaf %t, chain of %d, want %q", name, known, len(chain), subject)
		return
	}
	if known && (leaf.Subject.String() != subject || !leaf.Equal(chain[0])) {
		t.Errorf("%s: %s, want %s", name, leaf.Subject, subject)
	}
}

// TestInline has the certificates in the settings themselves, and the chain in a wrong order.
func TestInline(t *testing.T) {
	paths := pki(t)
	cfg := Config{
		KeyStore: KeyStore{
			Type: "PEM", Key: string(read(t, paths.ServerKey)),
			CertificateChain: string(read(t, paths.CA)) + string(read(t, paths.ServerChain)),
		},
		TrustStore: TrustStore{Type: "PEM", Certificates: string(read(t, paths.CA))},
		ClientAuth: Required,
	}
	if _, _, serverErr, clientErr := handshake(t, load(t, cfg), clientConfig(t, paths, paths)); serverErr != nil || clientErr != nil {
		t.Error(serverErr, clientErr)
	}
}

func TestPairMustFit(t *testing.T) {
	paths, other := pki(t), pki(t)
	cfg := serverConfig(paths, None)
	cfg.KeyStore.KeyLocation = other.ServerKey
	if _, err := Load(cfg); !errors.Is(err, ErrBadStore) {
		t.Errorf("another's key: %v", err)
	}
	cfg.KeyStore.KeyLocation = join(t, paths.ServerKey, other.ServerKey)
	if _, err := Load(cfg); !errors.Is(err, ErrBadStore) {
		t.Errorf("two keys: %v", err)
	}
}

// join writes files one after the other into a new one.
func join(t *testing.T, paths ...string) string {
	t.Helper()
	var all []byte
	for _, path := range paths {
		all = append(all, read(t, path)...)
	}
	path := filepath.Join(t.TempDir(), "joined.pem")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
