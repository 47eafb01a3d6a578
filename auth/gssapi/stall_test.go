package gssapi

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
)

// stalled is a log that takes its first line when it is let go.
type stalled struct {
	slog.Handler
	reached, released chan struct{}
}

func (s *stalled) Enabled(context.Context, slog.Level) bool { return true }

func (s *stalled) Handle(context.Context, slog.Record) error {
	close(s.reached)
	<-s.released
	return nil
}

// TestNothingWaitsForTheKeytab stops a look at the keytab, as a mount does that has stalled: keys that are there serve, who asks for others
// waits for as long as his log-in may take and keeps nothing, and the end does not wait.
func TestNothingWaitsForTheKeytab(t *testing.T) {
	log := &stalled{Handler: slog.DiscardHandler, reached: make(chan struct{}), released: make(chan struct{})}
	path := writeKeytab(t, entry{service, 2, 18})
	m := newMechanism(t, func(c *Config) {
		c.Keytab, c.Logger, c.ReloadInterval, c.Clock = path, slog.New(log), time.Millisecond, time.Now
	})
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.Run(ctx)
	}()
	<-log.reached
	defer close(log.released)
	goroutines := runtime.NumGoroutine()
	if keys := m.acceptor.keys.find(t.Context(), name{[]string{"kafka", "localhost"}, realm}, 18, 2); len(keys) != 1 {
		t.Errorf("%d keys", len(keys))
	}
	newer := client{enctype: 18, principal: []string{"alice"}, ticket: func(t *messages.Ticket) { t.EncPart.KVNO = 3 }}
	over, end := context.WithCancel(t.Context())
	end()
	for range 20 {
		if _, _, err := m.Start().Step(over, newer.initial(t)); !errors.Is(err, ErrNoKey) {
			t.Errorf("a key that is not there: %v", err)
		}
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines after %d", n, goroutines)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the end waits for the keytab")
	}
}
