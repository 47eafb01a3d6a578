package server

import (
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
)

// software is what a client's ApiVersions request says that it is (KIP-511).
type software struct{ name, version string }

// LiveSession is a connection with a session.
type LiveSession struct {
	Conn    api.Conn
	Session *auth.Session
	// SoftwareName and SoftwareVersion are what the client says that it is; "" before it has.
	SoftwareName, SoftwareVersion string
}

// Sessions are the connections that have a session now, in no order.
func (s *Server) Sessions() []LiveSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]LiveSession, 0, len(s.conns))
	for c := range s.conns {
		session := c.session.Load()
		if session == nil {
			continue
		}
		is := c.software.Load()
		all = append(all, LiveSession{Conn: c.id, Session: session, SoftwareName: is.name, SoftwareVersion: is.version})
	}
	return all
}
