package config

import (
	"slices"
	"strings"
	"time"
)

// TLS is the TLS of one listener.
type TLS struct {
	// KeyStoreType and TrustStoreType are JKS, PKCS12 or PEM.
	KeyStoreType, TrustStoreType string
	// KeyStoreLocation and TrustStoreLocation are files. KeyLocation is a PEM file with the key alone (chronik.tls.key).
	KeyStoreLocation, KeyLocation, TrustStoreLocation string
	KeyStorePassword, KeyPassword, TrustStorePassword string
	// Key, CertificateChain and TrustedCertificates are PEM text.
	Key, CertificateChain, TrustedCertificates string
	// Protocol is ssl.protocol, EnabledProtocols are TLSv1.2 and TLSv1.3.
	Protocol         string
	EnabledProtocols []string
	CipherSuites     []string
	// ClientAuth is none, requested or required.
	ClientAuth      string
	RevocationLists RevocationLists
	// Staple is chronik.ssl.ocsp.staple=on, StapleLocation is chronik.ssl.ocsp.response.location.
	Staple         bool
	StapleLocation string
	// ExpiryWarnings are chronik.ssl.expiry.warning.days.
	ExpiryWarnings []time.Duration
}

// of returns a listener's own value of a key, or the general one.
func (c *Config) of(listener, key string) string {
	if s, set := c.values[listenerKey(listener, key)]; set {
		return s.value
	}
	return c.text(key)
}

// setFor reports whether a key was given, for the listener or in general.
func (c *Config) setFor(listener, key string) bool {
	return c.isSet(listenerKey(listener, key)) || c.isSet(key)
}

// secure fills in a listener's TLS and SASL and refuses one that would be open by mistake.
func (l *loader) secure(e *Listener) {
	c := l.config
	if !e.usesTLS() && !isLoopback(e.Host) && !c.Security.AllowInsecure {
		l.fail("listeners: %s speaks %s on %q, which is not loopback; that needs TLS, or chronik.allow.insecure=true", e.Name, e.Protocol, e.Host)
	}
	if !e.usesTLS() && c.boolean("chronik.tls.enabled") {
		l.fail("listeners: %s speaks %s, but chronik.tls.enabled=true", e.Name, e.Protocol)
	}
	if e.usesTLS() && c.isSet("chronik.tls.enabled") && !c.boolean("chronik.tls.enabled") {
		l.fail("listeners: %s speaks %s, but chronik.tls.enabled=false", e.Name, e.Protocol)
	}
	l.requirements(e)
	e.SuperUsers = splitPrincipals(c.values[listenerKey(e.Name, superUsers)].value)
	if e.usesTLS() {
		e.TLS = l.tls(e)
		e.PrincipalRules = c.of(e.Name, "ssl.principal.mapping.rules")
		e.PrincipalSource = c.of(e.Name, "chronik.ssl.principal.source")
	}
	if e.usesSASL() {
		e.Mechanisms = SplitList(c.of(e.Name, "sasl.enabled.mechanisms"))
		if len(e.Mechanisms) == 0 {
			l.fail("sasl.enabled.mechanisms: the listener %s speaks %s but has no mechanism; allowed: %s", e.Name, e.Protocol, mechanisms{}.allowed())
		}
		l.maxSession(e)
		l.jaas(e)
		l.ldap(e)
		l.gssapi(e)
		l.oauth(e)
	}
}

