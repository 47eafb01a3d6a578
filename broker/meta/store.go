package meta

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/chronik-stream/chronik/authz"
)

// Subscriber is told of each change, in the order of the log, before the proposer is answered: what it switches off is off by
// the time that the administrator reads "done". It must not block, and must not propose.
type Subscriber func(old, next *Image, delta Delta)

// Store holds the newest image. The log applies commands to it, one at a time; everybody else reads.
type Store struct {
	image atomic.Pointer[Image]

	mu          sync.Mutex // guards what follows, and orders Apply against Subscribe
	subscribers []Subscriber
}

// NewStore is a store before the first entry.
func NewStore() *Store {
	s := &Store{}
	s.image.Store(NewImage())
	return s
}

// Image is the newest image.
func (s *Store) Image() *Image { return s.image.Load() }

// Subscribe adds a subscriber and tells it of all that is there now, as one change from the empty image.
func (s *Store) Subscribe(f Subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, f)
	empty, now := NewImage(), s.Image()
	f(empty, now, everything(empty, now))
}

// Apply applies an entry of the log and returns a Result. An error means that this node cannot follow the log any further.
func (s *Store) Apply(index uint64, data []byte) (any, error) {
	command, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("apply metadata entry %d: %w", index, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.Image()
	next, delta, result := old.Apply(index, command)
	s.publish(old, next, delta)
	return result, nil
}

func (s *Store) publish(old, next *Image, delta Delta) {
	s.image.Store(next)
	for _, f := range s.subscribers {
		f(old, next, delta)
	}
}

// Snapshot returns a function that writes the image as it is now; later changes do not reach it.
func (s *Store) Snapshot() func(io.Writer) error { return s.Image().WriteSnapshot }

// Restore replaces the image by a snapshot's.
func (s *Store) Restore(r io.Reader) error {
	next, err := ReadSnapshot(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.Image()
	s.publish(old, next, everything(old, next))
	return nil
}

// everything is the change from one image to another that does not follow it.
func everything(old, next *Image) Delta {
	d := Delta{Index: next.Index(), AuditAppended: next.audit.Len() > 0}
	old.Topics(func(t *Topic) bool {
		if next.TopicByID(t.ID) == nil {
			d.TopicsDeleted = append(d.TopicsDeleted, t)
		}
		return true
	})
	next.Topics(func(t *Topic) bool {
		if was := old.TopicByID(t.ID); was != nil {
			d.TopicsChanged = append(d.TopicsChanged, TopicChange{Old: was, New: t})
		} else {
			d.TopicsCreated = append(d.TopicsCreated, t)
		}
		return true
	})
	old.ACLs(func(b authz.Binding) bool { d.ACLs.Removed = append(d.ACLs.Removed, b); return true })
	next.ACLs(func(b authz.Binding) bool { d.ACLs.Added = append(d.ACLs.Added, b); return true })
	users := map[string]bool{}
	collect := func(user string, _ []ScramCredential) bool {
		if !users[user] {
			users[user] = true
			d.ScramChanged = append(d.ScramChanged, user)
		}
		return true
	}
	old.ScramUsers(collect)
	next.ScramUsers(collect)
	d.TokensChanged = eitherToken(old, next)
	d.QuotasChanged = eitherQuotas(old, next)
	d.ConfigsChanged = eitherConfigured(old, next)
	next.Brokers(func(b *Broker) bool { d.BrokersChanged = append(d.BrokersChanged, b.ID); return true })
	old.Brokers(func(b *Broker) bool {
		if next.Broker(b.ID) == nil {
			d.BrokersChanged = append(d.BrokersChanged, b.ID)
		}
		return true
	})
	return d
}

// eitherConfigured lists what is configured in one image or the other, topics excepted: these are changed topics.
func eitherConfigured(old, next *Image) []ResourceKey {
	var keys []ResourceKey
	for _, kind := range []ConfigType{BrokerConfig, GroupConfig, UserConfig} {
		next.Configured(kind, func(k ResourceKey, _ map[string]string) bool {
			keys = append(keys, k)
			return true
		})
		old.Configured(kind, func(k ResourceKey, _ map[string]string) bool {
			if next.Config(k) == nil {
				keys = append(keys, k)
			}
			return true
		})
	}
	return keys
}

// eitherToken lists the delegation tokens of one image or the other.
func eitherToken(old, next *Image) []string {
	var ids []string
	next.Tokens(func(t *Token) bool { ids = append(ids, t.ID); return true })
	old.Tokens(func(t *Token) bool {
		if next.Token(t.ID) == nil {
			ids = append(ids, t.ID)
		}
		return true
	})
	return ids
}
