package tls

import (
	"context"
	stdtls "crypto/tls"
	"errors"
	"fmt"
	"net"
)

// ClientConfig is how a client secures its connections, for packages that do not know TLS themselves.
type ClientConfig = stdtls.Config

// Client does the client's side of a handshake on a connection, which is closed where that fails.
func Client(ctx context.Context, raw net.Conn, cfg *ClientConfig) (net.Conn, error) {
	c := stdtls.Client(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("TLS handshake: %w", err), raw.Close())
	}
	return c, nil
}

// ClientConfig reads the store and returns what a client needs that trusts its certificates or, where it is empty, the system's
// authorities. Names are verified.
func (t TrustStore) ClientConfig() (*ClientConfig, error) {
	if t.Type == "" {
		t.Type = DefaultStoreType
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	f, err := readFiles(t.Location)
	if err != nil {
		return nil, err
	}
	roots, err := t.load(f)
	if err != nil {
		return nil, err
	}
	return &stdtls.Config{MinVersion: stdtls.VersionTLS12, RootCAs: poolOf(roots)}, nil
}
