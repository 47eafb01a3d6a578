package gssapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// errFull is a log-in that comes while too many are remembered. It may be tried again.
var errFull = errors.New("too many log-ins to remember")

// Replays remembers the authenticators of log-ins for as long as they could be sent again, so that each is accepted once. It is
// shared by all listeners: what was seen on one is refused on the others. It is bounded, and safe for concurrent use.
type Replays struct {
	capacity int

	mu   sync.Mutex
	seen map[fingerprint]struct{}
	// until has what is to be forgotten after a second, by that second.
	until map[int64][]fingerprint
	swept int64
}

// fingerprint is a part of the SHA-256 of an authenticator's ciphertext. Name and time alone may be those of two processes.
type fingerprint [16]byte

// NewReplays returns an empty memory.
func NewReplays() *Replays { return newReplays(maxReplays) }

func newReplays(capacity int) *Replays {
	return &Replays{capacity: capacity, seen: map[fingerprint]struct{}{}, until: map[int64][]fingerprint{}}
}

// add remembers a verified authenticator until it is too old to be accepted. The error is ErrReplay for one that is remembered already.
func (r *Replays) add(ciphertext []byte, now, until time.Time) error {
	sum := sha256.Sum256(ciphertext)
	key := fingerprint(sum[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now.Unix())
	if _, replayed := r.seen[key]; replayed {
		return ErrReplay
	}
	if len(r.seen) >= r.capacity {
		return fmt.Errorf("%w: %w", auth.ErrUndecided, errFull)
	}
	r.seen[key] = struct{}{}
	second := until.Unix()
	r.until[second] = append(r.until[second], key)
	return nil
}

// sweep forgets, once a second, what can not be accepted any more.
func (r *Replays) sweep(now int64) {
	if now == r.swept {
		return
	}
	r.swept = now
	for second, keys := range r.until {
		if second >= now {
			continue
		}
		for _, key := range keys {
			delete(r.seen, key)
		}
		delete(r.until, second)
	}
}
