//go:build interop

package interop

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// franzTroop are members in the test's own process.
type franzTroop struct {
	cast    *cast
	members map[string]*directedFranz
	mu      sync.Mutex
}

func newFranzTroop(t *testing.T, c *cast) *franzTroop {
	t.Helper()
	return &franzTroop{cast: c, members: map[string]*directedFranz{}}
}

func (f *franzTroop) printed() string { return "" }

func (f *franzTroop) do(t *testing.T, c command) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch m := f.members[c.Member]; c.Do {
	case "start":
		f.members[c.Member] = startDirectedFranz(t, f.cast, c)
	case "close":
		m.cancel()
	case "hold":
		m.hold()
	case "release":
		m.release()
	default:
		t.Fatalf("unknown command %q", c.Do)
	}
}

// directedFranz commits what it has told of when partitions are revoked, as the members of other clients do.
type directedFranz struct {
	name   string
	cast   *cast
	client *kgo.Client
	cancel context.CancelFunc
	ending <-chan struct{}

	mu   sync.Mutex
	held chan struct{} // closed: go on
}

func startDirectedFranz(t *testing.T, c *cast, cmd command) *directedFranz {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	m := &directedFranz{name: cmd.Member, cast: c, cancel: cancel, ending: ctx.Done(), held: make(chan struct{})}
	close(m.held)
	opts := append(franzUser(t, c.Broker, "SCRAM-SHA-512", castUser, castPassword),
		kgo.ClientID(cmd.Member), kgo.ConsumerGroup(cmd.Group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(time.Second),
		kgo.OnPartitionsAssigned(m.assigned), kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.lost))
	if cmd.Pattern != "" {
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeTopics(cmd.Pattern))
	} else {
		opts = append(opts, kgo.ConsumeTopics(cmd.Topics...))
	}
	if cmd.Instance != "" {
		opts = append(opts, kgo.InstanceID(cmd.Instance))
	}
	switch {
	case cmd.Protocol == "consumer":
		opts = append(opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer()))
	case !cmd.Cooperative:
		opts = append(opts, kgo.Balancers(kgo.RangeBalancer()))
	}
	if cmd.Protocol == "classic" {
		opts = append(opts, kgo.SessionTimeout(30*time.Second), kgo.HeartbeatInterval(300*time.Millisecond))
	}
	m.client = franzClient(t, opts...)
	go m.run(ctx)
	return m
}

func (m *directedFranz) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) {
			m.cast.note(happening{Member: m.name, What: "record", Partitions: []string{partitionName(r.Topic, r.Partition)}, Offset: r.Offset})
		})
		fetches.EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil {
				m.cast.note(happening{Member: m.name, What: "error", Error: err.Error()})
			}
		})
		m.client.AllowRebalance()
	}
	m.client.CloseAllowingRebalance()
	m.cast.note(happening{Member: m.name, What: "closed"})
}

func (m *directedFranz) assigned(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	m.tell("assigned", partitions)
}

func (m *directedFranz) revoked(ctx context.Context, client *kgo.Client, partitions map[string][]int32) {
	m.tell("revoked", partitions)
	if len(partitions) == 0 {
		return // as it is told at the end of each session
	}
	m.mu.Lock()
	held := m.held
	m.mu.Unlock()
	select {
	case <-held:
	case <-m.ending:
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		m.cast.note(happening{Member: m.name, What: "error", Error: fmt.Sprintf("commit: %v", err)})
	}
}

func (m *directedFranz) lost(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	m.tell("lost", partitions)
}

func (m *directedFranz) tell(what string, partitions map[string][]int32) {
	e := happening{Member: m.name, What: what}
	for topic, all := range partitions {
		for _, p := range all {
			e.Partitions = append(e.Partitions, partitionName(topic, p))
		}
	}
	m.cast.note(e)
}

func (m *directedFranz) hold() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = make(chan struct{})
}

func (m *directedFranz) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(m.held)
}
