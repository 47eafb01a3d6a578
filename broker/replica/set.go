package replica

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Config says what a Set works with. All fields are required.
type Config struct {
	NodeID int32
	// Directories are the log directories, online or not; a new partition goes to the one with the fewest.
	Directories []*storage.Directory
	Walker      *record.Walker
	// Settings gives the effective configuration of a topic.
	Settings func(*meta.Topic) *Settings
	// MovePace is what moves between directories are held to.
	MovePace *storage.MovePace
	Metrics  *Metrics
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Set holds the replicas of this broker. Reading takes no lock; Follow is called by one goroutine, the metadata's.
type Set struct {
	cfg Config
	// changing is held while the tree is changed.
	changing sync.Mutex
	moves    *moves
	topics   atomic.Pointer[iradix.Tree[[]*Replica]] // by topic name; an element is nil where the partition is not here
}

// NewSet returns an empty set.
func NewSet(cfg Config) *Set {
	s := &Set{cfg: cfg, moves: newMoves()}
	s.topics.Store(iradix.New[[]*Replica]())
	return s
}

// NodeID is this broker's id.
func (s *Set) NodeID() int32 { return s.cfg.NodeID }

// Get returns a partition, or nil.
func (s *Set) Get(topic string, partition int32) *Replica {
	list, _ := s.topics.Load().Get([]byte(topic))
	if partition < 0 || int(partition) >= len(list) {
		return nil
	}
	return list[partition]
}

// Each calls yield for every replica.
func (s *Set) Each(yield func(*Replica) bool) {
	s.topics.Load().Root().Walk(func(_ []byte, list []*Replica) bool {
		for _, r := range list {
			if r != nil && !yield(r) {
				return true
			}
		}
		return false
	})
}

// Stable calls yield for the log of every replica, with its last stable offset: what is below may be compacted.
func (s *Set) Stable(yield func(log *storage.Log, stable int64) bool) {
	s.Each(func(r *Replica) bool { return yield(r.log(), r.LastStable()) })
}

// Follow brings the set to what a change of the metadata says; it is a meta.Subscriber. A partition whose log can not be opened
// stays away and is logged: the others go on.
func (s *Set) Follow(old, _ *meta.Image, d meta.Delta) {
	s.changing.Lock()
	defer s.changing.Unlock()
	// The first change is from nothing to all that there was before this start.
	starting := old.Index() == 0
	for _, t := range d.TopicsDeleted {
		s.remove(t)
	}
	for _, t := range d.TopicsCreated {
		known := 0
		if starting {
			known = len(t.Partitions)
		}
		s.put(t, known)
	}
	for _, c := range d.TopicsChanged {
		s.put(c.New, len(c.Old.Partitions))
	}
}

// put opens what is missing of a topic and updates the rest. The partitions below known are older than this change: they have
// logs, or had them.
func (s *Set) put(t *meta.Topic, known int) {
	tree := s.topics.Load()
	old, _ := tree.Get([]byte(t.Name))
	list := make([]*Replica, len(t.Partitions))
	copy(list, old)
	settings := s.cfg.Settings(t)
	for i := range t.Partitions {
		p := &t.Partitions[i]
		if !slices.Contains(p.Replicas, s.cfg.NodeID) {
			continue
		}
		if list[i] == nil {
			opened, err := s.open(t, int32(i), settings, i < known) //nolint:gosec // partitions are far below 2^31
			if err != nil {
				s.cfg.Logger.Error("a partition can not be opened", "topic", t.Name, "partition", i, "error", err)
				continue
			}
			list[i] = opened
		}
		list[i].configure(settings)
		if err := list[i].update(*p); err != nil {
			s.cfg.Logger.Error("a partition can not follow the metadata", "topic", t.Name, "partition", i, "error", err)
		}
	}
	tree, _, _ = tree.Insert([]byte(t.Name), list)
	s.topics.Store(tree)
}

// open finds or makes the log of a partition. It says when it makes one anew, and makes none while a directory is offline that
// may hold it: an empty log in its place would be a loss that nobody sees (as LogManager.getOrCreateLog of Apache Kafka). So would be a
// log that has moved to a directory that is offline, where it may have grown.
func (s *Set) open(t *meta.Topic, partition int32, settings *Settings, known bool) (*Replica, error) {
	dir, log := s.find(t, partition)
	if log != nil && log.Leaving() {
		if err := s.keep(dir, log); err != nil {
			return nil, err
		}
	}
	if log == nil {
		if offline := s.offline(); known && offline != nil {
			return nil, wire.Errorf(wire.KafkaStorageError, "its log may be in %s, which is offline", offline.Path())
		}
		var err error
		if dir, err = s.choose(); err != nil {
			return nil, err
		}
		if log, err = dir.Create(t.ID, t.Name, partition, settings.Log); err != nil {
			return nil, err
		}
		if known {
			s.cfg.Logger.Warn("a log that is not there is made anew", "topic", t.Name, "partition", partition, "directory", dir.Path())
		}
	}
	r := &Replica{
		nodeID: s.cfg.NodeID, topic: t.Name, id: t.ID, index: partition, internal: t.Internal, walker: s.cfg.Walker,
		metrics: s.cfg.Metrics, logger: s.cfg.Logger,
		deleted: make(chan struct{}),
	}
	r.at.Store(&place{dir, log})
	log.OnConfirmed(r.waiting.reached)
	return r, nil
}

// keep takes a log for the newest one though a copy was to take its place, unless that may be in a directory that is offline, and have
// grown there.
func (s *Set) keep(dir *storage.Directory, log *storage.Log) error {
	if offline := s.offline(); offline != nil {
		return wire.Errorf(wire.KafkaStorageError, "its log was to move from %s, and a newer copy may be in %s, which is offline", dir.Path(), offline.Path())
	}
	return log.Stay()
}

// find returns the log of a partition where a directory holds one of this very topic id. A crash at the end of a move leaves two, and so
// does a directory that failed before what was moved from it could be removed. The one that has moved more often has been served since;
// the other one is set aside.
func (s *Set) find(t *meta.Topic, partition int32) (dir *storage.Directory, log *storage.Log) {
	for _, d := range s.cfg.Directories {
		found := d.Log(t.Name, partition)
		if found == nil || found.TopicID() != t.ID {
			continue
		}
		switch {
		case log == nil:
			dir, log = d, found
		case later(found, log):
			s.setAside(dir, log)
			dir, log = d, found
		default:
			s.setAside(d, found)
		}
	}
	return dir, log
}

func later(a, b *storage.Log) bool {
	epochA, _ := a.LatestEpoch()
	epochB, _ := b.LatestEpoch()
	return cmp.Or(cmp.Compare(a.Moves(), b.Moves()), cmp.Compare(epochA, epochB), cmp.Compare(a.EndOffset(), b.EndOffset()), cmp.Compare(a.StartOffset(), b.StartOffset())) > 0
}

func (s *Set) setAside(d *storage.Directory, l *storage.Log) {
	name, err := d.SetAside(l.TopicID(), l.Partition())
	if err != nil {
		s.cfg.Logger.Error("a second log of a partition can not be set aside", "topic", l.Topic(), "partition", l.Partition(), "error", err)
		return
	}
	s.cfg.Logger.Warn("a second log of a partition, from a move that a crash interrupted, is set aside", "topic", l.Topic(), "partition", l.Partition(), "directory", name)
}

// offline returns a directory that is offline, or nil.
func (s *Set) offline() *storage.Directory {
	for _, d := range s.cfg.Directories {
		if d.Err() != nil {
			return d
		}
	}
	return nil
}

// errNoDirectory is returned when no directory takes a new partition.
var errNoDirectory = errors.New("every log directory is offline or cordoned")

// choose returns the directory with the fewest logs of those that are online and not cordoned.
func (s *Set) choose() (*storage.Directory, error) {
	var best *storage.Directory
	fewest := 0
	for _, d := range s.cfg.Directories {
		if d.Err() != nil || d.Cordoned() {
			continue
		}
		n := 0
		d.Logs(func(*storage.Log) bool { n++; return true })
		if best == nil || n < fewest {
			best, fewest = d, n
		}
	}
	if best == nil {
		return nil, errNoDirectory
	}
	return best, nil
}

func (s *Set) remove(t *meta.Topic) {
	tree := s.topics.Load()
	list, _ := tree.Get([]byte(t.Name))
	tree, _, _ = tree.Delete([]byte(t.Name))
	s.topics.Store(tree)
	for _, r := range list {
		if r == nil {
			continue
		}
		close(r.deleted)
		r.waiting.all()
		s.moves.forget(r)
		if err := r.dir().Delete(t.ID, r.index); err != nil {
			s.cfg.Logger.Error("a deleted partition can not be removed", "topic", t.Name, "partition", r.index, "directory", r.dir().Path(), "error", err)
		}
	}
}

// RemoveStrays takes logs of topics that the metadata does not know out of service. Their files stay, in directories that end in
// -stray: a deletion that a crash interrupted left such logs, and so does a metadata log that was restored from an older backup. Those
// that the storage has made anew beside their deleted files go. It has to come before Follow sees topics of the same names.
func (s *Set) RemoveStrays(img *meta.Image) {
	for _, d := range s.cfg.Directories {
		var strays []*storage.Log
		d.Logs(func(l *storage.Log) bool {
			if img.TopicByID(l.TopicID()) == nil {
				strays = append(strays, l)
			}
			return true
		})
		for _, l := range strays {
			if d.Remade(l.TopicID(), l.Partition()) {
				if err := d.Delete(l.TopicID(), l.Partition()); err != nil {
					s.cfg.Logger.Error("a deletion can not be finished", "topic", l.Topic(), "partition", l.Partition(), "error", err)
				}
				continue
			}
			name, err := d.SetAside(l.TopicID(), l.Partition())
			if err != nil {
				s.cfg.Logger.Error("a stray log can not be set aside", "topic", l.Topic(), "partition", l.Partition(), "error", err)
				continue
			}
			s.cfg.Logger.Warn("a log of a topic that does not exist is set aside", "topic", l.Topic(),
				"partition", l.Partition(), "topic_id", meta.TopicID(l.TopicID()), "directory", name)
		}
	}
}

// Reconfigure asks for every topic's settings again, after the broker's defaults have changed. As Follow it is the metadata's
// goroutine that calls it.
func (s *Set) Reconfigure(img *meta.Image) {
	s.changing.Lock()
	defer s.changing.Unlock()
	img.Topics(func(t *meta.Topic) bool { s.put(t, len(t.Partitions)); return true })
}

// Reopen tries again to open the partitions that could not be opened, as on a full disk. While a directory is offline it does
// nothing: they may be there.
func (s *Set) Reopen(img func() *meta.Image) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.offline() != nil {
		return
	}
	s.topics.Load().Root().Walk(func(name []byte, list []*Replica) bool {
		t := img().Topic(string(name))
		other := func(r *Replica) bool { return r != nil && r.id != t.ID }
		if t == nil || len(t.Partitions) != len(list) || slices.ContainsFunc(list, other) {
			return false // the change to it is on its way
		}
		for i, r := range list {
			if r == nil && slices.Contains(t.Partitions[i].Replicas, s.cfg.NodeID) {
				s.put(t, len(list))
				break
			}
		}
		return false
	})
}

// Retain runs retention every interval until the context ends.
func (s *Set) Retain(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.Each(func(r *Replica) bool {
			if _, err := r.Retain(s.cfg.Clock()); err != nil && r.Online() == nil {
				s.cfg.Logger.Error("retention failed", "topic", r.topic, "partition", r.index, "error", err)
			}
			return ctx.Err() == nil
		})
	}
}
