package quota

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
)

// Config is how it is measured.
type Config struct {
	// Samples and Window are quota.window.num and quota.window.size.seconds, ControllerSamples and ControllerWindow
	// controller.quota.window.num and its size.
	Samples, ControllerSamples int
	Window, ControllerWindow   time.Duration
	Clock                      func() time.Time
	Metrics                    *Metrics
}

// Manager holds clients to the quotas of the metadata. Its methods are safe for concurrent use; while nothing limits what they ask
// about they take no lock. A nil Manager limits nothing.
type Manager struct {
	clock   func() time.Time
	metrics *Metrics
	limits  atomic.Pointer[limits]
	// clients and hosts are looked at over span, mutations over controller.
	span, controller span
	rates            [mutation]*shards[client, rate]
	buckets          *shards[client, tokens]
	hosts            *shards[netip.Addr, rate]
}

// tokens are a bucket with the pace at which it was last refilled.
type tokens struct {
	bucket
	perSecond float64
}

// New returns a Manager without quotas; Follow gives it some.
func New(cfg Config) *Manager {
	m := &Manager{
		clock: cfg.Clock, metrics: cfg.Metrics,
		span: newSpan(cfg.Samples, cfg.Window), controller: newSpan(cfg.ControllerSamples, cfg.ControllerWindow),
	}
	m.limits.Store(&limits{})
	idle := func(r *rate, now int64) bool { return r.idle(m.span, now) }
	for k := range m.rates {
		m.rates[k] = newShards[client](m.span, idle)
	}
	m.hosts = newShards[netip.Addr](m.span, idle)
	m.buckets = newShards[client](m.controller, func(t *tokens, now int64) bool {
		return t.count(m.controller, t.perSecond, now) >= m.controller.seconds()*t.perSecond
	})
	return m
}

// Follow takes over the quotas of an image. It is a meta.Subscriber.
func (m *Manager) Follow(_, next *meta.Image, d meta.Delta) {
	if len(d.QuotasChanged) > 0 {
		m.limits.Store(limitsOf(next))
	}
}

// Produced counts the bytes of a request to produce, and returns how long the client has to be held back.
func (m *Manager) Produced(user, clientID string, bytes int) time.Duration {
	return m.count(produce, user, clientID, float64(bytes))
}

// Fetched counts the bytes of an answer to a fetch, and returns how long the client has to be held back. Where the records are not to be
// sent before that, nothing was counted. An answer that no wait would make fit, since a single batch is larger than all that may be
// taken in a span, is sent when nothing else stands against it, and paid for after it.
func (m *Manager) Fetched(user, clientID string, bytes int) (wait time.Duration, send bool) {
	if m == nil {
		return 0, true
	}
	c, limit, ok := m.limits.Load().of(fetch, user, clientID)
	if !ok {
		return 0, true
	}
	now, size, held := m.clock().UnixMilli(), float64(bytes), int64(0)
	m.rates[fetch].with(c, now, func(r *rate) {
		before, _ := r.measure(m.span, now)
		r.record(m.span, size, now)
		perSecond, over := r.measure(m.span, now)
		held = throttle(perSecond, limit, over)
		send = held == 0 || before == 0 && size > limit*m.span.seconds()
		if !send {
			r.record(m.span, -size, now)
		}
	})
	return m.metrics.throttled(fetch, held), send
}

// FetchWindow is the most that one answer to a fetch may hold, in bytes: more would be held back whatever else the client takes.
func (m *Manager) FetchWindow(user, clientID string, most int32) int32 {
	if m == nil {
		return most
	}
	_, limit, ok := m.limits.Load().of(fetch, user, clientID)
	if !ok {
		return most
	}
	window := limit * float64(m.span.samples-1) * float64(m.span.window) / 1000
	return int32(min(window, float64(most)))
}

// LimitsRequests reports whether anybody's time for requests is limited: else it need not be measured.
func (m *Manager) LimitsRequests() bool { return m.limits.Load().clients[request] != nil }

// Served counts the time that a request took, and returns how long the client has to be held back: not longer than one sample, since time
// is not owed (ClientRequestQuotaManager).
func (m *Manager) Served(user, clientID string, took time.Duration) time.Duration {
	percent := float64(took) / float64(time.Second) * 100
	return m.count(request, user, clientID, percent)
}

// count records a value for a client and returns for how long it is beyond its limit.
func (m *Manager) count(k kind, user, clientID string, value float64) time.Duration {
	if m == nil {
		return 0
	}
	c, limit, ok := m.limits.Load().of(k, user, clientID)
	if !ok {
		return 0
	}
	now, wait := m.clock().UnixMilli(), int64(0)
	m.rates[k].with(c, now, func(r *rate) {
		r.record(m.span, value, now)
		perSecond, over := r.measure(m.span, now)
		wait = throttle(perSecond, limit, over)
	})
	if k == request {
		wait = min(wait, m.span.window)
	}
	return m.metrics.throttled(k, wait)
}

// Changed counts partitions that a request creates or deletes (KIP-599). Strictly nothing may be changed while the client is in debt:
// allowed is false and nothing is counted. Otherwise the change is allowed, and the client held back.
func (m *Manager) Changed(user, clientID string, partitions int, strict bool) (wait time.Duration, allowed bool) {
	if m == nil {
		return 0, true
	}
	c, limit, ok := m.limits.Load().of(mutation, user, clientID)
	if !ok {
		return 0, true
	}
	now, owed := m.clock().UnixMilli(), int64(0)
	m.buckets.with(c, now, func(t *tokens) {
		t.perSecond = limit
		t.count(m.controller, limit, now)
		if strict {
			owed = t.throttle(limit)
			allowed = owed == 0
		}
		if allowed || !strict {
			t.take(float64(partitions))
		}
		if !strict {
			owed, allowed = t.throttle(limit), true
		}
	})
	return m.metrics.throttled(mutation, owed), allowed
}

// Connected counts a connection from an address (KIP-612). Where it returns a time, the connection is not to be served, and is to be
// closed after it, so that who tries again at once does not try more often; it is not counted.
func (m *Manager) Connected(addr netip.Addr) time.Duration {
	limit := m.limits.Load().host(addr)
	if limit == 0 {
		return 0
	}
	now, wait := m.clock().UnixMilli(), int64(0)
	m.hosts.with(addr, now, func(r *rate) {
		r.record(m.span, 1, now)
		perSecond, over := r.measure(m.span, now)
		if wait = min(throttle(perSecond, limit, over), m.span.window); wait > 0 {
			r.record(m.span, -1, now)
		}
	})
	return time.Duration(wait) * time.Millisecond
}
