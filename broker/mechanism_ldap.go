package broker

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/ldap"
	"github.com/chronik-stream/chronik/auth/plain"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/tls"
)

// ldapOf checks what can be checked before a start: the keys, and whom the directory is verified by.
func ldapOf(l *config.LDAP) (*ldap.Config, error) {
	cfg, err := tls.TrustStore{Type: "PEM", Location: l.CA}.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("chronik.sasl.plain.ldap.ca: %w", err)
	}
	out := &ldap.Config{
		URL: l.URL, StartTLS: l.StartTLS, TLS: cfg, BindTemplate: l.BindTemplate, SearchBase: l.SearchBase, SearchFilter: l.SearchFilter,
		BindDN: l.BindDN, BindPassword: l.BindPassword, GroupsAttribute: l.GroupsAttribute, Timeout: l.Timeout, Remember: l.Remember,
	}
	if err := out.Check(); err != nil {
		return nil, fmt.Errorf("chronik.sasl.plain.ldap.*: %w", err)
	}
	return out, nil
}

// directoryLogins is PLAIN whose passwords a directory checks.
type directoryLogins struct {
	*plain.Mechanism
	directory *ldap.Directory
}

func ldapMechanism(cfg *ldap.Config) (auth.Mechanism, error) {
	directory, err := ldap.New(*cfg)
	if err != nil {
		return nil, err
	}
	m, err := plain.New(plain.Config{Directory: directory})
	if err != nil {
		return nil, err
	}
	return directoryLogins{m, directory}, nil
}

// Run closes what the directory's connections are when ctx ends.
func (m directoryLogins) Run(ctx context.Context) { m.directory.Run(ctx) }
