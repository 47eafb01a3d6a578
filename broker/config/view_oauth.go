package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// OAuth is what the configuration says of a listener's log-ins by OAUTHBEARER.
type OAuth struct {
	// KeysURL, Refresh, Backoff and BackoffMax are sasl.oauthbearer.jwks.endpoint.url, .refresh.ms, .retry.backoff.ms and
	// .retry.backoff.max.ms.
	KeysURL                      string
	Refresh, Backoff, BackoffMax time.Duration
	// TrustStore is whom the issuer's address is verified by, from the log-in module's options; empty means the system's authorities.
	TrustStore TrustStore
	// Issuer and Audiences are sasl.oauthbearer.expected.*, AnyIssuer and AnyAudience sasl.oauthbearer.allow.unverified.*.
	Issuer                 string
	Audiences              []string
	AnyIssuer, AnyAudience bool
	// SubjectClaim, ScopeClaim and GroupsClaim are names of claims.
	SubjectClaim, ScopeClaim, GroupsClaim string
	// Skew is sasl.oauthbearer.clock.skew.seconds.
	Skew time.Duration
	// Unsecured says that tokens are not signed; nil where they are.
	Unsecured *UnsecuredTokens
}

// UnsecuredTokens are the options unsecuredValidator... of an OAuthBearerLoginModule.
type UnsecuredTokens struct {
	PrincipalClaim, ScopeClaim string
	RequiredScope              []string
	Skew                       time.Duration
}

// TrustStore says where certificates of authorities are.
type TrustStore struct {
	// Type is JKS, PKCS12 or PEM.
	Type                             string
	Location, Password, Certificates string
}

const (
	oauthMechanism  = "OAUTHBEARER"
	oauthModule     = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
	callbackHandler = "sasl.server.callback.handler.class"
	// signedHandler and unsecuredHandler are Apache Kafka's own classes for signed and for unsigned tokens. Its default is the second.
	signedHandler    = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
	unsecuredHandler = "org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"
	unsecuredPrefix  = "unsecuredValidator"
)

func callbackHandlerKey(name string) *Key {
	return &Key{
		Name: name, Type: Class, Scope: BrokerScope, Null: true, Check: oneOf(signedHandler, unsecuredHandler), Effect: ActedOn,
		Doc: "Java class that checks tokens. Apache Kafka's own mean what is built in, for signed tokens, which is the default, or for unsigned ones.",
	}
}

// oauth fills in what OAUTHBEARER needs on a listener that has it, and refuses one that would take tokens of anybody.
func (l *loader) oauth(e *Listener) {
	if !slices.Contains(e.Mechanisms, oauthMechanism) {
		return
	}
	get := func(key string) string { return l.config.ofMechanism(e.Name, oauthMechanism, key) }
	number := func(key string) int64 {
		n, _ := strconv.ParseInt(get(key), 10, 64) // it was parsed when it was read
		return n
	}
	o := &OAuth{
		KeysURL: get("sasl.oauthbearer.jwks.endpoint.url"), Refresh: millis(number("sasl.oauthbearer.jwks.endpoint.refresh.ms")),
		Backoff:    millis(number("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms")),
		BackoffMax: millis(number("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms")),
		Issuer:     get("sasl.oauthbearer.expected.issuer"), AnyIssuer: get("sasl.oauthbearer.allow.unverified.issuer") == "true",
		Audiences:    SplitList(get("sasl.oauthbearer.expected.audience")),
		AnyAudience:  get("sasl.oauthbearer.allow.unverified.audience") == "true",
		SubjectClaim: get("sasl.oauthbearer.sub.claim.name"), ScopeClaim: get("sasl.oauthbearer.scope.claim.name"),
		GroupsClaim: get("chronik.sasl.oauthbearer.groups.claim.name"),
		Skew:        time.Duration(number("sasl.oauthbearer.clock.skew.seconds")) * time.Second,
	}
	e.OAuth = o
	m, _ := l.module(e, oauthMechanism, oauthModule)
	l.oauthOptions(e, m, o)
	handler := get(callbackHandler)
	unsecured := slices.ContainsFunc(m.names(), func(option string) bool { return strings.HasPrefix(option, unsecuredPrefix) })
	switch {
	case o.SubjectClaim == "" || o.ScopeClaim == "" || o.GroupsClaim == "":
		l.fail("the listener %s has OAUTHBEARER, and the name of a claim is empty", e.Name)
	case handler == unsecuredHandler || handler == "" && unsecured:
		l.unsecuredTokens(e, m, o)
	case unsecured:
		l.fail("the listener %s checks signed tokens by %s, but its log-in module has options %s...", e.Name, callbackHandler, unsecuredPrefix)
	default:
		l.signedTokens(e, o)
	}
}

