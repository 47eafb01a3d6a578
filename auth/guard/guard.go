package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// ErrBadConfig is wrapped by the errors of New.
var ErrBadConfig = errors.New("bad configuration of log-in delays")

// Scope is what a lock-out holds for; the zero value is invalid.
type Scope int8

const (
	// UserAddress locks a user out from one address. Others can not lock him out from his own.
	UserAddress Scope = iota + 1
	// User locks a user out from everywhere. Whoever knows a name can do that to him.
	User
)

// ParseScope reads user-address or user.
func ParseScope(s string) (Scope, error) {
	switch s {
	case "user-address":
		return UserAddress, nil
	case "user":
		return User, nil
	default:
		return 0, fmt.Errorf("%w: scope %q (user-address and user are known)", ErrBadConfig, s)
	}
}

// Config says how hard a Guard is.
type Config struct {
	// First is the delay after one failure, which doubles with each further one in a row up to Most; 0 means that nothing is
	// delayed.
	First, Most time.Duration
	// Attempts is how many failures in a row lock a user out; 0 means never.
	Attempts int
	// Lockout is how long a lock lasts, and how long after the last of them failures in a row are forgotten.
	Lockout time.Duration
	Scope   Scope
}

// Guard counts failed log-ins. It is safe for concurrent use.
type Guard struct {
	cfg Config

	mu        sync.Mutex
	pairs     *simplelru.LRU[key, *tally]
	proven    *simplelru.LRU[key, struct{}]
	addresses *simplelru.LRU[netip.Prefix, *heat]
	// accounts are counted for lock-outs, by the scope's key; locks holds when a lock ends.
	accounts *simplelru.LRU[key, *tally]
	locks    *simplelru.LRU[key, time.Time]
}

// key is a user from an address. In a lock-out of the scope User the address is none.
type key struct {
	user string
	from netip.Prefix
}

// New returns a guard that knows of no failure.
func New(cfg Config) (*Guard, error) {
	if cfg.First < 0 || cfg.Most < 0 || cfg.Attempts < 0 || cfg.Lockout <= 0 || cfg.Scope != UserAddress && cfg.Scope != User {
		return nil, fmt.Errorf("%w: %+v", ErrBadConfig, cfg)
	}
	cfg.Most = max(cfg.First, cfg.Most)
	return &Guard{
		cfg: cfg, pairs: newLRU(maxPairs, wakeThoseOf), proven: newLRU[key, struct{}](maxProven, nil),
		addresses: newLRU[netip.Prefix, *heat](maxAddresses, nil), accounts: newLRU(maxPairs, wakeThoseOf), locks: newLRU[key, time.Time](maxLocks, nil),
	}, nil
}

// wakeThoseOf lets those ask again that wait for what is forgotten: its end would not be noticed.
func wakeThoseOf(_ key, t *tally) { t.wake() }

func newLRU[K comparable, V any](size int, onEvict func(K, V)) *simplelru.LRU[K, V] {
	l, err := simplelru.NewLRU(size, onEvict)
	if err != nil {
		panic(err) // a constant size that is not positive
	}
	return l
}

// networkOf is the part of an address that counts as one.
func networkOf(host netip.Addr) netip.Prefix {
	host = host.Unmap().WithZone("")
	bits := host.BitLen()
	if host.Is6() {
		bits = v6Bits
	}
	p, err := host.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all such are one
	}
	return p
}

// account is the key that a lock-out of a pair goes by.
func (g *Guard) account(pair key) key {
	if g.cfg.Scope == User {
		return key{user: pair.user}
	}
	return pair
}

// Failed counts a failed log-in of an address that proves nothing about a user, such as one by a certificate.
func (g *Guard) Failed(host netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed(key{from: networkOf(host)}, now)
}

// Failure is what comes of a failed log-in.
type Failure struct {
	// Late is how long after the attempt it is answered.
	Late time.Duration
	// LockedUntil is when the lock ends that this failure begins; the zero time where it begins none.
	LockedUntil time.Time
}

func (g *Guard) failed(pair key, now time.Time) Failure {
	of := heatOf(g.addresses, pair.from)
	of.add(now)
	of.holdUntil(now.Add(g.addressDelay(of.at(now))))
	if pair.user == "" {
		return Failure{Late: g.late(1)}
	}
	t := tallyOf(g.pairs, pair)
	t.fail(now, g.cfg.Lockout)
	t.holdUntil(now.Add(g.delay(t.failures)))
	return Failure{Late: g.late(t.failures), LockedUntil: g.lock(g.account(pair), now)}
}

// lock counts a failure towards a lock-out, and returns when the lock ends that it begins, if it does.
func (g *Guard) lock(account key, now time.Time) time.Time {
	if g.cfg.Attempts == 0 || g.isLocked(account, now) {
		return time.Time{}
	}
	t := tallyOf(g.accounts, account)
	t.fail(now, g.cfg.Lockout)
	if t.failures < g.cfg.Attempts {
		return time.Time{}
	}
	t.failures = 0
	until := now.Add(g.cfg.Lockout)
	g.locks.Add(account, until)
	return until
}

func (g *Guard) isLocked(account key, now time.Time) bool {
	until, found := g.locks.Get(account)
	if found && !now.Before(until) {
		g.locks.Remove(account)
		return false
	}
	return found
}

// Locked is how many locks there are.
func (g *Guard) Locked(now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, until := range g.locks.Values() {
		if now.Before(until) {
			n++
		}
	}
	return n
}

// delay is the time between two checks after so many failures in a row.
func (g *Guard) delay(failures int) time.Duration { return doubled(g.cfg.First, g.cfg.Most, failures) }

// late is how late a failure is answered.
func (g *Guard) late(failures int) time.Duration { return min(g.delay(failures), Patience) }

// addressDelay is the time between two checks of an address with so many failures.
func (g *Guard) addressDelay(failures int) time.Duration {
	return doubled(g.cfg.First, g.cfg.Most/addressShare, failures-addressFree)
}

// doubled is first, doubled with each n beyond the first one, at most most; 0 for no n.
func doubled(first, most time.Duration, n int) time.Duration {
	if n <= 0 {
		return 0
	}
	d := first
	for range n - 1 {
		if d == 0 || d >= most {
			break
		}
		d *= 2
	}
	return min(d, most)
}
