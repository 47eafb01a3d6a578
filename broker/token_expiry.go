package broker

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
)

// tokenTick is how often it is looked whether a delegation token has expired: its sessions end within a second. A timer for the next one
// would be late when the machine's clock is set.
const tokenTick = 250 * time.Millisecond

// tokenExpiry ends the sessions of delegation tokens that have expired or been removed, and removes expired ones.
type tokenExpiry struct {
	log      handler.MetadataLog
	isLeader func() bool
	sessions sessions
	interval time.Duration
	clock    func() time.Time
	logger   *slog.Logger

	mu sync.Mutex // guards what follows
	// ended is a time, in milliseconds: the sessions of all tokens that end before it have been ended.
	ended int64
}

// startTokenExpiry ends what outlives its token from here on.
func (b *Broker) startTokenExpiry(ctx context.Context, of sessions) {
	if b.tokens.keyring == nil {
		return
	}
	e := &tokenExpiry{
		log: b.metadata, isLeader: b.quorum.IsLeader, sessions: of, interval: b.options.Tokens.CheckInterval, clock: b.options.Clock, logger: b.logger,
	}
	b.store.Subscribe(e.Follow)
	b.background(ctx, e.run)
}

// Follow is a meta.Subscriber that ends the sessions of removed tokens before who removed them is answered.
func (e *tokenExpiry) Follow(_, next *meta.Image, d meta.Delta) {
	if len(d.TokensChanged) == 0 {
		return
	}
	gone := map[string]bool{}
	e.mu.Lock()
	for _, id := range d.TokensChanged {
		if t := next.Token(id); t != nil {
			e.ended = min(e.ended, t.End())
		} else {
			gone[id] = true
		}
	}
	e.mu.Unlock()
	e.sessions.CloseSessions("the delegation token was removed", func(s *auth.Session) bool { return s.Token != "" && gone[s.Token] })
}

// run ends sessions when their tokens expire, and removes what has expired at each interval, until ctx ends.
func (e *tokenExpiry) run(ctx context.Context) {
	tick, sweep := time.NewTicker(tokenTick), time.NewTicker(e.interval)
	defer tick.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.endExpired()
		case <-sweep.C:
			e.sweep(ctx)
		}
	}
}

// endExpired ends the sessions of tokens that have expired since it was last called.
func (e *tokenExpiry) endExpired() {
	e.mu.Lock()
	img, now := e.log.Image(), e.clock().UnixMilli()
	since := min(e.ended, now)
	e.ended = now
	e.mu.Unlock()
	if end, found := img.NextTokenEnd(since); !found || end >= now {
		return
	}
	e.sessions.CloseSessions("the delegation token has expired", func(s *auth.Session) bool {
		if s.Token == "" {
			return false
		}
		t := img.Token(s.Token)
		return t == nil || t.Expired(now)
	})
}

// sweep removes expired tokens from the metadata. What fails is tried again at the next interval.
func (e *tokenExpiry) sweep(ctx context.Context) {
	for e.isLeader() {
		now := e.clock()
		if end, found := e.log.Image().NextTokenEnd(0); !found || end >= now.UnixMilli() {
			return
		}
		result, err := e.log.Propose(ctx, &meta.SweepTokens{
			Origin: meta.Origin{EventID: rand.Text(), Principal: "User:(broker)", API: "SweepDelegationToken", Time: now},
			Now:    now.UnixMilli(), Most: limit.TokensPerSweep,
		})
		if err != nil {
			e.logger.Warn("expired delegation tokens can not be removed", "error", err)
			return
		}
		for _, item := range result.Items {
			e.logger.Info("an expired delegation token was removed", "token", item.Name)
		}
		if len(result.Items) == 0 {
			return
		}
	}
}
