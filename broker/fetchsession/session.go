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

// entry is one partition of a session.
type entry struct {
	Wanted
	told  Told
	known bool
}

// session is what one client fetches. Its epoch counts the requests.
type session struct {
	id      int32
	owner   auth.Principal
	byID    bool // the session speaks in topic ids
	created time.Time

	mu      sync.Mutex
	epoch   int32
	used    time.Time
	entries map[Key]*entry
	order   []Key // the next one to serve first; those that got records go to the end
}

func newSession(id int32, owner auth.Principal, byID bool, wanted []Wanted, now time.Time) *session {
	s := &session{id: id, owner: owner, byID: byID, created: now, used: now, epoch: 1, entries: make(map[Key]*entry, len(wanted))}
	s.update(wanted, nil)
	return s
}

// update takes over what a request adds, changes and forgets.
func (s *session) update(wanted []Wanted, forgotten []Key) {
	for _, w := range wanted {
		if e, found := s.entries[w.Key]; found {
			e.Wanted = w
			continue
		}
		s.entries[w.Key] = &entry{Wanted: w}
		s.order = append(s.order, w.Key)
	}
	if len(forgotten) == 0 {
		return
	}
	for _, k := range forgotten {
		delete(s.entries, k)
	}
	kept := s.order[:0]
	for _, k := range s.order {
		if _, found := s.entries[k]; found {
			kept = append(kept, k)
		}
	}
	s.order = kept
}

// wanted lists the partitions, those first that have waited longest for records.
func (s *session) wanted() []Wanted {
	out := make([]Wanted, len(s.order))
	for i, k := range s.order {
		out[i] = s.entries[k].Wanted
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
		s.toEnd(k)
	}
	return news
}

func (s *session) toEnd(k Key) {
	for i := range s.order {
		if s.order[i] == k {
			copy(s.order[i:], s.order[i+1:])
			s.order[len(s.order)-1] = k
			return
		}
	}
}

// next is the epoch after e; it wraps to 1, since 0 opens a session.
func next(e int32) int32 {
	if e == 1<<31-1 {
		return 1
	}
	return e + 1
}
