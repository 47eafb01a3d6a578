package server

import "errors"

// requirementRefused is which of the listener's requirements a handshake failed for, "" for none: the error, or one in its chain, says so by
// a method RequirementRefused.
func (c *conn) requirementRefused(err error) string {
	var says interface{ RequirementRefused() string }
	switch {
	case errors.As(err, &says):
		return says.RequirementRefused()
	case certificateRefused(err) && c.listener.RequireCertificate:
		return "mtls"
	default:
		return ""
	}
}

// handshakeFailed counts, logs and records a handshake that failed for what the client is or lacks. Others, such as of a port scanner, are
// no log-ins.
func (c *conn) handshakeFailed(err error) {
	requirement := c.requirementRefused(err)
	if requirement != "" {
		c.server.cfg.Metrics.unmet.WithLabelValues(c.listener.Name, requirement).Inc()
	}
	switch {
	case certificateRefused(err):
		c.certificateFailed(claimedSubject(err), err)
	case requirement != "":
		c.loginFailed(LoginFailure{Cause: err})
	}
}
