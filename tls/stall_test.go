package tls

import (
	"sync/atomic"
	"testing"
	"time"
)

// stall is a clock that stops whoever asks it in his turn, until it is let go.
type stall struct {
	turns             atomic.Int32
	reached, released chan struct{}
}

func (s *stall) now() time.Time {
	if s.turns.Add(-1) == 0 {
		close(s.reached)
		<-s.released
	}
	return time.Now()
}

// TestNothingWaitsForFiles stops the Reloader amid a look at its files, as a mount does that has stalled: handshakes, metrics and the end
// do not wait for it.
func TestNothingWaitsForFiles(t *testing.T) {
	for name, change := range map[string]func(*site){
		"stores": func(s *site) {
			write(t, s.cfg.KeyStore.Location, asPEM(t, s.server.key, s.server.cert, s.issuer.cert, s.root.cert))
		},
		"lists": func(s *site) { s.put("issuer.crl", s.issuer.revokes(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			clock := &stall{reached: make(chan struct{}), released: make(chan struct{})}
			s := newSite(t, func(c *Config) { c.Clock, c.ReloadInterval = clock.now, time.Millisecond })
			change(s)
			clock.turns.Store(2) // the first one is for certificates that expire soon
			if err := s.reloader.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-clock.reached
			done := make(chan struct{})
			go func() {
				defer close(done)
				s.reloader.OnRevocation(func() {})
				if stats := s.reloader.Stats(); stats.Reloads != 0 || len(s.reloader.Lists()) != 2 || len(s.reloader.Certificates()) == 0 || s.reloader.Staples() != nil {
					t.Errorf("%+v", stats)
				}
				s.reloader.Stop()
			}()
			if err := s.try(s.issuer.issue("client", nil)); err != nil {
				t.Errorf("a handshake: %v", err)
			}
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Error("the metrics or the end wait for the files")
			}
			close(clock.released)
		})
	}
}
