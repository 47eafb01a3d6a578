package fetchsession

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Epochs of a request that are not the next of a session.
const (
	openEpoch  = 0
	closeEpoch = -1
)

// Config bounds the cache.
type Config struct {
	// Slots is max.incremental.fetch.session.cache.slots; 0 means that there are no sessions.
	Slots int
	// MinIdle is how long a session has to be idle before another may take its place (Apache Kafka: 120 s).
	MinIdle time.Duration
	Clock   func() time.Time
}

// Cache holds the sessions. It is safe for concurrent use.
type Cache struct {
	cfg Config

	mu       sync.Mutex
	sessions map[int32]*session
}

// NewCache returns an empty cache.
func NewCache(cfg Config) *Cache { return &Cache{cfg: cfg, sessions: map[int32]*session{}} }

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

// close ends the session that a request names, if it is the principal's own.
func (c *Cache) close(q Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, found := c.sessions[q.SessionID]; found && s.owner == q.Principal {
		delete(c.sessions, q.SessionID)
	}
}

func (c *Cache) proceed(q Request) (*Fetch, error) {
	c.mu.Lock()
	s, found := c.sessions[q.SessionID]
	c.mu.Unlock()
	// Somebody else's session is no session: not even that it exists is told.
	if !found || s.owner != q.Principal {
		return nil, wire.Errorf(wire.FetchSessionIDNotFound, "there is no fetch session %d", q.SessionID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != q.Epoch {
		return nil, wire.Errorf(wire.InvalidFetchSessionEpoch, "fetch session %d is at epoch %d, not %d", s.id, s.epoch, q.Epoch)
	}
	if s.byID != q.ByID {
		return nil, wire.Errorf(wire.FetchSessionTopicIDError, "fetch session %d changes between topic names and ids", s.id)
	}
	s.update(q.Wanted, q.Forgotten)
	s.epoch = next(s.epoch)
	s.used = c.cfg.Clock()
	return &Fetch{Wanted: s.wanted(), session: s}, nil
}

// open makes a session where there is room for it; nil means that the client goes on without.
func (c *Cache) open(q Request) *session {
	if len(q.Wanted) == 0 {
		return nil
	}
	now := c.cfg.Clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sessions) >= c.cfg.Slots && !c.evict(now) {
		return nil
	}
	id := c.freeID()
	s := newSession(id, q.Principal, q.ByID, q.Wanted, now)
	c.sessions[id] = s
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
	delete(c.sessions, oldest.id)
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
