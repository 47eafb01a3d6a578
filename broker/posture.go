package broker

import (
	"crypto/fips140"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/doctor"
	"github.com/chronik-stream/chronik/broker/httpd"
	"github.com/chronik-stream/chronik/tls"
)

// PosturePath is where a running broker tells what of its security is weak, open or not verified, as JSON of doctor.Report.
const PosturePath = "/v1/posture"

// PostureOf gathers what can be known of a configuration without a broker that runs. file is where it was read from.
func PostureOf(c *config.Config, file string, now time.Time) *doctor.Facts {
	f := &doctor.Facts{
		Source: "configuration " + file, Config: c, ConfigFile: file, Now: now, FIPS: fips140.Enabled(), Clock: doctor.MachineClock(), Stat: os.Stat,
	}
	for i := range c.Listeners {
		l := doctor.Listener{Listener: &c.Listeners[i]}
		if l.TLS != nil {
			l.Offer, l.Unread = offerOf(l.Listener)
		}
		f.Listeners = append(f.Listeners, l)
	}
	return f
}

func offerOf(l *config.Listener) (*tls.Offer, error) {
	cfg, err := tlsOf(l)
	if err != nil {
		return nil, err
	}
	return tls.Inspect(*cfg)
}

// posture looks at this broker as it is now.
func (b *Broker) posture() *doctor.Report {
	f := PostureOf(b.options.Configuration, b.options.ConfigurationFile, b.options.Clock())
	f.Source = fmt.Sprintf("broker %d of cluster %s", b.options.NodeID, b.ClusterID())
	img := b.store.Image()
	f.Running = &doctor.Running{Image: img, Policies: b.policyFacts(), Defaults: b.defaultPasswords.Try(img)}
	for _, user := range f.Running.Defaults.Found {
		b.logger.Warn("a user's password is one that examples have, or the user's name: change it", "user", user)
	}
	live := b.server.Sessions()
	for i := range live {
		f.Running.Sessions = append(f.Running.Sessions, live[i].Session)
	}
	return doctor.Examine(f)
}

func (b *Broker) postureRoute() httpd.Route {
	return httpd.Route{Method: http.MethodGet, Path: PosturePath, Gate: httpd.Loopback, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = b.posture().WriteJSON(w) // a client that has gone needs no answer
		},
	)}
}
