package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// The methods of sessions that no SASL mechanism established.
const (
	methodMTLS = "mTLS"
	methodNone = "NONE"
)

// secure does the TLS handshake, where the listener has one, and keeps what the client showed of itself.
func (c *conn) secure() error {
	if !c.listener.usesTLS() {
		return nil
	}
	sc := c.listener.Secure(c.raw)
	c.nc, c.tls = sc, sc
	ctx, cancel := context.WithTimeout(c.ctx, c.server.cfg.Limits.Handshake)
	defer cancel()
	if err := sc.HandshakeContext(ctx); err != nil {
		c.handshakeFailed(err)
		return err
	}
	c.certificate = auth.NewCertificate(sc.PeerCertificates())
	e := &auth.Encryption{}
	e.Version, e.Group, e.Suite, e.PostQuantum = sc.Negotiated()
	c.encryption = e
	c.server.cfg.Metrics.handshakes.WithLabelValues(c.listener.Name, e.Version, e.Group).Inc()
	return nil
}

// certificateRefused reports whether a handshake failed for the client's certificate, which is a failed log-in and recorded
// as one: the error, or one in its chain, says so by a method ClientCertificateRefused.
func certificateRefused(err error) bool {
	var says interface{ ClientCertificateRefused() bool }
	return errors.As(err, &says) && says.ClientCertificateRefused()
}

// claimedSubject is the subject of a refused certificate, which an error in the chain may tell by a method of that name.
func claimedSubject(err error) string {
	var says interface{ ClaimedSubject() string }
	if !errors.As(err, &says) {
		return ""
	}
	return says.ClaimedSubject()
}

// identify establishes the session of a connection on a listener without SASL: the certificate's identity, or anonymous.
func (c *conn) identify() error {
	session := &auth.Session{Principal: auth.Anonymous(), Method: methodNone}
	if c.certificate != nil && c.listener.Protocol == SSL && c.listener.PrincipalOf != nil {
		p, err := c.listener.PrincipalOf(c.certificate.Chain)
		if err == nil && p.Name == "" {
			err = auth.ErrBadPrincipal
		}
		if err != nil {
			c.certificateFailed(c.certificate.Subject, err)
			return fmt.Errorf("principal of certificate %q: %w", c.certificate.Subject, err)
		}
		session = &auth.Session{Principal: p, Method: methodMTLS, Issued: c.certificate.Chain[0].NotBefore, Expires: c.certificate.NotAfter}
	}
	if err := c.establish(session); err != nil {
		c.loginFailed(LoginFailure{Method: session.Method, Claimed: session.Principal.Name, Cause: err})
		return err
	}
	c.server.cfg.Metrics.logins.WithLabelValues(c.listener.Name, session.Method).Inc()
	return nil
}

// establish completes a session and makes it the connection's own, once it has been recorded.
func (c *conn) establish(session *auth.Session) error {
	session.Listener = c.listener.Name
	session.Protocol = c.listener.Protocol
	session.Host = c.id.Host
	session.Certificate, session.Encryption = c.certificate, c.encryption
	if session.Established.IsZero() {
		session.Established = c.server.cfg.Clock()
	}
	if err := c.outdated(session); err != nil {
		return err
	}
	renewed := c.session.Load() != nil
	if err := c.server.cfg.Recorder.LoggedIn(c.id, session, renewed); err != nil {
		return fmt.Errorf("record the log-in of %s: %w", session.Principal, err)
	}
	c.session.Store(session)
	if err := cmp.Or(c.holdToCertificate(), c.outdated(session)); err != nil { // now that it can be found by who revokes it
		return err
	}
	c.log.Debug("logged in", "principal", session.Principal.String(), "method", session.Method, "renewed", renewed)
	return nil
}

// outdated returns an error for a session by a ticket, a token or a certificate from before its principal was revoked.
func (c *conn) outdated(session *auth.Session) error {
	if session.Issued.IsZero() || session.Issued.After(c.server.cfg.RevokedBefore(session.Principal)) {
		return nil
	}
	return errOutdated
}

// certificateFailed is loginFailed for mTLS, and holds the connection open for the delay of failed log-ins. It counts for the address
// alone: whoever is claimed without a password is not held.
func (c *conn) certificateFailed(claimed string, cause error) {
	c.server.cfg.Guard.Failed(c.id.Host, time.Now())
	c.loginFailed(LoginFailure{Method: methodMTLS, Claimed: claimed, Cause: cause})
	wait(c.ctx, c.server.cfg.Limits.FailedLoginDelay)
}

// loginFailed counts and records a failed log-in. The log has the line of the audit event, where those who make too many have one together.
func (c *conn) loginFailed(f LoginFailure) {
	failures := c.server.cfg.Metrics.failedLogins
	if f.Renewal {
		failures = c.server.cfg.Metrics.failedRenewals
	}
	failures.WithLabelValues(c.listener.Name, f.Method).Inc()
	c.log.Debug("log-in failed", "method", f.Method, "claimed", f.Claimed, "renewal", f.Renewal, "cause", f.Cause)
	c.server.cfg.Recorder.LoginFailed(c.id, f)
}
