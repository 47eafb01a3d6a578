package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Server is the broker's side of the Kafka protocol on all its listeners.
type Server struct {
	cfg    Config
	bounds wire.Bounds
	// budget is for the requests of clients that have logged in, strangers for those of all others.
	budget, strangers *budget
	rows              map[int16]*rowMetrics
	nextID            atomic.Uint64
	// pooledUses are the uses of rights that connections remember beyond limit.UsesPerSession.
	pooledUses atomic.Int64

	// ctx ends when a shutdown stops waiting; handlers get contexts below it.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// stopping is closed when a shutdown begins.
	stopping chan struct{}
	// changed tells that the rules have, or may have; following counts who listens to that.
	changed   chan struct{}
	following sync.WaitGroup

	mu       sync.Mutex
	draining bool
	sockets  []net.Listener
	conns    map[*conn]struct{}
	perAddr  map[netip.Addr]int
	delayed  int // connections that wait to be turned away
	// running counts the accept loops and the connections.
	running sync.WaitGroup
}

var (
	errShutdown = errors.New("the server is shutting down")
	errClosed   = errors.New("the connection is closed")
)

// New checks the configuration and returns a server that does not listen yet. It fails with ErrBadConfig.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Quotas == nil {
		cfg.Quotas = noQuotas{}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Server{
		cfg: cfg,
		bounds: wire.Bounds{
			PerByte: limit.DecodedBytesPerByte, Base: limit.DecodedBase, Most: limit.DecodedMost,
			Elements: limit.ArrayElements, Tags: limit.UnknownTags, ClientID: limit.ClientIDBytes,
		},
		budget:    newBudget(cfg.Limits.BytesInFlight),
		strangers: newBudget(limit.BytesBeforeLogin),
		rows:      map[int16]*rowMetrics{},
		ctx:       ctx, cancel: cancel, stopping: make(chan struct{}), changed: make(chan struct{}, 1),
		conns:   map[*conn]struct{}{},
		perAddr: map[netip.Addr]int{},
	}
	cfg.Table.Rows(func(row *api.Row) bool {
		s.rows[row.Key] = cfg.Metrics.row(row)
		return true
	})
	return s, nil
}

// Start listens on every listener, or on none when one of them fails.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.sockets != nil {
		return fmt.Errorf("start server: %w", errClosed)
	}
	listening := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: limit.KeepAlive, Interval: limit.KeepAlive / 4, Count: 4}}
	for i := range s.cfg.Listeners {
		l := &s.cfg.Listeners[i]
		socket, err := listening.Listen(s.ctx, "tcp", l.Addr)
		if err != nil {
			s.closeSockets()
			return fmt.Errorf("listen on %s for listener %s: %w", l.Addr, l.Name, err)
		}
		s.sockets = append(s.sockets, socket)
	}
	for i, socket := range s.sockets {
		l := &s.cfg.Listeners[i]
		s.cfg.Logger.Info("listening", "listener", l.Name, "protocol", l.Protocol, "address", socket.Addr().String())
		s.running.Go(func() { s.accept(l, socket) })
	}
	s.following.Go(s.followRules)
	return nil
}

// Addr is the address that a listener has been bound to, nil when it is not listening.
func (s *Server) Addr(listener string) net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, socket := range s.sockets {
		if s.cfg.Listeners[i].Name == listener {
			return socket.Addr()
		}
	}
	return nil
}

// CloseSessions closes the connections whose session matches, and returns how many. It is how a revoked identity loses what
// it has open. The match is called under a lock and must not block.
func (s *Server) CloseSessions(reason string, match func(*auth.Session) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c := range s.conns {
		session := c.session.Load()
		if session == nil || !match(session) {
			continue
		}
		n++
		if serving := c.serving.Load(); serving == keyAlterSCRAM || serving == keyIncrementalAlterConfigs {
			c.endSoon(reason)
			continue
		}
		c.end(reasonRevoked, errors.New(reason))
	}
	return n
}

// Shutdown stops accepting, lets the requests that are being served come to their answers, and closes each connection as it
// falls idle. When ctx ends first, handlers are cancelled and connections closed; that is an error, and so is a handler
// that ignores it.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		close(s.stopping)
	}
	s.closeSockets()
	for c := range s.conns {
		c.drain()
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		s.cancel(errShutdown)
		s.following.Wait()
		return nil
	case <-ctx.Done():
	}
	s.cancel(errShutdown)
	s.following.Wait()
	s.mu.Lock()
	left := len(s.conns)
	for c := range s.conns {
		c.end(reasonShutdown, errShutdown)
	}
	s.mu.Unlock()
	cut := fmt.Errorf("shut down server: %d connections cut off: %w", left, ctx.Err())
	timer := time.NewTimer(limit.AbortWait)
	defer timer.Stop()
	select {
	case <-done:
		return cut
	case <-timer.C:
		return fmt.Errorf("%w; some do not end", cut)
	}
}

// closeSockets needs s.mu.
func (s *Server) closeSockets() {
	for _, socket := range s.sockets {
		if err := socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.cfg.Logger.Warn("close listener", "address", socket.Addr().String(), "error", err)
		}
	}
}
