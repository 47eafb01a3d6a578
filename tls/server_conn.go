package tls

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// noCertificate is how the standard library words that a client sent no certificate where one is required; it has no value
// to compare with. A test holds it to what a handshake really says.
const noCertificate = "tls: client didn't provide a certificate"

// Conn is the server's side of TLS on one connection.
type Conn struct{ *stdtls.Conn }

// Server puts TLS on an accepted connection. The handshake is the caller's to start, by HandshakeContext.
func Server(nc net.Conn, config *stdtls.Config) *Conn { return &Conn{stdtls.Server(nc, config)} }

// HandshakeContext does the handshake. It fails with *HandshakeError, and closes the connection when ctx ends first.
func (c *Conn) HandshakeContext(ctx context.Context) error {
	if err := c.Conn.HandshakeContext(ctx); err != nil {
		return &HandshakeError{cause: err}
	}
	return nil
}

// PeerCertificates is the client's chain, leaf first, after the handshake. It is empty where the client sent none; what it
// sent has been verified where the configuration asks for that.
func (c *Conn) PeerCertificates() []*x509.Certificate { return c.ConnectionState().PeerCertificates }

// HandshakeError is a failed handshake.
type HandshakeError struct{ cause error }

// Error says why the handshake failed.
func (e *HandshakeError) Error() string { return fmt.Sprintf("TLS handshake: %v", e.cause) }

// Unwrap returns what crypto/tls, or one of the configuration's own checks, failed with.
func (e *HandshakeError) Unwrap() error { return e.cause }

// ClientCertificateRefused reports whether the handshake failed for the client's certificate, missing, invalid or revoked,
// and not for the network or for what the two sides can speak.
func (e *HandshakeError) ClientCertificateRefused() bool {
	var verification *stdtls.CertificateVerificationError
	var refused interface{ CertificateRefused() bool }
	switch {
	case errors.As(e.cause, &verification):
		return true
	case errors.As(e.cause, &refused):
		return refused.CertificateRefused()
	default:
		return e.cause.Error() == noCertificate
	}
}
