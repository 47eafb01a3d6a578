package broker

import (
	"crypto/fips140"
	"log/slog"
	"os"

	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/broker/config"
)

// gssapiOf adds to what is configured what krb5.conf says, which the variable KRB5_CONFIG names as for every Kerberos library.
func gssapiOf(g *config.GSSAPI, logger *slog.Logger) (*gssapi.Config, error) {
	defaults, err := gssapi.ReadDefaults(os.Getenv("KRB5_CONFIG"))
	if err != nil {
		return nil, err
	}
	return &gssapi.Config{
		Keytab: g.Keytab, Principal: g.Principal, Service: g.Service, Rules: g.Rules, ReloadInterval: g.ReloadInterval,
		OutliveTickets: g.OutliveTickets,
		DefaultRealm:   defaults.Realm, Skew: defaults.Skew, SHA2Only: fips140.Enabled(), Logger: logger,
	}, nil
}

// shareReplays gives listeners one memory of used authenticators: what one of them has seen is worth nothing on the others.
func shareReplays(listeners []Listener) {
	replays := gssapi.NewReplays()
	for i := range listeners {
		if g := listeners[i].GSSAPI; g != nil {
			g.Replays = replays
		}
	}
}
