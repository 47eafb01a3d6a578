//go:build interop && bench

package interop

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	committingGroups = 10_000
	committingLines  = 64
	commitRounds     = 3
)

// commitTarget is one broker with the connections that groups commit over.
type commitTarget struct {
	name      string
	lines     []*line
	perSecond []float64
	p99Millis []float64
}

// TestBenchCommits: ten thousand groups commit an offset each, over connections that have one request under way.
func TestBenchCommits(t *testing.T) {
	durable, cached := harness.Start(t), harness.Start(t, "CHRONIK_FLUSH_POLICY=os")
	kafka := harness.StartKafka(t, durable)
	targets := []*commitTarget{
		{name: "chronik (acks: fsync before ack)", lines: newDoor(t, durable, durable.Bootstrap()).dialAll(t, committingLines)},
		{name: "chronik (os: page cache, as Kafka)", lines: newDoor(t, cached, cached.Bootstrap()).dialAll(t, committingLines)},
		{name: "Apache Kafka 4.3.1", lines: newDoor(t, durable, kafka.Bootstrap()).dialAll(t, committingLines)},
	}
	files := []string{durable.ClientProperties(), cached.ClientProperties(), durable.ClientProperties()}
	for i, bootstrap := range []string{durable.Bootstrap(), cached.Bootstrap(), kafka.Bootstrap()} {
		tools.Must(t, topicCommand, "--bootstrap-server", bootstrap, "--command-config", files[i], "--create", "--topic", "committed", "--partitions", "1")
		targets[i].lines[0].findCoordinator(t, "group-0")
	}
	for round := range commitRounds + 1 {
		for _, x := range targets {
			perSecond, p99 := x.round(t, int64(round))
			if round == 0 {
				continue // warms up the brokers
			}
			x.perSecond, x.p99Millis = append(x.perSecond, perSecond), append(x.p99Millis, p99)
		}
	}
	base := targets[len(targets)-1]
	for _, x := range targets {
		t.Logf("%-36s %6.0f commits/s (x%.2f)  p99 %5.1f ms (x%.2f)", x.name, median(x.perSecond), median(x.perSecond)/median(base.perSecond),
			median(x.p99Millis), median(x.p99Millis)/median(base.p99Millis))
	}
}

func (x *commitTarget) round(t *testing.T, offset int64) (perSecond, p99Millis float64) {
	t.Helper()
	took := make([]time.Duration, committingGroups)
	var run sync.WaitGroup
	begun := time.Now()
	for first, l := range x.lines {
		run.Go(func() {
			for i := first; i < committingGroups; i += len(x.lines) {
				began := time.Now()
				if err := l.commit(fmt.Sprint("group-", i), offset); err != nil {
					t.Errorf("%s, group %d: %v", x.name, i, err)
					return
				}
				took[i] = time.Since(began)
			}
		})
	}
	run.Wait()
	all := time.Since(begun)
	if t.Failed() {
		t.FailNow()
	}
	slices.Sort(took)
	return committingGroups / all.Seconds(), float64(took[committingGroups*99/100].Microseconds()) / 1000
}

// commit commits an offset as a group without members does, again while its coordinator is being loaded.
func (l *line) commit(group string, offset int64) error {
	q := kmsg.NewPtrOffsetCommitRequest()
	q.Version, q.Group, q.Generation = 9, group, -1
	q.Topics = []kmsg.OffsetCommitRequestTopic{{
		Topic: "committed", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: offset, LeaderEpoch: -1}},
	}}
	for {
		r, err := ask[*kmsg.OffsetCommitResponse](l, q)
		if err != nil {
			return err
		}
		if err = kerr.ErrorForCode(r.Topics[0].Partitions[0].ErrorCode); err == nil || !kerr.IsRetriable(err) {
			return err
		}
	}
}
