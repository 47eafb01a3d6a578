//go:build interop

package interop

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// survivor is a member of a consumer group (KIP-848) that goes from Apache Kafka to what has taken it over, with all partitions of
// the topic codecs.
type survivor struct {
	t     *testing.T
	epoch int32
	owned []kmsg.ConsumerGroupHeartbeatRequestTopic
}

const survivorPartitions = 3

// join heartbeats until the member has all partitions.
func (s *survivor) join(opts []kgo.Opt) {
	s.t.Helper()
	client := franzClient(s.t, opts...)
	waitFor(s.t, "all partitions", func() bool {
		s.beat(client)
		return s.partitions() == survivorPartitions
	})
	s.beat(client) // says that it has them
}

// goOn heartbeats as if nothing had happened.
func (s *survivor) goOn(opts []kgo.Opt) {
	s.t.Helper()
	client := franzClient(s.t, opts...)
	before := s.epoch
	for range 3 {
		s.beat(client)
	}
	if s.epoch < before || s.partitions() != survivorPartitions {
		s.t.Errorf("the member had epoch %d, and has epoch %d and %d partitions", before, s.epoch, s.partitions())
	}
	s.epoch = -1
	s.beat(client)
}

func (s *survivor) partitions() int {
	n := 0
	for _, topic := range s.owned {
		n += len(topic.Partitions)
	}
	return n
}

func (s *survivor) beat(client *kgo.Client) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.Group, q.MemberID, q.MemberEpoch, q.RebalanceTimeoutMillis = "survivors", "survivor", s.epoch, 60_000
	q.SubscribedTopicNames, q.Topics = []string{"codecs"}, append([]kmsg.ConsumerGroupHeartbeatRequestTopic{}, s.owned...)
	resp, err := q.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		s.t.Fatalf("heartbeat in epoch %d: %v", s.epoch, err)
	}
	s.epoch = resp.MemberEpoch
	if resp.Assignment == nil {
		return
	}
	s.owned = nil
	for _, topic := range resp.Assignment.Topics {
		own := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		own.TopicID, own.Partitions = topic.TopicID, topic.Partitions
		s.owned = append(s.owned, own)
	}
}
