package broker

import (
	"crypto/fips140"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chronik-stream/chronik/broker/config"
)

// ErrNotFIPS is returned where FIPS 140-3 mode is required and is off.
var ErrNotFIPS = errors.New("this binary does not run in FIPS 140-3 mode: run that of make build-fips")

// checkFIPS refuses to go on without FIPS 140-3 mode where the configuration requires it.
func checkFIPS(c *config.Config, logger *slog.Logger) error {
	if fips140.Enabled() {
		logger.Info("FIPS 140-3 mode is on", "module", fips140.Version(), "enforced", fips140.Enforced())
		return nil
	}
	if c.Security.FIPSRequired {
		return fmt.Errorf("chronik.fips.required=true: %w", ErrNotFIPS)
	}
	for i := range c.Listeners {
		if l := &c.Listeners[i]; l.Requires(config.RequireFIPS) {
			return fmt.Errorf("chronik.listener.require of the listener %s: %w", l.Name, ErrNotFIPS)
		}
	}
	return nil
}
