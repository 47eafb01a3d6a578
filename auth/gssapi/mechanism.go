package gssapi

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// Config is what a Mechanism needs.
type Config struct {
	// Keytab is the file with the service's keys.
	Keytab string
	// Principal is a name that the keytab has to have, such as kafka/host.example.com@REALM; without a realm it is of DefaultRealm. Any
	// name of Service will do where it is "".
	Principal string
	// Service is sasl.kerberos.service.name, the first part of the names that tickets may be for. "" means that of Principal.
	Service string
	// Rules are sasl.kerberos.principal.to.local.rules.
	Rules []string
	// DefaultRealm and Skew are what krb5.conf says; see ReadDefaults. Without a default realm that of Principal counts.
	DefaultRealm string
	Skew         time.Duration
	// OutliveTickets lets sessions go on when the tickets have ended that opened them, as Apache Kafka does.
	OutliveTickets bool
	// SHA2Only refuses the encryption types that use SHA-1.
	SHA2Only bool
	// ReloadInterval is how often the keytab is looked at; negative means never, 0 every 10 seconds.
	ReloadInterval time.Duration
	// Replays is the memory that listeners share; nil means one of its own.
	Replays *Replays
	// Clock and Logger are time.Now and slog.Default where they are nil.
	Clock  func() time.Time
	Logger *slog.Logger
}

// Mechanism is SASL GSSAPI. It is safe for concurrent use.
type Mechanism struct {
	acceptor *acceptor
	rules    *Rules
	// bound says that sessions end with their tickets.
	bound bool
}

var _ auth.Mechanism = (*Mechanism)(nil)

// New reads the keytab and returns the mechanism. Its errors say which setting is missing, or what the keytab lacks.
func New(cfg Config) (*Mechanism, error) {
	cfg.Skew = cmp.Or(cfg.Skew, defaultSkew)
	cfg.ReloadInterval = cmp.Or(cfg.ReloadInterval, defaultReload)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Replays == nil {
		cfg.Replays = NewReplays()
	}
	w, err := cfg.wanted()
	if err != nil {
		return nil, err
	}
	rules, err := ParseRules(cmp.Or(cfg.DefaultRealm, w.principal.realm), cfg.Rules)
	if err != nil {
		return nil, err
	}
	keys := &keys{path: cfg.Keytab, wanted: w, interval: cfg.ReloadInterval, clock: cfg.Clock, logger: cfg.Logger, turn: make(chan struct{}, 1)}
	if err := keys.reload(); err != nil {
		return nil, err
	}
	return &Mechanism{
		acceptor: &acceptor{
			service: w.service, keys: keys, enctypes: w.enctypes, skew: cfg.Skew, replays: cfg.Replays, clock: cfg.Clock,
		},
		rules: rules, bound: !cfg.OutliveTickets,
	}, nil
}

// wanted checks the names and says which keys of the keytab count.
func (cfg *Config) wanted() (wanted, error) {
	w := wanted{service: cfg.Service, enctypes: enctypes{sha2Only: cfg.SHA2Only}}
	if cfg.Principal != "" {
		w.principal = parseName(cfg.Principal, cfg.DefaultRealm)
		w.service = cmp.Or(w.service, w.principal.components[0])
	}
	switch {
	case cfg.Keytab == "":
		return wanted{}, fmt.Errorf("%w: a keytab is needed: chronik.sasl.gssapi.keytab, or keyTab of a Krb5LoginModule", ErrBadConfig)
	case w.service == "":
		return wanted{}, fmt.Errorf("%w: sasl.kerberos.service.name is needed, or chronik.sasl.gssapi.principal", ErrBadConfig)
	case cfg.Principal != "" && w.principal.components[0] != w.service:
		return wanted{}, fmt.Errorf("%w: the principal %s is not of the service %s (sasl.kerberos.service.name)", ErrBadConfig, cfg.Principal, w.service)
	case cfg.Skew < 0 || cfg.Skew > maxSkew:
		return wanted{}, fmt.Errorf("%w: a clock skew of %s, allowed are at most %s", ErrBadConfig, cfg.Skew, maxSkew)
	}
	return w, nil
}

// Name returns GSSAPI.
func (m *Mechanism) Name() string { return "GSSAPI" }

// Start begins one log-in attempt.
func (m *Mechanism) Start() auth.Exchange { return &exchange{mechanism: m, next: begin} }
