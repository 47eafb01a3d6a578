package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/chronik-stream/chronik/broker/limit"
)

// DefaultAddr is where the listener is bound unless configuration says otherwise: this machine only.
const DefaultAddr = "127.0.0.1:9404"

// Config is what a Server needs.
type Config struct {
	// Addr is host:port; "" is DefaultAddr.
	Addr   string
	Routes []Route
	// Remote opens Loopback routes to every address that can reach the listener.
	Remote bool
	Logger *slog.Logger
	// Secure puts TLS on the listener; nil means plain HTTP.
	Secure func(net.Listener) net.Listener
}

// Server is the HTTP listener.
type Server struct {
	cfg  Config
	http *http.Server

	mu     sync.Mutex
	socket net.Listener
	served chan struct{}
}

// ErrStarted says that a server is started twice.
var ErrStarted = errors.New("HTTP server has been started")

// New checks the table and returns a server that does not listen yet. It fails with ErrBadRoute.
func New(cfg Config) (*Server, error) {
	if cfg.Addr == "" {
		cfg.Addr = DefaultAddr
	}
	s := &Server{cfg: cfg, served: make(chan struct{})}
	paths := map[string][]*Route{}
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		if err := r.validate(); err != nil {
			return nil, err
		}
		for _, other := range paths[r.Path] {
			if other.Method == r.Method {
				return nil, fmt.Errorf("%w: %s %s stands twice", ErrBadRoute, r.Method, r.Path)
			}
		}
		paths[r.Path] = append(paths[r.Path], r)
	}
	s.http = &http.Server{
		Handler:           s.handler(paths),
		ReadHeaderTimeout: limit.HTTPHeaderTime, ReadTimeout: limit.HTTPRequestTime,
		WriteTimeout: limit.HTTPAnswerTime, IdleTimeout: limit.HTTPIdleTime,
		MaxHeaderBytes: limit.HTTPHeaderBytes,
		ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Start listens and serves. It fails when the address cannot be bound.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil {
		return ErrStarted
	}
	var listening net.ListenConfig
	socket, err := listening.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s for HTTP: %w", s.cfg.Addr, err)
	}
	s.socket = socket
	bounded := newBounded(socket, limit.HTTPConnections)
	if s.cfg.Secure != nil {
		bounded = s.cfg.Secure(bounded)
	}
	s.cfg.Logger.Info("listening for HTTP", "address", socket.Addr().String())
	go func() {
		defer close(s.served)
		if err := s.http.Serve(bounded); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("HTTP listener ended", "error", err)
		}
	}()
	return nil
}

// Addr is the address that has been bound, nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		return nil
	}
	return s.socket.Addr()
}

// Shutdown stops listening and waits for the requests that are being served; when ctx ends first, they are cut off and
// that is an error.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.Addr() == nil {
		return nil
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("shut down HTTP server: %w", err), s.http.Close())
	}
	<-s.served
	return err
}

// handler serves the table and nothing else: 404 for a path that is not in it, 405 for another method.
func (s *Server) handler(paths map[string][]*Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.survive(w, r)
		routes := paths[r.URL.Path]
		if len(routes) == 0 {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		for _, route := range routes {
			if route.Method == r.Method || route.Method == http.MethodGet && r.Method == http.MethodHead {
				s.serve(w, r, route)
				return
			}
		}
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, route *Route) {
	if route.Gate == Loopback && !s.cfg.Remote && !fromLoopback(r) {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit.HTTPBodyBytes)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	route.Handler.ServeHTTP(w, r)
}

// survive ends a request whose handler fails, and not the broker.
func (s *Server) survive(w http.ResponseWriter, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	s.cfg.Logger.Error("fault while serving HTTP", "path", r.URL.Path, "fault", fault, "stack", string(debug.Stack()))
	http.Error(w, "internal error", http.StatusInternalServerError)
}
