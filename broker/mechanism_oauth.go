package broker

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/oauth"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/tls"
)

// maxIssuerHeaders bounds the headers of an issuer's answer, in bytes.
const maxIssuerHeaders = 64 << 10

// OAuth is what OAUTHBEARER needs on a listener: tokens that are signed by the issuer's keys or, where Unsecured is set, by nobody.
type OAuth struct {
	Keys oauth.KeysConfig
	// Tokens has no keys: they are made from Keys when the listener is.
	Tokens    oauth.Config
	Unsecured *oauth.UnsecuredConfig
}

// oauthOf checks what can be checked before a start: the address of the keys, and whom it is verified by.
func oauthOf(o *config.OAuth, logger *slog.Logger) (*OAuth, error) {
	if u := o.Unsecured; u != nil {
		logger.Warn("OAUTHBEARER takes tokens that nobody has signed: whoever reaches this listener is whom he says")
		return &OAuth{Unsecured: &oauth.UnsecuredConfig{
			PrincipalClaim: u.PrincipalClaim, ScopeClaim: u.ScopeClaim, RequiredScope: u.RequiredScope, GroupsClaim: o.GroupsClaim, Skew: u.Skew,
		}}, nil
	}
	if err := oauth.CheckEndpoint(o.KeysURL); err != nil {
		return nil, fmt.Errorf("sasl.oauthbearer.jwks.endpoint.url: %w", err)
	}
	store := tls.TrustStore{
		Type: o.TrustStore.Type, Location: o.TrustStore.Location, Password: o.TrustStore.Password, Certificates: o.TrustStore.Certificates,
	}
	transport := func() (http.RoundTripper, error) { return issuerTransport(store) }
	if _, err := transport(); err != nil {
		return nil, fmt.Errorf("the trust store in oauthbearer.sasl.jaas.config: %w", err)
	}
	return &OAuth{
		Keys: oauth.KeysConfig{
			URL: o.KeysURL, Transport: transport, Refresh: o.Refresh, Backoff: o.Backoff, BackoffMax: o.BackoffMax, Logger: logger,
		},
		Tokens: oauth.Config{
			Issuer: o.Issuer, AnyIssuer: o.AnyIssuer, Audiences: o.Audiences, AnyAudience: o.AnyAudience,
			SubjectClaim: o.SubjectClaim, ScopeClaim: o.ScopeClaim, GroupsClaim: o.GroupsClaim, Skew: o.Skew,
		},
	}, nil
}

// issuerTransport asks an issuer once, over a connection of its own and through the proxy of the environment, if there is one.
func issuerTransport(store tls.TrustStore) (http.RoundTripper, error) {
	cfg, err := store.ClientConfig()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: maxIssuerHeaders,
	}, nil
}

func oauthMechanism(o *OAuth) (auth.Mechanism, error) {
	if o.Unsecured != nil {
		return oauth.NewUnsecured(*o.Unsecured)
	}
	keys, err := oauth.NewKeys(o.Keys)
	if err != nil {
		return nil, err
	}
	tokens := o.Tokens
	tokens.Keys = keys
	return oauth.New(tokens)
}
