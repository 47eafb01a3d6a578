package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// The security protocols of a listener, by Apache Kafka's names (org.apache.kafka.common.security.auth.SecurityProtocol).
const (
	Plaintext     = "PLAINTEXT"
	SSL           = "SSL"
	SASLPlaintext = "SASL_PLAINTEXT"
	SASLSSL       = "SASL_SSL"
)

// SecureConn is a connection with TLS on it.
type SecureConn interface {
	net.Conn
	// HandshakeContext does the handshake; it is called once, before the first read. An error whose chain has a method
	// ClientCertificateRefused() bool that returns true is recorded as a failed log-in.
	HandshakeContext(ctx context.Context) error
	// PeerCertificates is the client's verified chain, leaf first, after the handshake; empty where it sent none.
	PeerCertificates() []*x509.Certificate
	// Negotiated tells after the handshake what was agreed on; see auth.Encryption.
	Negotiated() (version, group, suite string, postQuantum bool)
	// StillTrusted asks again, of a chain that was verified, whether it has been revoked since. The error says why it is not
	// trusted any more. It must not block.
	StillTrusted(chain []*x509.Certificate) error
}

// Listener is one address that the server listens on.
type Listener struct {
	// Name is the listener's name in the configuration, such as INTERNAL.
	Name string
	// Addr is host:port as for net.Listen; port 0 takes a free one (see Server.Addr).
	Addr string
	// Protocol is one of the four security protocols.
	Protocol string
	// Secure puts the server's side of TLS on an accepted connection; for SSL and SASL_SSL.
	Secure func(net.Conn) SecureConn
	// PrincipalOf maps a verified certificate chain to the client's identity; for SSL. An error ends the connection.
	// Where it is nil, or the client sent no certificate and the TLS configuration let it in, the client is anonymous.
	PrincipalOf func(chain []*x509.Certificate) (auth.Principal, error)
	// RequireCertificate says that clients without a certificate are refused for the listener's requirement, as metrics tell.
	RequireCertificate bool
	// Mechanisms are the enabled SASL mechanisms, in the order that clients are told; for SASL_PLAINTEXT and SASL_SSL.
	Mechanisms []auth.Mechanism
	// MaxSession is connections.max.reauth.ms by mechanism; 0 means that its sessions do not expire by themselves (KIP-368).
	MaxSession map[string]time.Duration
}

func (l *Listener) usesTLS() bool  { return l.Protocol == SSL || l.Protocol == SASLSSL }
func (l *Listener) usesSASL() bool { return l.Protocol == SASLPlaintext || l.Protocol == SASLSSL }

// Limits are the bounds that configuration may set. A zero field takes the default that package limit gives.
type Limits struct {
	// Connections is max.connections: of all listeners together.
	Connections int
	// ConnectionsPerAddress is max.connections.per.ip.
	ConnectionsPerAddress int
	// PerAddress is max.connections.per.ip.overrides.
	PerAddress map[netip.Addr]int
	// FrameBeforeLogin is sasl.server.max.receive.size, in bytes.
	FrameBeforeLogin int32
	// FrameAfterLogin is socket.request.max.bytes.
	FrameAfterLogin int32
	// BytesInFlight is queued.max.request.bytes.
	BytesInFlight int64
	// InFlight bounds the overlapping requests of one connection.
	InFlight int
	// Handshake bounds the TLS handshake, Login all until the log-in ended.
	Handshake, Login time.Duration
	// Idle is connections.max.idle.ms; negative means without end.
	Idle time.Duration
	// FailedLoginDelay is connection.failed.authentication.delay.ms; negative means none.
	FailedLoginDelay time.Duration
}

// Config is all that a Server needs. Every field is required but Quotas, Limits and UsesInterval.
type Config struct {
	Listeners  []Listener
	Table      *api.Table
	Authorizer authz.Authorizer
	Recorder   Recorder
	// Guard holds back who guesses passwords. It goes by the machine's clock.
	Guard *guard.Guard
	// RevokedBefore is when a principal was revoked; the zero time means never. Who has logged in by something older is refused.
	RevokedBefore func(auth.Principal) time.Time
	// Quotas hold clients back; nil holds nobody.
	Quotas Quotas
	Limits Limits
	// UsesInterval is how long uses of rights are gathered before the recorder is told, at the next request of the same connection; 0
	// means that they are not.
	UsesInterval time.Duration
	// Clock stamps requests and sessions. Deadlines of sockets go by the machine's clock.
	Clock   func() time.Time
	Logger  *slog.Logger
	Metrics *Metrics
}

// ErrBadConfig is wrapped by the errors of New.
var ErrBadConfig = errors.New("server configuration")

func (c *Config) validate() error {
	switch {
	case len(c.Listeners) == 0:
		return fmt.Errorf("%w: no listener", ErrBadConfig)
	case c.Table == nil || c.Authorizer == nil || c.Recorder == nil || c.Guard == nil || c.RevokedBefore == nil || c.Clock == nil || c.Logger == nil || c.Metrics == nil:
		return fmt.Errorf("%w: a required part is missing", ErrBadConfig)
	}
	seen := map[string]bool{}
	for i := range c.Listeners {
		l := &c.Listeners[i]
		if seen[l.Name] {
			return fmt.Errorf("%w: listener %s stands twice", ErrBadConfig, l.Name)
		}
		seen[l.Name] = true
		if err := l.validate(); err != nil {
			return err
		}
	}
	var err error
	c.Table.Rows(func(row *api.Row) bool {
		err = wire.Covers(row.Key, row.Min, row.Max)
		return err == nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadConfig, err)
	}
	return nil
}

func (l *Listener) validate() error {
	switch l.Protocol {
	case Plaintext, SSL, SASLPlaintext, SASLSSL:
	default:
		return fmt.Errorf("%w: listener %s has no security protocol: %q", ErrBadConfig, l.Name, l.Protocol)
	}
	switch {
	case l.Name == "":
		return fmt.Errorf("%w: listener on %s has no name", ErrBadConfig, l.Addr)
	case l.usesTLS() && l.Secure == nil:
		return fmt.Errorf("%w: listener %s speaks %s but has no TLS", ErrBadConfig, l.Name, l.Protocol)
	case l.usesSASL() && len(l.Mechanisms) == 0:
		return fmt.Errorf("%w: listener %s speaks %s but has no mechanism", ErrBadConfig, l.Name, l.Protocol)
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	l.Connections = orDefault(l.Connections, limit.Connections)
	l.ConnectionsPerAddress = orDefault(l.ConnectionsPerAddress, limit.ConnectionsPerAddress)
	l.FrameBeforeLogin = orDefault(l.FrameBeforeLogin, limit.FrameBeforeLogin)
	l.FrameAfterLogin = orDefault(l.FrameAfterLogin, limit.FrameAfterLogin)
	l.BytesInFlight = orDefault(l.BytesInFlight, limit.BytesInFlight)
	l.InFlight = orDefault(l.InFlight, limit.InFlight)
	l.Handshake = orDefault(l.Handshake, limit.Handshake)
	l.Login = orDefault(l.Login, limit.Login)
	l.Idle = orDefault(l.Idle, limit.Idle)
	l.FailedLoginDelay = orDefault(l.FailedLoginDelay, limit.FailedLoginDelay)
	return l
}

func orDefault[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}
