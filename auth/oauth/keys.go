package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/chronik-stream/chronik/auth"
)

// KeysConfig says where the issuer's keys are and how often they are read.
type KeysConfig struct {
	// URL is sasl.oauthbearer.jwks.endpoint.url: file, https, or http on loopback.
	URL string
	// Transport makes what asks an https or http address; it is called for each request.
	Transport func() (http.RoundTripper, error)
	// Refresh is sasl.oauthbearer.jwks.endpoint.refresh.ms.
	Refresh time.Duration
	// Backoff and BackoffMax are sasl.oauthbearer.jwks.endpoint.retry.backoff.ms and .max.ms: the pauses after a failure.
	Backoff, BackoffMax time.Duration
	// Ask is the shortest time between two requests that tokens with unknown keys cause; 0 is askInterval.
	Ask time.Duration
	// Logger is told of new keys and of failures; nil is slog.Default().
	Logger *slog.Logger
}

// KeysStats tell about the keys in use.
type KeysStats struct {
	// Keys is their number, Unusable that of those which serve no token.
	Keys, Unusable int
	// Refreshed is when they were read last; the zero time where they never were.
	Refreshed time.Time
	// Reads counts the attempts to read them, Failures those that failed.
	Reads, Failures uint64
}

// Keys are the issuer's keys, read again and again by Run. What cannot be read or has no key in it is reported and not taken: the
// last good set stays.
type Keys struct {
	cfg     KeysConfig
	source  source
	current atomic.Pointer[keySet]
	// asked wakes Run for a token whose key is not known.
	asked chan struct{}

	mu    sync.Mutex
	stats KeysStats
	// begun is the reading under way, nil between two, next the one that has not begun. Who needs newer keys than there are waits for
	// them.
	begun, next *reading
	// failure is the last reported failure, "" after a success.
	failure string
}

// reading is one reading of the keys.
type reading struct {
	done chan struct{}
	err  error // to be read when done is closed
}

func newReading() *reading { return &reading{done: make(chan struct{})} }

// NewKeys checks the configuration, and reads the keys where they are in a file. An issuer at an address is asked by Run: that it
// does not answer yet must not keep a broker from starting.
func NewKeys(cfg KeysConfig) (*Keys, error) {
	if cfg.URL == "" {
		return nil, fmt.Errorf("%w: no address of the issuer's keys, without which no signature can be verified", ErrBadConfig)
	}
	if err := CheckEndpoint(cfg.URL); err != nil {
		return nil, err
	}
	if cfg.Refresh <= 0 || cfg.Backoff <= 0 || cfg.BackoffMax < cfg.Backoff {
		return nil, fmt.Errorf("%w: the refresh interval and the pauses have to be above 0, and the longest pause not below the first", ErrBadConfig)
	}
	if cfg.Ask == 0 {
		cfg.Ask = askInterval
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	k := &Keys{cfg: cfg, asked: make(chan struct{}, 1), next: newReading()}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadConfig, err)
	}
	if u.Scheme == "file" {
		k.cfg.Refresh = min(cfg.Refresh, fileInterval)
		k.source = fileSource(func() ([]byte, error) { return readFile(u.Path) })
		return k, k.read(context.Background())
	}
	if cfg.Transport == nil {
		return nil, fmt.Errorf("%w: no transport to %s", ErrBadConfig, cfg.URL)
	}
	k.source = addressSource{url: cfg.URL, transport: cfg.Transport}
	return k, nil
}

// Stats returns what is known of the keys in use.
func (k *Keys) Stats() KeysStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stats
}

// Run reads the keys at once, then whenever the interval has passed, a failure's pause has, or a token names a key that is not known,
// until ctx is done.
func (k *Keys) Run(ctx context.Context) {
	var lastAsk time.Time
	backoff := k.cfg.Backoff
	for {
		pause := k.cfg.Refresh
		if err := k.read(ctx); err != nil {
			pause, backoff = backoff, min(2*backoff, k.cfg.BackoffMax)
		} else {
			backoff = k.cfg.Backoff
		}
		asked, ended := k.pause(ctx, pause, lastAsk)
		if ended {
			return
		}
		if asked {
			lastAsk = time.Now()
		}
	}
}