func (l *loader) tls(e *Listener) *TLS {
	c := l.config
	get := func(key string) string { return c.of(e.Name, key) }
	t := &TLS{
		KeyStoreType: strings.ToUpper(get("ssl.keystore.type")), KeyStoreLocation: get("ssl.keystore.location"),
		KeyStorePassword: get("ssl.keystore.password"), KeyPassword: get("ssl.key.password"),
		Key: get("ssl.keystore.key"), CertificateChain: get("ssl.keystore.certificate.chain"),
		TrustStoreType: strings.ToUpper(get("ssl.truststore.type")), TrustStoreLocation: get("ssl.truststore.location"),
		TrustStorePassword: get("ssl.truststore.password"), TrustedCertificates: get("ssl.truststore.certificates"),
		Protocol: get("ssl.protocol"), EnabledProtocols: SplitList(get("ssl.enabled.protocols")),
		CipherSuites: SplitList(get("ssl.cipher.suites")), ClientAuth: l.clientAuth(e),
		RevocationLists: l.revocationLists(e),
		Staple:          get("chronik.ssl.ocsp.staple") == "on", StapleLocation: get("chronik.ssl.ocsp.response.location"),
		ExpiryWarnings: l.expiryWarnings(e),
	}
	l.shortForms(e, t)
	switch {
	case t.KeyStoreLocation == "" && t.Key == "" && t.CertificateChain == "":
		l.fail("the listener %s needs a certificate: ssl.keystore.location, or ssl.keystore.certificate.chain with ssl.keystore.key", e.Name)
	case t.KeyStoreLocation != "" && (t.Key != "" || t.CertificateChain != ""):
		l.fail("the listener %s has both ssl.keystore.location and a key or certificate chain as text; one is allowed", e.Name)
	case (t.Key == "") != (t.CertificateChain == ""):
		l.fail("the listener %s needs both ssl.keystore.certificate.chain and ssl.keystore.key", e.Name)
	}
	if t.TrustStoreLocation != "" && t.TrustedCertificates != "" {
		l.fail("the listener %s has both ssl.truststore.location and ssl.truststore.certificates; one is allowed", e.Name)
	}
	if t.ClientAuth != "none" && t.TrustStoreLocation == "" && t.TrustedCertificates == "" {
		l.fail("the listener %s has ssl.client.auth=%s and needs ssl.truststore.location or ssl.truststore.certificates", e.Name, t.ClientAuth)
	}
	return t
}

// clientAuth is ssl.client.auth. As in Apache Kafka (KIP-684) only a value for the listener itself counts where the log-in is
// by SASL.
func (l *loader) clientAuth(e *Listener) string {
	if e.Requires(RequireCertificate) {
		return "required"
	}
	own := listenerKey(e.Name, "ssl.client.auth")
	if e.usesSASL() && !l.config.isSet(own) {
		if l.config.isSet("ssl.client.auth") && !strings.EqualFold(l.config.text("ssl.client.auth"), "none") {
			l.warn("ssl.client.auth", "ssl.client.auth has no effect on the listener %s, which uses SASL; %s would have", e.Name, own)
		}
		return "none"
	}
	return strings.ToLower(l.config.of(e.Name, "ssl.client.auth"))
}

// shortForms takes chronik.tls.cert, chronik.tls.key and chronik.tls.ca where Kafka's keys are not set.
func (l *loader) shortForms(e *Listener, t *TLS) {
	c := l.config
	certificate, key, authorities := c.text("chronik.tls.cert"), c.text("chronik.tls.key"), c.text("chronik.tls.ca")
	if (certificate == "") != (key == "") {
		l.fail("chronik.tls.cert and chronik.tls.key need each other")
	}
	own := c.setFor(e.Name, "ssl.keystore.location") || c.setFor(e.Name, "ssl.keystore.certificate.chain") || c.setFor(e.Name, "ssl.keystore.key")
	if certificate != "" && !own {
		t.KeyStoreType, t.KeyStoreLocation, t.KeyLocation = "PEM", certificate, key
	}
	if authorities != "" && !c.setFor(e.Name, "ssl.truststore.location") && !c.setFor(e.Name, "ssl.truststore.certificates") {
		t.TrustStoreType, t.TrustStoreLocation = "PEM", authorities
	}
}

// jaas reads the log-in modules of a listener's mechanisms that have passwords.
func (l *loader) jaas(e *Listener) {
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		l.module(e, mechanism, scramModule)
	}
	if m, given := l.module(e, "PLAIN", plainModule); given {
		e.PlainUsers = m.plainUsers()
	}
}

// module reads the log-in module of a listener's mechanism, its own or the general one. given is false where there is none, where the
// listener does not have the mechanism, and after a failure.
func (l *loader) module(e *Listener, mechanism, class string) (m jaasModule, given bool) {
	key := strings.ToLower(mechanism) + jaasSuffix
	if !l.config.setFor(e.Name, key) || !slices.Contains(e.Mechanisms, mechanism) {
		return jaasModule{}, false
	}
	m, err := parseJAAS(l.config.of(e.Name, key))
	switch {
	case err != nil:
		l.fail("%s of the listener %s can not be read: %w", key, e.Name, err)
	case m.class != class:
		l.fail("%s of the listener %s: only %s is allowed", key, e.Name, class)
	default:
		return m, true
	}
	return jaasModule{}, false
}
