package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/tls"
)

// Outside connects to a listener as a client that has neither a certificate nor a password, and returns what can be known that way.
func Outside(ctx context.Context, address string, now time.Time) (*Facts, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port: %w", address, err)
	}
	l := Listener{Listener: &config.Listener{Name: address, Host: host, Protocol: "without TLS"}}
	l.Offer, err = tls.Probe(ctx, address)
	switch {
	case errors.Is(err, tls.ErrNotTLS):
	case err != nil:
		return nil, err
	default:
		l.Protocol, l.TLS = "TLS", &config.TLS{}
	}
	return &Facts{Source: "listener " + address, Listeners: []Listener{l}, Now: now}, nil
}
