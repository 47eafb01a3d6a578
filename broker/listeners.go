package broker

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/mtls"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/server"
	"github.com/chronik-stream/chronik/tls"
)

// errNoCertificate can not come: the server asks for a principal only where there is a chain.
var errNoCertificate = errors.New("no client certificate")

// serverListeners makes what the server listens on, and the certificates that have to be kept fresh, by listener.
func serverListeners(listeners []Listener, store *meta.Store, tokens *tokens) ([]server.Listener, map[string]*tls.Reloader, error) {
	var out []server.Listener
	reloaders := map[string]*tls.Reloader{}
	usual := newUsualCosts()
	store.Subscribe(usual.Follow)
	for i := range listeners {
		l := &listeners[i]
		s := server.Listener{
			Name: l.Name, Addr: l.Address, Protocol: l.Protocol, MaxSession: l.MaxSession, RequireCertificate: l.RequireCertificate,
		}
		if l.TLS != nil {
			r, err := tls.Load(*l.TLS)
			if err != nil {
				return nil, nil, fmt.Errorf("listener %s: %w", l.Name, err)
			}
			reloaders[l.Name] = r
			s.Secure = func(c net.Conn) server.SecureConn { return r.Server(c) }
		}
		var err error
		if s.Mechanisms, err = mechanismsOf(l, store, tokens, usual); err != nil {
			return nil, nil, err
		}
		if l.Protocol == server.SSL {
			if s.PrincipalOf, err = principalOf(l); err != nil {
				return nil, nil, fmt.Errorf("listener %s: %w", l.Name, err)
			}
		}
		out = append(out, s)
	}
	return out, reloaders, nil
}

func principalOf(l *Listener) (func([]*x509.Certificate) (auth.Principal, error), error) {
	rules, source := l.PrincipalRules, mtls.Subject
	if rules == "" {
		rules = mtls.DefaultRules
	}
	var err error
	if l.PrincipalSource != "" {
		if source, err = mtls.ParseSource(l.PrincipalSource); err != nil {
			return nil, err
		}
	}
	mapper, err := mtls.New(source, rules)
	if err != nil {
		return nil, err
	}
	return func(chain []*x509.Certificate) (auth.Principal, error) {
		if len(chain) == 0 {
			return auth.Principal{}, errNoCertificate
		}
		return mapper.Principal(chain[0])
	}, nil
}
