package server

import (
	"strings"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
)

// software is what a client's ApiVersions request says that it is (KIP-511).
type software struct{ name, version string }

// newSoftware keeps the beginnings of a name and a version, which are ASCII, apart from the request that they came in.
func newSoftware(name, version string) *software {
	kept := func(text string) string { return strings.Clone(text[:min(len(text), limit.SoftwareBytes)]) }
	return &software{name: kept(name), version: kept(version)}
}

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
