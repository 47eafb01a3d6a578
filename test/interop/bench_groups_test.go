//go:build interop && bench

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	crowd       = 1000 // members, and partitions
	crowdTopic  = "crowd"
	crowdRounds = 3
	// crowdBeat is how often members send heartbeats: more often than real ones, which would measure their own waiting.
	crowdBeat = 500 * time.Millisecond
)

// crowdMember is a member of a group that reads crowdTopic.
type crowdMember interface {
	// enter joins the group and goes on until the member has something, or must ask again.
	enter(group string) error
	// beat sends a heartbeat and does what the answer asks for.
	beat() error
	// has is the member's generation or epoch, and its partitions.
	has() (generation int32, partitions []int32)
	leave() error
}

// groupTarget is one broker with its members.
type groupTarget struct {
	name          string
	members       []crowdMember
	forms, shrink []float64 // seconds
}

// TestBenchClassicGroup: a thousand members over a thousand partitions in a group of the classic protocol.
func TestBenchClassicGroup(t *testing.T) {
	benchGroup(t, func(l *line, _ [16]byte) crowdMember { return &classicMember{line: l} })
}

// TestBenchConsumerGroup: the same with the consumer protocol (KIP-848), where the broker assigns.
func TestBenchConsumerGroup(t *testing.T) {
	benchGroup(t, func(l *line, topic [16]byte) crowdMember { return &consumerMember{line: l, topic: topic} })
}

// benchGroup measures how long it takes until all members have joined and hold each partition once, and how long after one has left.
func benchGroup(t *testing.T, newMember func(l *line, topic [16]byte) crowdMember) {
	b := harness.Start(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	kafka := harness.StartKafka(t, b)
	admin(t, b, featureCommand, "upgrade", "--feature", "group.version=1")
	targets := []*groupTarget{{name: "chronik"}, {name: "Apache Kafka 4.3.1"}}
	for i, bootstrap := range []string{b.Bootstrap(), kafka.Bootstrap()} {
		tools.Must(t, topicCommand, "--bootstrap-server", bootstrap, "--command-config", b.ClientProperties(),
			"--create", "--topic", crowdTopic, "--partitions", fmt.Sprint(crowd))
		lines := newDoor(t, b, bootstrap).dialAll(t, crowd)
		topic := lines[0].topicID(t, crowdTopic)
		for _, l := range lines {
			targets[i].members = append(targets[i].members, newMember(l, topic))
		}
	}
	for round := range crowdRounds + 1 {
		for _, target := range targets {
			forms, shrink := target.round(t, fmt.Sprint("crowd-", round))
			if round == 0 {
				continue // warms up the brokers
			}
			target.forms, target.shrink = append(target.forms, forms), append(target.shrink, shrink)
		}
	}
	base := targets[1]
	for _, x := range targets {
		t.Logf("%-20s forms in %5.2f s (x%.2f)  after one leaves %5.2f s (x%.2f)", x.name, median(x.forms), median(x.forms)/median(base.forms),
			median(x.shrink), median(x.shrink)/median(base.shrink))
	}
}

// topicID waits until a topic has leaders for all partitions, and returns its id.
func (l *line) topicID(t *testing.T, topic string) (id [16]byte) {
	t.Helper()
	l.findCoordinator(t, "crowd-0")
	waitFor(t, "the leaders of "+topic, func() bool {
		q := kmsg.NewPtrMetadataRequest()
		q.Version, q.Topics = 12, []kmsg.MetadataRequestTopic{{Topic: &topic}}
		r, err := ask[*kmsg.MetadataResponse](l, q)
		if err != nil {
			t.Fatal(err)
		}
		id = r.Topics[0].TopicID
		for _, p := range r.Topics[0].Partitions {
			if p.ErrorCode != 0 {
				return false
			}
		}
		return len(r.Topics[0].Partitions) == crowd
	})
	return id
}

// round forms a group, has one member leave it, and then all, in seconds.
func (x *groupTarget) round(t *testing.T, group string) (forms, shrink float64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &settling{has: map[int]standing{}, settled: make(chan struct{}), members: len(x.members)}
	var run sync.WaitGroup
	begun := time.Now()
	first, stopFirst := context.WithCancel(ctx)
	left := make(chan struct{})
	for i, m := range x.members {
		ctx := ctx
		if i == 0 {
			ctx = first
		}
		run.Go(func() {
			if err := s.stay(ctx, i, m, group); err != nil {
				t.Errorf("%s, member %d: %v", x.name, i, err)
				cancel()
			}
			if i == 0 {
				close(left)
			}
		})
	}
	defer run.Wait()
	defer cancel()
	forms = s.wait(ctx, t, x.name).Sub(begun).Seconds()
	stopFirst()
	<-left
	begun = time.Now()
	s.without(0)
	if err := x.members[0].leave(); err != nil {
		t.Errorf("%s: leave: %v", x.name, err)
	}
	shrink = s.wait(ctx, t, x.name).Sub(begun).Seconds()
	cancel()
	run.Wait()
	for _, m := range x.members[1:] {
		if err := m.leave(); err != nil {
			t.Fatalf("%s: leave: %v", x.name, err)
		}
	}
	return forms, shrink
}

// standing is what a member has.
type standing struct {
	generation int32
	partitions []int32
}

// settling watches members until they are of one generation and hold each partition once.
type settling struct {
	mu      sync.Mutex
	has     map[int]standing
	members int
	// settled is closed at that moment, at.
	settled chan struct{}
	at      time.Time
}

// stay joins and sends heartbeats until the context ends.
func (s *settling) stay(ctx context.Context, i int, m crowdMember, group string) error {
	if err := m.enter(group); err != nil {
		return err
	}
	pace := time.NewTimer(time.Duration(rand.Int64N(int64(crowdBeat))))
	defer pace.Stop()
	for {
		s.note(i, m)
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
			pace.Reset(crowdBeat)
		}
		if err := m.beat(); err != nil {
			return err
		}
	}
}

func (s *settling) note(i int, m crowdMember) {
	generation, partitions := m.has()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has[i].generation == generation && slices.Equal(s.has[i].partitions, partitions) {
		return
	}
	s.has[i] = standing{generation, partitions}
	s.look()
}

// look finds out whether all is settled. Only the last member to arrive looks at partitions.
func (s *settling) look() {
	if len(s.has) != s.members || !s.at.IsZero() {
		return
	}
	var owned [crowd]bool
	count, generation := 0, int32(-1)
	for _, x := range s.has {
		if generation >= 0 && generation != x.generation {
			return
		}
		generation = x.generation
		for _, p := range x.partitions {
			if !owned[p] {
				count++
			}
			owned[p] = true
		}
	}
	if count == crowd && s.total() == crowd {
		s.at = time.Now()
		close(s.settled)
	}
}

func (s *settling) total() (n int) {
	for _, x := range s.has {
		n += len(x.partitions)
	}
	return n
}

// without begins to wait anew, for all members but one.
func (s *settling) without(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.has, i)
	s.members--
	s.settled, s.at = make(chan struct{}), time.Time{}
}

func (s *settling) wait(ctx context.Context, t *testing.T, name string) time.Time {
	t.Helper()
	select {
	case <-s.settled:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.at
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		t.Fatalf("%s: %d of %d members, %d partitions: %v", name, len(s.has), s.members, s.total(), ctx.Err())
		return time.Time{}
	}
}
