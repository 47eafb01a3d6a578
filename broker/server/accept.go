package server

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/chronik-stream/chronik/broker/limit"
)

// accept takes connections of one listener until its socket is closed. A failed accept (out of file descriptors) is tried
// again after a pause that grows.
func (s *Server) accept(l *Listener, socket net.Listener) {
	pause := limit.AcceptBackoffFirst
	for {
		nc, err := socket.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			s.cfg.Logger.Warn("accept failed", "listener", l.Name, "error", err, "pause", pause)
			if !wait(s.ctx, pause) {
				return
			}
			pause = min(2*pause, limit.AcceptBackoffMost)
		default:
			pause = limit.AcceptBackoffFirst
			s.admit(l, nc)
		}
	}
}

// admit counts a connection, before anything is read from it, and serves it or closes it at once.
func (s *Server) admit(l *Listener, nc net.Conn) {
	addr := hostOf(nc.RemoteAddr())
	s.mu.Lock()
	full := s.fullFor(addr)
	if full != "" {
		s.mu.Unlock()
		s.cfg.Metrics.turnedAway.WithLabelValues(l.Name, full).Inc()
		s.cfg.Logger.Debug("connection turned away", "listener", l.Name, "host", addr.String(), "limit", full)
		closeQuietly(nc)
		return
	}
	s.perAddr[addr]++
	s.running.Add(1)
	if delay := s.cfg.Quotas.Connected(addr); delay > 0 {
		s.delayed++
		s.mu.Unlock()
		s.cfg.Metrics.turnedAway.WithLabelValues(l.Name, "connection_creation_rate").Inc()
		s.cfg.Logger.Debug("connection turned away", "listener", l.Name, "host", addr.String(), "limit", "connection_creation_rate", "delay", delay)
		go s.turnAwayLater(nc, addr, delay)
		return
	}
	c := newConn(s, l, nc, addr)
	s.conns[c] = struct{}{}
	s.mu.Unlock()

	s.cfg.Metrics.accepted.WithLabelValues(l.Name).Inc()
	s.cfg.Metrics.connections.WithLabelValues(l.Name).Inc()
	go func() {
		defer s.running.Done()
		defer s.forget(c)
		c.serve()
	}()
}

// fullFor names the limit that another connection from addr would pass, "" if none. It needs s.mu.
func (s *Server) fullFor(addr netip.Addr) string {
	most := s.cfg.Limits.ConnectionsPerAddress
	if own, found := s.cfg.Limits.PerAddress[addr]; found {
		most = own
	}
	switch {
	case s.draining:
		return "shutdown"
	case len(s.conns)+s.delayed >= s.cfg.Limits.Connections:
		return "max.connections"
	case s.perAddr[addr] >= most:
		return "max.connections.per.ip"
	default:
		return ""
	}
}

// turnAwayLater closes a connection that came too soon after others of its address, once the delay is over: a client that tries again
// when it is closed is slowed down by that (KIP-612). Until then it counts as a connection, and nothing is read from it.
func (s *Server) turnAwayLater(nc net.Conn, addr netip.Addr, delay time.Duration) {
	defer s.running.Done()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stopping:
	}
	closeQuietly(nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delayed--
	s.leave(addr)
}

// leave counts one connection of an address less. It needs s.mu.
func (s *Server) leave(addr netip.Addr) {
	if s.perAddr[addr]--; s.perAddr[addr] == 0 {
		delete(s.perAddr, addr)
	}
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.leave(c.id.Host)
	s.mu.Unlock()
	s.cfg.Metrics.connections.WithLabelValues(c.listener.Name).Dec()
}

// hostOf is the address without port and zone, an IPv4 one never in its IPv6 form, as ACLs are compared with it.
func hostOf(a net.Addr) netip.Addr {
	tcp, isTCP := a.(*net.TCPAddr)
	if !isTCP {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap().WithZone("")
}

// closeQuietly closes what is of no use any more; that it fails tells nobody anything.
func closeQuietly(nc net.Conn) { _ = nc.Close() }
