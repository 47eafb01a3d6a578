package config

import "slices"

// The words of chronik.listener.require.
const (
	RequirePostQuantum = "pq"
	RequireCertificate = "mtls"
	RequireFIPS        = "fips"
)

// Requires reports whether the listener requires one of these.
func (l *Listener) Requires(what string) bool { return slices.Contains(l.Require, what) }

// requirements reads chronik.listener.require of a listener and refuses what can not be held to.
func (l *loader) requirements(e *Listener) {
	e.Require = SplitList(l.config.of(e.Name, "chronik.listener.require"))
	for _, what := range []string{RequirePostQuantum, RequireCertificate} {
		if e.Requires(what) && !e.usesTLS() {
			l.fail("chronik.listener.require: the listener %s requires %s and speaks %s, which has no TLS", e.Name, what, e.Protocol)
		}
	}
	own := listenerKey(e.Name, "ssl.client.auth")
	if e.Requires(RequireCertificate) && l.config.isSet(own) && l.config.text(own) != "required" {
		l.fail("chronik.listener.require: the listener %s requires mtls, but %s=%s", e.Name, own, l.config.text(own))
	}
	versions := SplitList(l.config.of(e.Name, "ssl.enabled.protocols"))
	if e.Requires(RequirePostQuantum) && len(versions) > 0 && !slices.Contains(versions, "TLSv1.3") {
		l.fail("chronik.listener.require: the listener %s requires pq, which needs TLSv1.3 in ssl.enabled.protocols", e.Name)
	}
}
