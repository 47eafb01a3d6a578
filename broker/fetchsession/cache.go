package fetchsession

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Epochs of a request that are not the next of a session.
const (
	openEpoch  = 0
	closeEpoch = -1
)

// DefaultPartitions is a thousand sessions of a thousand partitions, at some 250 bytes each.
const DefaultPartitions = 1_000_000

// Config bounds the cache.
type Config struct {
	// Slots is max.incremental.fetch.session.cache.slots; 0 means that there are no sessions.
	Slots int
	// Partitions is how many partitions all sessions may hold together; beyond it a client goes on without a session. It bounds
	// the memory that requests leave behind. 0 means DefaultPartitions.
	Partitions int
	// MinIdle is how long a session has to be idle before another may take its place (Apache Kafka: 120 s).
	MinIdle time.Duration
	Clock   func() time.Time
}

// Cache holds the sessions. It is safe for concurrent use.
type Cache struct {
	cfg Config

	partitions atomic.Int64 // of all sessions

	mu       sync.Mutex // comes before a session's own
	sessions map[int32]*session
}

// NewCache returns an empty cache.
func NewCache(cfg Config) *Cache {
	if cfg.Partitions == 0 {
		cfg.Partitions = DefaultPartitions
	}
	return &Cache{cfg: cfg, sessions: map[int32]*session{}}
}

// Request is the session's part of a Fetch request.
type Request struct {
	Principal auth.Principal
	SessionID int32
	Epoch     int32
	// ByID says that topics are named by their ids (version 13 and later).
	ByID      bool
	Wanted    []Wanted
	Forgotten []Key
}

// Fetch is one request with its session, if it has one.
type Fetch struct {
	// Wanted is all that is to be fetched.
	Wanted []Wanted
	// Full says that the answer lists every partition, news or not.
	Full    bool
	session *session
}

// Begin finds or opens the session of a request. The error carries the code that the client is told.
func (c *Cache) Begin(q Request) (*Fetch, error) {
	switch q.Epoch {
	case closeEpoch:
		c.close(q)
		return &Fetch{Wanted: q.Wanted, Full: true}, nil
	case openEpoch:
		c.close(q)
		return &Fetch{Wanted: q.Wanted, Full: true, session: c.open(q)}, nil
	}
	return c.proceed(q)
}

// Forget ends the session of a fetch, whose client is not told of it.
func (c *Cache) Forget(f *Fetch) {
	if f.session == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(f.session)
}

// close ends the session that a request names, if it is the principal's own.
func (c *Cache) close(q Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, found := c.sessions[q.SessionID]; found && s.owner == q.Principal {
		c.remove(s)
	}
}

// remove takes a session out. The caller holds the cache's lock, and not the session's.
func (c *Cache) remove(s *session) {
	if c.sessions[s.id] == s {
		delete(c.sessions, s.id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.gone = true
		c.partitions.Add(-int64(len(s.entries)))
	}
}

func (c *Cache) proceed(q Request) (*Fetch, error) {
	c.mu.Lock()
	s, found := c.sessions[q.SessionID]
	c.mu.Unlock()
	// Somebody else's session is no session: not even that it exists is told.
	if !found || s.owner != q.Principal {
		return nil, unknown(q.SessionID)
	}
	f, keep, err := c.step(s, q)
	if !keep {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remove(s)
	}
	return f, err
}

func unknown(id int32) error {
	return wire.Errorf(wire.FetchSessionIDNotFound, "there is no fetch session %d", id)
}

// step takes a session one request further. keep is false where the session ends with it: because the client has forgotten all
// of it, or because there is no room for what it adds; then the client begins anew.
func (c *Cache) step(s *session, q Request) (f *Fetch, keep bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.gone:
		return nil, true, unknown(s.id)
	case s.epoch != q.Epoch:
		return nil, true, wire.Errorf(wire.InvalidFetchSessionEpoch, "fetch session %d is at epoch %d, not %d", s.id, s.epoch, q.Epoch)
	case s.byID != q.ByID:
		return nil, true, wire.Errorf(wire.FetchSessionTopicIDError, "fetch session %d changes between topic names and ids", s.id)
	}
	before := len(s.entries)
	s.update(q.Wanted, q.Forgotten)
	total := c.partitions.Add(int64(len(s.entries) - before))
	switch {
	case len(s.entries) == 0:
		return &Fetch{}, false, nil
	case len(s.entries) > before && total > int64(c.cfg.Partitions):
		return nil, false, unknown(s.id)
	}
	s.epoch = next(s.epoch)
	s.used = c.cfg.Clock()
	return &Fetch{Wanted: s.wanted(), session: s}, true, nil
}

// open makes a session where there is room for it; nil means that the client goes on without.
func (c *Cache) open(q Request) *session {
	if len(q.Wanted) == 0 || len(q.Wanted) > c.cfg.Partitions {
		return nil
	}
	now := c.cfg.Clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.sessions) >= c.cfg.Slots || int(c.partitions.Load())+len(q.Wanted) > c.cfg.Partitions {
		if !c.evict(now) {
			return nil
		}
	}
	s := newSession(c.freeID(), q.Principal, q.ByID, q.Wanted, now)
	c.sessions[s.id] = s
	c.partitions.Add(int64(len(s.entries)))
	return s
}

// evict removes the session that has been idle longest, if that is long enough.
func (c *Cache) evict(now time.Time) bool {
	var oldest *session
	var since time.Time
	for _, s := range c.sessions {
		s.mu.Lock()
		used := s.used
		s.mu.Unlock()
		if oldest == nil || used.Before(since) {
			oldest, since = s, used
		}
	}
	if oldest == nil || now.Sub(since) < c.cfg.MinIdle {
		return false
	}
	c.remove(oldest)
	return true
}

// freeID draws an id that is not in use and not to be guessed.
func (c *Cache) freeID() int32 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:])                                  // never fails
		id := int32(binary.BigEndian.Uint32(b[:]) &^ (1 << 31)) //nolint:gosec // the sign bit is clear
		if _, taken := c.sessions[id]; id != 0 && !taken {
			return id
		}
	}
}

// Len is the number of sessions.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sessions)
}

// SessionID is what the answer says; 0 where there is no session.
func (f *Fetch) SessionID() int32 {
	if f.session == nil {
		return 0
	}
	return f.session.id
}

// Tell remembers what the answer says of a partition and reports whether it has to be in it.
func (f *Fetch) Tell(k Key, t Told, withRecords, withError bool) bool {
	if f.session == nil {
		return true
	}
	f.session.mu.Lock()
	defer f.session.mu.Unlock()
	return f.session.tell(k, t, withRecords, withError) || f.Full
}