// pause waits until the keys are to be read again, and reports whether a token asked for it.
func (k *Keys) pause(ctx context.Context, pause time.Duration, lastAsk time.Time) (asked, ended bool) {
	due := time.Now().Add(pause)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	wake := k.asked
	for {
		select {
		case <-ctx.Done():
			return false, true
		case <-timer.C:
			return asked, false
		case <-wake:
			wake = nil
			if allowed := lastAsk.Add(k.cfg.Ask); allowed.Before(due) {
				asked = true
				timer.Reset(time.Until(allowed))
			}
		}
	}
}

// read reads the keys once and tells those who wait for it.
func (k *Keys) read(ctx context.Context) error {
	k.mu.Lock()
	select {
	case <-k.asked: // whoever has asked so far waits for this reading
	default:
	}
	r := k.next
	k.begun, k.next = r, newReading()
	k.mu.Unlock()
	set, err := k.fetch(ctx)
	r.err = err
	k.note(set, err)
	close(r.done)
	return err
}

func (k *Keys) fetch(ctx context.Context) (*keySet, error) {
	text, err := k.source.fetch(ctx)
	if err != nil {
		return nil, err
	}
	set, err := parseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.cfg.URL, err)
	}
	return set, nil
}

// note ends a reading: it takes the set, or reports why there is none, each reason once.
func (k *Keys) note(set *keySet, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begun = nil
	k.stats.Reads++
	if err != nil {
		k.stats.Failures++
		if again := err.Error() == k.failure; !again && !errors.Is(err, context.Canceled) {
			k.failure = err.Error()
			k.cfg.Logger.Warn("the issuer's keys could not be read, the last good ones stay", "keys", k.stats.Keys, "cause", err)
		}
		return
	}
	if !set.sameKeys(k.current.Load()) {
		k.cfg.Logger.Info("the issuer's keys are read", "url", k.cfg.URL, "keys", len(set.keys), "unusable", set.unusable)
	}
	k.current.Store(set)
	k.failure = ""
	k.stats.Keys, k.stats.Unusable, k.stats.Refreshed = len(set.keys), set.unusable, time.Now()
}

// find returns the key for a token. One that is not known may be in the reading that is under way; if it is not, the keys are read again,
// at most once in an interval however many ask, and the token waits for it. Where they cannot be read the error wraps
// auth.ErrUndecided: the issuer may know the key.
func (k *Keys) find(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) (any, error) {
	public, err := k.look(id, algorithm)
	for _, newer := range []func() *reading{k.underWay, k.ask} {
		if !errors.Is(err, errUnknownKey) {
			break
		}
		if failed := newer().wait(ctx); failed != nil {
			return nil, fmt.Errorf("%w: key %.64q: %w", auth.ErrUndecided, id, failed)
		}
		public, err = k.look(id, algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("key %.64q: %w", id, err)
	}
	return public, nil
}

// look looks for a key among those that are there.
func (k *Keys) look(id string, algorithm jose.SignatureAlgorithm) (any, error) {
	set := k.current.Load()
	if set == nil {
		return nil, errUnknownKey
	}
	return set.find(id, algorithm)
}

// underWay is the reading that has begun and not ended, nil if there is none.
func (k *Keys) underWay() *reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.begun
}

// ask wakes Run for a reading that begins from now on.
func (k *Keys) ask() *reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case k.asked <- struct{}{}:
	default:
	}
	return k.next
}

// wait waits for the end of a reading, and returns why it failed. There is nothing to wait for where none has begun.
func (r *reading) wait(ctx context.Context) error {
	if r == nil {
		return nil
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the issuer's keys: %w", ctx.Err())
	}
}
