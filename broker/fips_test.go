package broker

import (
	"crypto/fips140"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/config"
)

// TestFIPSIsRequired: a binary without FIPS 140-3 mode refuses to start where it is required. make test-fips runs it in that mode.
func TestFIPSIsRequired(t *testing.T) {
	for key, value := range map[string]string{"chronik.fips.required": "true", "chronik.listener.require": "fips"} {
		c, _, err := config.Load(config.FromMap("test", map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "log.dirs": "/data", key: value}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = FromConfig(c, "test", slog.New(slog.DiscardHandler))
		if refused := errors.Is(err, ErrNotFIPS) && strings.Contains(err.Error(), key); refused == fips140.Enabled() || !refused && err != nil {
			t.Errorf("%s, in FIPS 140-3 mode: %t: %v", key, fips140.Enabled(), err)
		}
	}
}
