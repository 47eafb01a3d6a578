package gssapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
)

// keys are those of a keytab file, read again when it changes. What can not be read, or lacks the broker's name, is reported and not
// taken: the last good ones stay.
type keys struct {
	path     string
	wanted   wanted
	interval time.Duration
	clock    func() time.Time
	logger   *slog.Logger
	current  atomic.Pointer[keyring]
	// reloads counts the keytabs taken since the first, failures the looks at one that could not be used.
	reloads, failures atomic.Uint64

	// turn is held by who looks at the file, which may take for ever where a mount has stalled. It guards what follows.
	turn chan struct{}
	// digest is of the file that the current keys are from, looked when it was looked at last, failure the last reported failure.
	digest  [sha256.Size]byte
	looked  time.Time
	failure string
}

// reload takes the file's keys if it has changed. Its caller has the turn, but for the first time.
func (k *keys) reload() error {
	k.looked = k.clock()
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
	ring.read = k.looked
	if k.current.Swap(ring) != nil {
		k.reloads.Add(1)
	}
	k.digest = digest
	return nil
}

// KeytabStats tell about the keys in use.
type KeytabStats struct {
	// Keys is how many of them tickets may be for, Read when they were taken from the file.
	Keys int
	Read time.Time
	// Reloads counts the renewals since the first load, Failures the looks at a file that could not be used.
	Reloads, Failures uint64
}

// KeytabStats returns what is known of the keys in use. It does not wait while the file is read.
func (m *Mechanism) KeytabStats() KeytabStats {
	k := m.acceptor.keys
	ring := k.current.Load()
	return KeytabStats{Keys: len(ring.keys), Read: ring.read, Reloads: k.reloads.Load(), Failures: k.failures.Load()}
}

// Run looks at the keytab again and again until ctx ends.
func (m *Mechanism) Run(ctx context.Context) {
	k := m.acceptor.keys
	if k.interval < 0 {
		return
	}
	tick := time.NewTicker(k.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.refresh(ctx, time.Time{})
		}
	}
}

// find returns the keys that a ticket may be encrypted with. Where there is none, the file is looked at once more: its owner may have got
// the key a moment ago, and the client its ticket. Any stranger can ask for that; it costs less than the connection that he asks by.
func (k *keys) find(ctx context.Context, service name, enctype int32, kvno int) []types.EncryptionKey {
	found := k.current.Load().find(service, enctype, kvno)
	if len(found) > 0 || k.interval < 0 {
		return found
	}
	k.refresh(ctx, k.clock())
	return k.current.Load().find(service, enctype, kvno)
}

// refresh looks at the file, unless somebody has begun to since a time, and returns when that has ended or ctx has. One at a time looks,
// so that a mount that has stalled keeps one goroutine, however many ask.
func (k *keys) refresh(ctx context.Context, since time.Time) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { <-k.turn }()
		if since.IsZero() || k.looked.Before(since) {
			k.look()
		}
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// look reloads and tells the log what came of it; a failure that stays is told once. Its caller has the turn.
func (k *keys) look() {
	before := k.current.Load()
	err := k.reload()
	if err != nil {
		k.failures.Add(1)
	}
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
