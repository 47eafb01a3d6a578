package ldap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/tls"
)

// pool has connections for one purpose, at most maxConnections.
type pool struct {
	dial  func(ctx context.Context) (*ldap.Conn, error)
	turns chan struct{}
	idle  chan *ldap.Conn
}

func newPool(dial func(ctx context.Context) (*ldap.Conn, error)) *pool {
	return &pool{dial: dial, turns: make(chan struct{}, maxConnections), idle: make(chan *ldap.Conn, maxConnections)}
}

// with lends a connection to use, until the deadline of ctx. What the directory does not answer is tried once more on a new connection
// where the connection was not new: an idle one may be gone.
func (p *pool) with(ctx context.Context, use func(*ldap.Conn) error) error {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: wait for a connection to the directory: %w", auth.ErrUndecided, context.Cause(ctx))
	}
	defer func() { <-p.turns }()
	if c := p.kept(); c != nil {
		if err := p.lend(ctx, c, use); !isBroken(err) {
			return err
		}
	}
	c, err := p.dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: connect to the directory: %w", auth.ErrUndecided, err)
	}
	return p.lend(ctx, c, use)
}

// kept is an idle connection that still stands, nil without.
func (p *pool) kept() *ldap.Conn {
	for {
		select {
		case c := <-p.idle:
			if !c.IsClosing() {
				return c
			}
		default:
			return nil
		}
	}
}

// close closes the idle connections.
func (p *pool) close() {
	for c := p.kept(); c != nil; c = p.kept() {
		_ = c.Close() // nothing is under way on it
	}
}

func (p *pool) lend(ctx context.Context, c *ldap.Conn, use func(*ldap.Conn) error) error {
	c.SetTimeout(remaining(ctx))
	err := use(c)
	if isBroken(err) || c.IsClosing() {
		_ = c.Close() // what it says is of a connection that is given up
		return err
	}
	p.idle <- c // there are no more than turns
	return err
}

// isBroken reports whether an answer did not come, so that nobody knows what the connection brings next.
func isBroken(err error) bool { return ldap.IsErrorWithCode(err, ldap.ErrorNetwork) }

// remaining is the time to the deadline of ctx, which has one.
func remaining(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return max(time.Until(end), time.Millisecond)
}

// connect opens a secured connection. The deadline of ctx bounds the handshake too.
func connect(ctx context.Context, e endpoint, cfg *tls.ClientConfig) (*ldap.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	if err := raw.SetDeadline(end); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	var nc net.Conn = newBounded(raw)
	if e.secure {
		if nc, err = tls.Client(ctx, nc, cfg); err != nil {
			return nil, err
		}
	}
	c := ldap.NewConn(nc, e.secure)
	c.SetTimeout(remaining(ctx))
	c.Start()
	if e.upgrade {
		if err := c.StartTLS(cfg); err != nil {
			return nil, errors.Join(fmt.Errorf("StartTLS: %w", err), c.Close())
		}
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
