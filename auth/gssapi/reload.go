package gssapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync/atomic"
	"time"
)

// keys are those of a keytab file, read again when it changes. What can not be read, or lacks the broker's name, is reported and not
// taken: the last good ones stay.
type keys struct {
	path     string
	wanted   wanted
	interval time.Duration
	logger   *slog.Logger
	current  atomic.Pointer[keyring]
	// digest is of the file that the current keys are from, failure the last reported failure. Both are of the one who reloads.
	digest  [sha256.Size]byte
	failure string
}

// reload takes the file's keys if it has changed.
func (k *keys) reload() error {
	raw, err := readKeytab(k.path)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(raw)
	if k.current.Load() != nil && digest == k.digest {
		return nil
	}
	ring, err := parseKeytab(k.path, raw, k.wanted)
	if err != nil {
		return err
	}
	k.current.Store(ring)
	k.digest = digest
	return nil
}

// Run looks at the keytab again and again until ctx ends.
func (m *Mechanism) Run(ctx context.Context) {
	if m.keys.interval < 0 {
		return
	}
	tick := time.NewTicker(m.keys.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.keys.look()
		}
	}
}

// look reloads and tells the log what came of it; a failure that stays is told once.
func (k *keys) look() {
	before := k.current.Load()
	err := k.reload()
	switch {
	case err != nil && err.Error() != k.failure:
		k.failure = err.Error()
		k.logger.Error("the keytab can not be used; the last good one stays", "keytab", k.path, "error", err)
	case err == nil:
		k.failure = ""
		if now := k.current.Load(); now != before {
			k.logger.Info("the keytab was read again", "keytab", k.path, "keys", len(now.keys))
		}
	}
}
