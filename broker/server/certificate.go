package server

import (
	"errors"
	"fmt"
	"time"
)

// errCertificateOver is why a connection ends whose client's certificate has expired.
var errCertificateOver = errors.New("the client's certificate has expired")

// holdToCertificate binds a session that can be found by who revokes it to the certificate that the client showed: one that was
// revoked since the handshake opens nothing, and the connection ends when the certificate does.
func (c *conn) holdToCertificate() error {
	if c.certificate == nil {
		return nil
	}
	if err := c.tls.StillTrusted(c.certificate.Chain); err != nil {
		return fmt.Errorf("%w: %w", errRevoked, err)
	}
	if c.untilExpiry == nil {
		left := c.certificate.NotAfter.Sub(c.server.cfg.Clock())
		c.untilExpiry = time.AfterFunc(left, func() { c.end(reasonExpired, errCertificateOver) })
	}
	return nil
}
