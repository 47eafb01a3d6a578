package fetchsession

import (
	"sync"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// Key names a partition as the client does: by name below Fetch version 13, by id from it on.
type Key struct {
	Topic     string
	TopicID   [16]byte
	Partition int32
}

// Wanted is what a client asks of one partition.
type Wanted struct {
	Key
	Offset             int64
	MaxBytes           int32
	CurrentLeaderEpoch int32
	LastFetchedEpoch   int32
}

// Told is what a client knows of a partition from its last answer.
type Told struct {
	HighWatermark, LogStart, LastStable int64
}

// entry is one partition of a session, and a link of the ring that gives the order of service.
type entry struct {
	Wanted
	told       Told
	known      bool
	prev, next *entry
}

// session is what one client fetches. Its epoch counts the requests.
type session struct {
	id    int32
	owner auth.Principal
	byID  bool // the session speaks in topic ids

	mu      sync.Mutex
	gone    bool // it is not in the cache any more
	epoch   int32
	used    time.Time
	entries map[Key]*entry
	ring    entry // its next is served first; those that got records go to the end
}

func newSession(id int32, owner auth.Principal, byID bool, wanted []Wanted, now time.Time) *session {
	s := &session{id: id, owner: owner, byID: byID, used: now, epoch: 1, entries: make(map[Key]*entry, len(wanted))}
	s.ring.prev, s.ring.next = &s.ring, &s.ring
	s.update(wanted, nil)
	return s
}

// update takes over what a request adds, changes and forgets.
func (s *session) update(wanted []Wanted, forgotten []Key) {
	for i := range wanted {
		if e, found := s.entries[wanted[i].Key]; found {
			e.Wanted = wanted[i]
			continue
		}
		e := &entry{Wanted: wanted[i]}
		s.entries[e.Key] = e
		s.toEnd(e)
	}
	for _, k := range forgotten {
		if e, found := s.entries[k]; found {
			delete(s.entries, k)
			e.unlink()
		}
	}
}

// wanted lists the partitions, those first that have waited longest for records.
func (s *session) wanted() []Wanted {
	out := make([]Wanted, 0, len(s.entries))
	for e := s.ring.next; e != &s.ring; e = e.next {
		out = append(out, e.Wanted)
	}
	return out
}

// tell remembers what an answer says of a partition, and reports whether that is news.
func (s *session) tell(k Key, t Told, withRecords, withError bool) (news bool) {
	e, found := s.entries[k]
	if !found {
		return false
	}
	news = withRecords || withError || !e.known || e.told != t
	e.told, e.known = t, !withError
	if withRecords {
		s.toEnd(e)
	}
	return news
}

func (s *session) toEnd(e *entry) {
	e.unlink()
	last := s.ring.prev
	last.next, s.ring.prev = e, e
	e.prev, e.next = last, &s.ring
}

func (e *entry) unlink() {
	if e.next == nil {
		return
	}
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// next is the epoch after e; it wraps to 1, since 0 opens a session.
func next(e int32) int32 {
	if e == 1<<31-1 {
		return 1
	}
	return e + 1
}
