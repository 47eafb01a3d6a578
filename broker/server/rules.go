package server

import (
	"time"

	"github.com/chronik-stream/chronik/broker/limit"
)

// RulesChanged says that who may do what has changed. Requests that wait and have lost a right are answered soon after; what they are
// answered is held to the new rules in any case. It does not block.
func (s *Server) RulesChanged() {
	select {
	case s.changed <- struct{}{}:
	default: // who has not looked yet will see this change too
	}
}

// followRules holds what waits to the rules whenever they have changed, until the server stops. One goroutine looks at one request after the
// other, and wakes only those that have lost something; changes that come close together are looked at together.
func (s *Server) followRules() {
	look := time.NewTicker(limit.RulesLook)
	defer look.Stop()
	seen := s.cfg.Authorizer.Epoch()
	for {
		select {
		case <-s.changed:
		case <-look.C:
		case <-s.ctx.Done():
			return
		}
		epoch := s.cfg.Authorizer.Epoch()
		if epoch == seen {
			continue
		}
		seen = epoch
		began := time.Now()
		s.holdWaiting()
		// Rules that change all the time, or take long to be asked, take a quarter of one processor at most.
		if !s.rest(max(limit.RulesPause, 3*time.Since(began))) {
			return
		}
	}
}

// holdWaiting holds each request that waits to the rules as they are now.
func (s *Server) holdWaiting() {
	view := s.cfg.Authorizer.Pin()
	for _, c := range s.allWaiting() {
		if s.ctx.Err() != nil {
			return
		}
		c.waiting.holdTo(view)
	}
}

// allWaiting are the connections with a request that may wait. Nobody who decides holds up who comes or goes.
func (s *Server) allWaiting() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*conn
	for c := range s.conns {
		if c.waiting.granted.Load() != nil {
			all = append(all, c)
		}
	}
	return all
}

// rest reports false when the server stops first.
func (s *Server) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
