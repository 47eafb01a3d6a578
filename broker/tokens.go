package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/auth/token"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
)

// TokenOptions are the settings of delegation tokens.
type TokenOptions struct {
	// Secret is what tokens are derived from; "" means that there are none.
	Secret string
	// MaxLifetime bounds their lives, Expiry is how long they live before they are renewed.
	MaxLifetime, Expiry time.Duration
	// CheckInterval is how often expired ones are removed.
	CheckInterval time.Duration
}

// tokens are the delegation tokens of the metadata with what proves them.
type tokens struct {
	options TokenOptions
	store   *meta.Store
	// keyring is nil where there are none.
	keyring *token.Keyring
	clock   func() time.Time
	// refused counts changes of tokens by who makes too many.
	refused prometheus.Counter
}

// startTokens makes the tokens known to who logs in by one and to who asks for them.
func (b *Broker) startTokens(ctx context.Context) error {
	t, err := newTokens(b.options.Tokens, b.options.Listeners, b.store, b.options.Clock)
	if err != nil {
		return err
	}
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chronik_delegation_tokens", Help: "Delegation tokens in the metadata, those included that have expired and are not removed yet.",
	}, func() float64 { return float64(b.store.Image().TokenCount()) })
	for _, c := range []prometheus.Collector{gauge, t.refused} {
		if err := b.registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	if b.tokens = t; t.keyring != nil {
		b.store.Subscribe(t.Follow)
		b.background(ctx, t.keyring.Run)
	}
	return nil
}

// newTokens makes the keyring for log-ins by the SCRAM mechanisms of the listeners.
func newTokens(o TokenOptions, listeners []Listener, store *meta.Store, clock func() time.Time) (*tokens, error) {
	t := &tokens{options: o, store: store, clock: clock, refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "chronik_delegation_token_changes_refused_total", Help: "Delegation tokens that were not made, renewed or ended, since the principal makes too many changes.",
	})}
	if o.Secret == "" {
		return t, nil
	}
	var err error
	t.keyring, err = token.NewKeyring(o.Secret, scramHashes(listeners)...)
	return t, err
}

// scramHashes are those of the SCRAM mechanisms that some listener has.
func scramHashes(listeners []Listener) []scram.Hash {
	enabled := map[string]bool{}
	for i := range listeners {
		for _, m := range listeners[i].Mechanisms {
			enabled[m] = true
		}
	}
	var hashes []scram.Hash
	for _, h := range []scram.Hash{scram.SHA256, scram.SHA512} {
		if enabled[h.String()] {
			hashes = append(hashes, h)
		}
	}
	return hashes
}

// Follow is a meta.Subscriber.
func (t *tokens) Follow(_, next *meta.Image, d meta.Delta) {
	for _, id := range d.TokensChanged {
		if next.Token(id) != nil {
			t.keyring.Add(id)
		} else {
			t.keyring.Remove(id)
		}
	}
}

// forLogins finds tokens that have not expired, for log-ins by a mechanism; nil where there are none.
func (t *tokens) forLogins(h scram.Hash) func(id string) (scram.Token, bool) {
	if t.keyring == nil {
		return nil
	}
	return func(id string) (scram.Token, bool) {
		known := t.store.Image().Token(id)
		if known == nil || known.Expired(t.clock().UnixMilli()) {
			return scram.Token{}, false
		}
		owner, err := auth.ParsePrincipal(known.Owner)
		if err != nil {
			return scram.Token{}, false
		}
		credential, found := t.keyring.Credential(id, h)
		return scram.Token{Owner: owner, Expires: time.UnixMilli(known.Expires), Credential: credential}, found
	}
}

// handler makes the area of the APIs on tokens.
func (t *tokens) handler(log handler.MetadataLog, approvals *handler.Approvals) *handler.Tokens {
	h := &handler.Tokens{
		Metadata: log, MaxLifetime: t.options.MaxLifetime, Expiry: t.options.Expiry, Clock: t.clock, Withhold: len(approvals.Operations) > 0,
	}
	if t.keyring != nil {
		h.Keys = t.keyring
	}
	h.Refused = t.refused.Inc
	return h
}
