package server

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// readBuffer is the size of a connection's read buffer: some small requests at once; large ones go round it.
const readBuffer = 8 << 10

// conn is one client's connection. Its fields belong to the goroutine that reads, but for those marked otherwise.
type conn struct {
	server   *Server
	listener *Listener
	id       api.Conn
	log      *slog.Logger
	// raw is the accepted socket; deadlines and abrupt closing go by it. nc is raw, or TLS on it.
	raw, nc net.Conn
	in      *bufio.Reader
	prefix  [4]byte
	// tls is nc where it has TLS, certificate what the client showed there; nil without.
	tls         SecureConn
	certificate *auth.Certificate
	// encryption is what the handshake came to; nil without TLS.
	encryption *auth.Encryption
	// untilExpiry ends the connection with the certificate; nil before there is a session, or without one.
	untilExpiry *time.Timer
	// ctx ends with the connection.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// idle counts what handlers wait for; waiting is the wait of a request that reveals data.
	idle    api.Idle
	waiting waiting
	// session is nil before the log-in. It is read by anyone.
	session atomic.Pointer[auth.Session]
	login   *login
	// loginBy is when the log-in has to have ended; frames counts those before it.
	loginBy time.Time
	frames  int
	// arriving is the frame that is being read; ready is its method, kept so that it is made once.
	arriving arriving
	ready    func(have []byte, more int) error
	// serving is the API of the request that was taken up last. It is read by anyone.
	serving atomic.Int32
	// software is what the client's ApiVersions request said it is. It is read by anyone.
	software atomic.Pointer[software]
	// out carries exchanges to the writer, which tells by written that a request that was waited for is done.
	out     chan *exchange
	written chan struct{}
	// flushed is when the last answer was sent. It belongs to the writer until that has told by written, and then to the reader until
	// it sends.
	flushed time.Time
	// own is charged with what the client sends after the log-in, stranger before it.
	own, stranger account
	rights        rights
	// uses are what the session has done with its rights, as far as that is not told yet.
	uses uses

	mu       sync.Mutex // guards what follows
	draining bool
	why      reason
	cause    error
}

func newConn(s *Server, l *Listener, raw net.Conn, host netip.Addr) *conn {
	c := &conn{server: s, listener: l, raw: raw, nc: raw}
	c.id = api.Conn{ID: s.nextID.Add(1), Listener: l.Name, Host: host}
	c.log = s.cfg.Logger.With("connection", c.id.ID, "listener", l.Name, "host", host.String())
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	c.beginTurn()
	c.loginBy = time.Now().Add(s.cfg.Limits.Login)
	c.ready = c.allow
	c.software.Store(&software{})
	c.own.budget, c.own.gauge = s.budget, s.cfg.Metrics.inFlight
	c.stranger.budget, c.stranger.gauge = s.strangers, s.cfg.Metrics.inFlight
	c.out = make(chan *exchange, s.cfg.Limits.InFlight)
	c.written = make(chan struct{}, 1)
	return c
}

// serve is a connection's life: TLS, then an identity (or the means to get one by SASL), then requests until it ends.
func (c *conn) serve() {
	defer c.finish()
	if !c.open() {
		return
	}
	c.in = bufio.NewReaderSize(c.nc, readBuffer)
	writing := make(chan struct{})
	go func() {
		defer close(writing)
		c.writeAnswers()
	}()
	c.readRequests()
	close(c.out)
	<-writing
}

// open secures the connection and finds out who it is, where that takes no SASL.
func (c *conn) open() (opened bool) {
	defer c.survive()
	if err := c.secure(); err != nil {
		c.end(reasonTLS, err)
		return false
	}
	if c.listener.usesSASL() {
		c.login = &login{conn: c}
		return true
	}
	if err := c.identify(); err != nil {
		c.end(reasonLogin, err)
		return false
	}
	return true
}

// readRequests reads and serves one request after another until the connection has to end.
func (c *conn) readRequests() {
	defer c.survive()
	for {
		frame, err := c.readFrame()
		if err != nil {
			c.readFailed(err)
			return
		}
		if !c.serveFrame(frame) {
			return
		}
	}
}

// serveFrame serves one frame, and reports whether another may follow.
func (c *conn) serveFrame(frame wire.Frame) bool {
	if c.session.Load() == nil {
		c.frames++
	}
	if c.login != nil && c.login.takesTokens() {
		return c.serveToken(frame)
	}
	return c.serveRequest(frame)
}

// survive is the one recover of a connection: a fault ends the connection and not the broker.
func (c *conn) survive() {
	fault := recover()
	if fault == nil {
		return
	}
	c.server.cfg.Metrics.panics.Inc()
	c.log.Error("fault while serving a connection", "fault", fault, "stack", string(debug.Stack()))
	c.end(reasonFault, errors.New("fault"))
}

// note remembers why the connection ends. The first reason is kept.
func (c *conn) note(why reason, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == "" {
		c.why, c.cause = why, cause
	}
}

// end closes the connection at once, whatever is under way on it. It does not block.
func (c *conn) end(why reason, cause error) {
	c.note(why, cause)
	c.cancel(errClosed)
	closeQuietly(c.raw)
}

// endSoon ends a revoked session that has asked for a change of credentials: who changes his own password, or revokes himself, is
// still told that it is done. The request may also stand behind a produce that waits, or a client that takes no answers, so it is not
// waited for long.
func (c *conn) endSoon(why string) {
	cause := errors.New(why)
	c.note(reasonRevoked, cause)
	c.drain()
	time.AfterFunc(limit.RevokedAnswer, func() { c.end(reasonRevoked, cause) })
}

// drain lets the request that is being served come to its answer and reads no further one.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // a closed socket needs no deadline
}

// readBy sets the deadline of reading; the zero time means none. A draining connection reads nothing more.
func (c *conn) readBy(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return errShutdown
	}
	return c.raw.SetReadDeadline(t)
}

func (c *conn) isDraining() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// finish closes what is left open and tells of the end.
func (c *conn) finish() {
	c.cancel(errClosed)
	if c.untilExpiry != nil {
		c.untilExpiry.Stop()
	}
	closeQuietly(c.nc)
	c.own.settle()
	c.stranger.settle()
	c.mu.Lock()
	why, cause := c.why, c.cause
	c.mu.Unlock()
	c.server.cfg.Metrics.closed.WithLabelValues(c.listener.Name, string(why)).Inc()
	level := slog.LevelDebug
	if why == reasonGate || why == reasonRequest || why == reasonVersion || why == reasonTLS || why == reasonMemory {
		level = slog.LevelInfo
	}
	c.log.Log(context.Background(), level, "connection closed", "reason", string(why), "cause", cause)
	c.tellUses()
	if session := c.session.Load(); session != nil {
		told := string(why)
		if why == reasonRevoked {
			told += ": " + cause.Error()
		}
		c.server.cfg.Recorder.Disconnected(c.id, session, told)
	}
}
