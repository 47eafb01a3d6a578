package tls

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Conn is the server's side of a TLS connection.
type Conn struct {
	*stdtls.Conn
	reloader *Reloader
	accepted *accepted
}

// ConnectionState is crypto/tls's, for those who may not import it.
type ConnectionState = stdtls.ConnectionState

// Server puts the server's side of TLS on an accepted connection. The handshake is the caller's to do, by HandshakeContext.
func (r *Reloader) Server(conn net.Conn) *Conn {
	a := &accepted{Conn: conn}
	return &Conn{Conn: stdtls.Server(a, r.outer), reloader: r, accepted: a}
}

// HandshakeContext does the handshake. An error that wraps a ClientCertificateError means that the client's certificate was
// missing or refused, which is a failed log-in; one that wraps a RequirementError that the client does not offer what the listener
// requires; any other is a failed connection.
func (c *Conn) HandshakeContext(ctx context.Context) error {
	err := c.Conn.HandshakeContext(ctx)
	if err == nil {
		c.accepted.forget()
		return nil
	}
	var verification *stdtls.CertificateVerificationError
	if errors.As(err, &verification) || slices.ContainsFunc(refusals(), func(text string) bool { return strings.HasPrefix(err.Error(), text) }) {
		err = &ClientCertificateError{cause: err}
	}
	return fmt.Errorf("TLS handshake: %w", c.accepted.unmet(&c.reloader.settings, err))
}

// refusals are how crypto/tls tells that a client had no certificate, one that can not be read, or not its key; it has no values to
// compare with. Tests hold them to what handshakes really say.
func refusals() []string {
	return []string{
		"tls: client didn't provide a certificate", "tls: failed to parse client certificate",
		"tls: client certificate contains an unsupported public key", "tls: client certificate used with invalid signature algorithm",
		"tls: invalid signature by the client certificate",
	}
}

// PeerCertificates is the client's verified chain, leaf first, after the handshake; nil where it sent none.
func (c *Conn) PeerCertificates() []*x509.Certificate {
	chains := c.ConnectionState().VerifiedChains
	if len(chains) == 0 {
		return nil
	}
	if chain, err := c.reloader.trusted(chains); err == nil {
		return chain
	}
	return chains[0] // revoked since the handshake, as StillTrusted tells
}

// StillTrusted asks the revocation lists that are in force now about a chain that was verified. That nothing current is known
// does not count: it is decided about in the handshake.
func (c *Conn) StillTrusted(chain []*x509.Certificate) error { return c.reloader.StillTrusted(chain) }

// PeerLeaf returns the other side's certificate if it has been verified: what was only sent is nobody's.
func PeerLeaf(state ConnectionState) (*x509.Certificate, bool) {
	if len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil, false
	}
	return state.VerifiedChains[0][0], true
}

// ClientCertificateError means that a handshake failed for the client's certificate.
type ClientCertificateError struct {
	cause error
	// leaf is the refused certificate, nil where crypto/tls has it or there is none.
	leaf *x509.Certificate
}

// Error says why.
func (e *ClientCertificateError) Error() string {
	return "client certificate refused: " + e.cause.Error()
}

// Unwrap returns crypto/tls's error.
func (e *ClientCertificateError) Unwrap() error { return e.cause }

// ClaimedSubject is the subject of the certificate that was refused, "" where the client sent none that could be read.
func (e *ClientCertificateError) ClaimedSubject() string {
	var verification *stdtls.CertificateVerificationError
	if e.leaf != nil {
		return subjectOf(e.leaf)
	}
	if !errors.As(e.cause, &verification) || len(verification.UnverifiedCertificates) == 0 {
		return ""
	}
	return subjectOf(verification.UnverifiedCertificates[0])
}

// subjectOf is the subject of a certificate that anybody may have made, or its size where it is too long: to make its text takes time
// that grows with the square of its parts, and a stranger's certificate has room for so many that it would be seconds.
func subjectOf(cert *x509.Certificate) string {
	if n := len(cert.RawSubject); n > maxSubjectBytes {
		return fmt.Sprintf("a subject of %d bytes", n)
	}
	return cert.Subject.String()
}

// ClientCertificateRefused tells those who know the error only by this method that it is a failed log-in.
func (e *ClientCertificateError) ClientCertificateRefused() bool { return true }
