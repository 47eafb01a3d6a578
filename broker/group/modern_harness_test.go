package group

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/wire"
)

// someTopics are topics by name, with ids made of their names.
type someTopics struct {
	counts  map[string]int32
	version uint64
	// looks counts how often a topic was looked up by its name.
	looks map[string]int
}

func topicsOf(version uint64, counts map[string]int32) *someTopics {
	return &someTopics{counts, version, map[string]int{}}
}

func idOf(name string) (id assign.TopicID) {
	copy(id[:], name)
	return id
}

func (s *someTopics) ByName(name string) (TopicState, bool) {
	s.looks[name]++
	return s.state(name)
}

func (s *someTopics) state(name string) (TopicState, bool) {
	n, exists := s.counts[name]
	return TopicState{TopicRef{name, idOf(name)}, n}, exists
}

func (s *someTopics) ByID(id [16]byte) (TopicState, bool) {
	for name := range s.counts {
		if idOf(name) == id {
			return s.state(name)
		}
	}
	return TopicState{}, false
}

func (s *someTopics) Version() uint64 { return s.version }

// consumer is one consumer of the new protocol as its own client has it: what it may use is what it was answered.
type consumer struct {
	h        *harness
	id       string
	instance *string
	epoch    int32
	topics   []string
	pattern  *string
	assignor *string
	// assigned is what the last answer with an assignment said, has is what the client uses.
	assigned, has map[string][]int32
	matches       *Matches
	rights        uint64
	due           []string
}

func (h *harness) consumer(id string, topics ...string) *consumer {
	if h.topics == nil {
		h.topics = topicsOf(1, map[string]int32{"t1": 4, "t2": 4})
	}
	return &consumer{h: h, id: id, topics: topics}
}

func (h *harness) staticConsumer(id, instance string, topics ...string) *consumer {
	c := h.consumer(id, topics...)
	c.instance = &instance
	return c
}

// request is a heartbeat as Apache Kafka's consumer sends it: whole when it joins, else only what it has.
func (c *consumer) request() Beat {
	r := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	r.Version, r.Group, r.MemberID, r.MemberEpoch, r.InstanceID = 1, "g", c.id, c.epoch, c.instance
	r.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	if c.epoch == 0 {
		r.RebalanceTimeoutMillis, r.SubscribedTopicNames, r.ServerAssignor = 60_000, append([]string{}, c.topics...), c.assignor
		r.SubscribedTopicRegex = c.pattern
	}
	for _, name := range slices.Sorted(maps.Keys(c.has)) {
		one := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		one.TopicID, one.Partitions = idOf(name), c.has[name]
		r.Topics = append(r.Topics, one)
	}
	return c.beat(r)
}

func (c *consumer) beat(r *kmsg.ConsumerGroupHeartbeatRequest) Beat {
	return Beat{
		BeatRequest: r, ClientID: c.id, ClientHost: "/10.0.0.1", NewID: "drawn",
		Settings: BeatSettings{SessionTimeout: 45 * time.Second, HeartbeatInterval: 5 * time.Second},
		Topics:   c.h.topics, Matches: c.matches, Rights: c.rights,
	}
}

// ask sends a request and takes in the answer.
func (c *consumer) ask(q Beat) (*kmsg.ConsumerGroupHeartbeatResponse, int16) {
	c.h.t.Helper()
	reply := c.h.reply(c.h.ask(q))
	if reply.Code != wire.None {
		return nil, reply.Code
	}
	answer := reply.Answer.(*BeatAnswer)
	c.learn(answer)
	return answer.Response, wire.None
}

func (c *consumer) learn(answer *BeatAnswer) {
	r := answer.Response
	c.id, c.epoch, c.due = *r.MemberID, r.MemberEpoch, answer.Due
	if r.Assignment == nil {
		return
	}
	c.assigned = map[string][]int32{}
	for _, t := range r.Assignment.Topics {
		state, _ := c.h.topics.ByID(t.TopicID)
		c.assigned[state.Name] = t.Partitions
	}
}

// heartbeat tells what the client has, which it must be allowed to, and then gives back what it no longer may use and takes the rest.
func (c *consumer) heartbeat() int16 {
	c.h.t.Helper()
	_, code := c.ask(c.request())
	c.has = c.assigned
	return code
}

// beats lets consumers send heartbeats, which must be accepted, for as many rounds as it takes for everything to settle.
func (h *harness) beats(consumers ...*consumer) {
	h.t.Helper()
	for range 4 {
		for _, c := range consumers {
			if code := c.heartbeat(); code != wire.None {
				h.t.Fatalf("%s: %s", c.id, wire.CodeName(code))
			}
		}
	}
	if state := h.modernState(); state != "Stable" {
		h.t.Fatalf("the group is %s", state)
	}
}

func (h *harness) describeModern() *kmsg.ConsumerGroupDescribeResponseGroup {
	h.t.Helper()
	return answerOf[*kmsg.ConsumerGroupDescribeResponseGroup](h, h.ask(DescribeModern{Group: "g", Topics: h.topics}))
}

func (h *harness) modernState() string {
	h.t.Helper()
	return h.describeModern().State
}

// count is how many partitions the client uses.
func (c *consumer) count() int {
	n := 0
	for _, partitions := range c.has {
		n += len(partitions)
	}
	return n
}

func (c *consumer) leave(epoch int32) int16 {
	c.h.t.Helper()
	r := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	r.Version, r.Group, r.MemberID, r.MemberEpoch, r.InstanceID = 1, "g", c.id, epoch, c.instance
	reply := c.h.reply(c.h.ask(c.beat(r)))
	if reply.Code == wire.None {
		c.has, c.assigned, c.epoch = nil, nil, 0
	}
	return reply.Code
}

func expectHas(t *testing.T, c *consumer, want map[string][]int32) {
	t.Helper()
	if got := fmt.Sprint(c.has); got != fmt.Sprint(want) {
		t.Fatalf("%s has %s, want %v", c.id, got, want)
	}
}

// expectNotOfConsumers describes a group that is not there, or of another protocol.
func (h *harness) expectNotOfConsumers(id, message string) {
	h.t.Helper()
	r := answerOf[*kmsg.ConsumerGroupDescribeResponseGroup](h, h.ask(DescribeModern{Group: id, Topics: h.topics}))
	if r.Group != id || r.ErrorCode != wire.GroupIDNotFound || *r.ErrorMessage != message {
		h.t.Fatalf("%s is described as %+v", id, r)
	}
}