// signedTokens refuses what would take tokens without looking at who has made them or whom they are for.
func (l *loader) signedTokens(e *Listener, o *OAuth) {
	if o.KeysURL == "" {
		l.fail("the listener %s has OAUTHBEARER and needs sasl.oauthbearer.jwks.endpoint.url: without the issuer's keys no signature can be verified", e.Name)
	}
	if o.Issuer == "" && !o.AnyIssuer {
		l.fail("the listener %s has OAUTHBEARER and needs sasl.oauthbearer.expected.issuer, or sasl.oauthbearer.allow.unverified.issuer=true", e.Name)
	}
	if len(o.Audiences) == 0 && !o.AnyAudience {
		l.fail("the listener %s has OAUTHBEARER and needs sasl.oauthbearer.expected.audience, or sasl.oauthbearer.allow.unverified.audience=true", e.Name)
	}
	if o.BackoffMax < o.Backoff {
		l.fail("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms of the listener %s is below the first pause", e.Name)
	}
}

// unsecuredTokens reads how tokens are checked that nobody has signed, and lets them only where nobody else can come.
func (l *loader) unsecuredTokens(e *Listener, m jaasModule, o *OAuth) {
	switch {
	case !isLoopback(e.Host):
		l.fail("the listener %s would take tokens that nobody has signed on %q: they are for loopback alone", e.Name, e.Host)
	case !l.config.Security.AllowInsecure:
		l.fail("the listener %s would take tokens that nobody has signed; that needs chronik.allow.insecure=true", e.Name)
	case o.KeysURL != "":
		l.fail("the listener %s has sasl.oauthbearer.jwks.endpoint.url, and would take tokens that nobody has signed; one is allowed", e.Name)
	}
	skew, err := strconv.ParseInt(strings.TrimSpace(orText(m.options[unsecuredPrefix+"AllowableClockSkewMs"], "0")), 10, 32)
	if err != nil || skew < 0 {
		l.fail("%sAllowableClockSkewMs of the listener %s is no number of milliseconds", unsecuredPrefix, e.Name)
	}
	o.Unsecured = &UnsecuredTokens{
		PrincipalClaim: strings.TrimSpace(orText(m.options[unsecuredPrefix+"PrincipalClaimName"], "sub")),
		ScopeClaim:     strings.TrimSpace(orText(m.options[unsecuredPrefix+"ScopeClaimName"], "scope")),
		RequiredScope:  strings.Fields(m.options[unsecuredPrefix+"RequiredScope"]), Skew: millis(skew),
	}
}

func orText(text, byDefault string) string {
	if strings.TrimSpace(text) == "" {
		return byDefault
	}
	return text
}

// oauthOptions reads a log-in module's options for the issuer's address. Options of clients are passed over: a broker that serves
// OAUTHBEARER needs no token of its own.
func (l *loader) oauthOptions(e *Listener, m jaasModule, o *OAuth) {
	known := []string{
		"ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.password", "ssl.truststore.certificates",
		"clientId", "clientSecret", "scope",
		unsecuredPrefix + "PrincipalClaimName", unsecuredPrefix + "ScopeClaimName", unsecuredPrefix + "RequiredScope", unsecuredPrefix + "AllowableClockSkewMs",
	}
	for _, option := range m.names() {
		ofClients := strings.HasPrefix(option, "unsecuredLogin") || strings.HasPrefix(option, "extension_")
		if !ofClients && !slices.Contains(known, option) {
			l.fail("oauthbearer%s of the listener %s: the option %s is not known here", jaasSuffix, e.Name, option)
		}
	}
	o.TrustStore = TrustStore{
		Type:     strings.ToUpper(orText(m.options["ssl.truststore.type"], "JKS")),
		Location: m.options["ssl.truststore.location"], Password: m.options["ssl.truststore.password"],
		Certificates: m.options["ssl.truststore.certificates"],
	}
}
