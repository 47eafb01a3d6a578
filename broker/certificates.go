package broker

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
)

// startReloaders keeps the certificates of the listeners fresh, and tells of them in the metrics. Sessions on a listener end when its revocation lists name a certificate
// of theirs, whatever they logged in by.
func (b *Broker) startReloaders(ctx context.Context, of sessions) error {
	b.registry.MustRegister(newCertificateMetrics(b.reloaders))
	for name, r := range b.reloaders {
		r.OnRevocation(func() {
			n := of.CloseSessions("the client's certificate was revoked", func(s *auth.Session) bool {
				return s.Listener == name && s.Certificate != nil && r.StillTrusted(s.Certificate.Chain) != nil
			})
			if n > 0 {
				b.logger.Info("sessions ended with their certificates", "listener", name, "sessions", n)
			}
		})
		if err := r.Start(ctx); err != nil {
			return fmt.Errorf("listener %s: %w", name, err)
		}
	}
	return nil
}
