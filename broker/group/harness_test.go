package group

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/wire"
)

func testConfig() Config {
	return Config{
		InitialRebalanceDelay: 3 * time.Second,
		MinSessionTimeout:     6 * time.Second,
		MaxSessionTimeout:     30 * time.Minute,
		MaxSize:               3,
		MaxOffsetMetadata:     16,
		OffsetsRetention:      time.Hour,
		ExpiryInterval:        10 * time.Minute,
		MaxAppendBytes:        4096,
		Consumer: ConsumerConfig{
			MaxSize: 3, Assignors: []string{"uniform", "range"}, SessionTimeout: 45 * time.Second, RegexRefresh: 10 * time.Minute,
			Upgrade: true, Downgrade: true,
		},
	}
}

// harness drives a machine by hand: it keeps the log, the time and the replies.
type harness struct {
	t      failer
	m      *Machine
	now    time.Time
	wake   time.Time
	log    []Entry
	seq    uint64
	manual bool
	// refusal, where it is set, is what the log answers to transactions and markers.
	refusal int16
	ticket  uint64
	replies map[uint64]Reply
	topics  *someTopics
	// troubles are what those who run the broker were told.
	troubles []coordinator.Trouble
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newHarness(t failer, cfg Config) *harness {
	h := &harness{t: t, m: New(cfg), now: time.UnixMilli(1_700_000_000_000), replies: map[uint64]Reply{}}
	h.step(Loaded{})
	return h
}

// step takes an event; unless manual is set, appends are confirmed at once.
func (h *harness) step(ev Event) {
	h.t.Helper()
	before := h.seq
	refused := false
	for _, e := range h.m.Step(ev, h.now) {
		switch e := e.(type) {
		case Append:
			if e.Seq != h.seq+1 {
				h.t.Fatalf("append %d follows %d", e.Seq, h.seq)
			}
			if refused = e.Alone() && h.refusal != wire.None; refused {
				break
			}
			h.seq = e.Seq
			h.log = append(h.log, entriesOf(e)...)
		case Reply:
			if _, twice := h.replies[e.Ticket]; twice {
				h.t.Fatalf("ticket %d answered twice", e.Ticket)
			}
			if e.Ticket == 0 || e.Ticket > h.ticket {
				h.t.Fatalf("ticket %d was never sold", e.Ticket)
			}
			h.replies[e.Ticket] = e
		case WakeAt:
			h.wake = e.At
		case coordinator.Trouble:
			h.troubles = append(h.troubles, e)
		}
	}
	if refused {
		h.step(Refused{Code: h.refusal})
	}
	if h.seq != before && !h.manual {
		h.step(Appended{Seq: h.seq})
	}
}

// expectTrouble expects that those who run the broker were told of nothing but the last refusal, and why.
func (h *harness) expectTrouble(id, why string) {
	h.t.Helper()
	if len(h.troubles) != 1 || h.troubles[0].ID != id || !strings.Contains(h.troubles[0].Err.Error(), why) {
		h.t.Fatalf("told of %v, not of %s: %s", h.troubles, id, why)
	}
}

// entriesOf is what an append leaves in the log.
func entriesOf(a Append) []Entry {
	var entries []Entry
	for _, r := range a.Records {
		e := Entry{Record: r}
		if a.Producer != nil {
			e.Transactional, e.ProducerID = true, a.Producer.ID
		}
		entries = append(entries, e)
	}
	if a.Marker != nil {
		entries = append(entries, Entry{Marker: a.Marker})
	}
	return entries
}

func (h *harness) ask(q Request) uint64 {
	h.t.Helper()
	h.ticket++
	h.step(Asked{Ticket: h.ticket, Request: q})
	return h.ticket
}

// pass lets time go by, with every wake-up on the way.
func (h *harness) pass(d time.Duration) {
	h.t.Helper()
	end := h.now.Add(d)
	for !h.wake.IsZero() && !h.wake.After(end) {
		if h.wake.After(h.now) {
			h.now = h.wake
		}
		h.step(Woken{})
	}
	h.now = end
}

// reload replays the log into a fresh machine.
func (h *harness) reload(cfg Config) {
	h.t.Helper()
	h.m, h.seq, h.wake = New(cfg), 0, time.Time{}
	for _, r := range h.log {
		if err := h.m.Replay(r); err != nil {
			h.t.Fatalf("replay: %v", err)
		}
	}
	h.step(Loaded{})
}

func (h *harness) parked(ticket uint64) bool { _, answered := h.replies[ticket]; return !answered }

func (h *harness) reply(ticket uint64) Reply {
	h.t.Helper()
	r, answered := h.replies[ticket]
	if !answered {
		h.t.Fatalf("ticket %d is not answered", ticket)
	}
	return r
}

func answerOf[T any](h *harness, ticket uint64) T {
	h.t.Helper()
	a, ok := h.reply(ticket).Answer.(T)
	if !ok {
		h.t.Fatalf("ticket %d: answer is %#v", ticket, h.reply(ticket))
	}
	return a
}

// client is one consumer as the coordinator sees it.
type client struct {
	h          *harness
	name       string
	id         string
	instance   *string
	generation int32
	version    int16
	protocols  []kmsg.JoinGroupRequestProtocol
	nonce      int
}

func (h *harness) client(name string) *client {
	return &client{h: h, name: name, version: 9, generation: -1, protocols: protocolList("range", "t1")}
}

func (h *harness) staticClient(name, instance string) *client {
	c := h.client(name)
	c.instance = &instance
	return c
}

// protocolList supports one protocol with a consumer's subscription to topics.
func protocolList(name string, topics ...string) []kmsg.JoinGroupRequestProtocol {
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = name, subscription(topics...)
	return []kmsg.JoinGroupRequestProtocol{p}
}

func subscription(topics ...string) []byte {
	b := binary.BigEndian.AppendUint16(nil, 3)
	b = binary.BigEndian.AppendUint32(b, uint32(len(topics)))
	for _, topic := range topics {
		b = binary.BigEndian.AppendUint16(b, uint16(len(topic)))
		b = append(b, topic...)
	}
	// No data of the user's, nothing owned, of no generation, in no rack.
	return append(b, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
}

func (c *client) joinRequest() Join {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID = c.version, "g", c.id, c.instance
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 10_000, 60_000
	r.ProtocolType, r.Protocols = "consumer", c.protocols
	c.nonce++
	join := Join{JoinGroupRequest: r, ClientID: c.name, ClientHost: "/10.0.0.1", Nonce: fmt.Sprint(c.nonce)}
	if c.h.topics != nil {
		join.Topics = c.h.topics
	}
	return join
}

// join sends a join, and again with the id that it is given, and returns the last ticket.
func (c *client) join() uint64 {
	c.h.t.Helper()
	ticket := c.h.ask(c.joinRequest())
	if c.h.parked(ticket) {
		return ticket
	}
	r := answerOf[*kmsg.JoinGroupResponse](c.h, ticket)
	if r.ErrorCode != wire.MemberIDRequired {
		return ticket
	}
	c.id = r.MemberID
	return c.h.ask(c.joinRequest())
}

// joined takes over what a join was answered with.
func (c *client) joined(ticket uint64) *kmsg.JoinGroupResponse {
	c.h.t.Helper()
	r := answerOf[*kmsg.JoinGroupResponse](c.h, ticket)
	if r.ErrorCode == wire.None {
		c.id, c.generation = r.MemberID, r.Generation
	}
	return r
}

// sync sends a sync; a leader gives its assignment as pairs of member id and data.
func (c *client) sync(assignment ...string) uint64 {
	c.h.t.Helper()
	r := kmsg.NewPtrSyncGroupRequest()
	r.Version, r.Group, r.Generation, r.MemberID, r.InstanceID = 5, "g", c.generation, c.id, c.instance
	for i := 0; i+1 < len(assignment); i += 2 {
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = assignment[i], []byte(assignment[i+1])
		r.GroupAssignment = append(r.GroupAssignment, one)
	}
	return c.h.ask(Sync{r})
}

func (c *client) heartbeat() int16 {
	c.h.t.Helper()
	r := kmsg.NewPtrHeartbeatRequest()
	r.Version, r.Group, r.Generation, r.MemberID, r.InstanceID = 4, "g", c.generation, c.id, c.instance
	return c.h.reply(c.h.ask(Heartbeat{r})).Code
}

func (h *harness) leave(members ...kmsg.LeaveGroupRequestMember) *kmsg.LeaveGroupResponse {
	h.t.Helper()
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Version, r.Group, r.Members = 5, "g", members
	return answerOf[*kmsg.LeaveGroupResponse](h, h.ask(Leave{r}))
}

func leaving(c *client) kmsg.LeaveGroupRequestMember {
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID, one.InstanceID = c.id, c.instance
	return one
}

func (h *harness) commitRequest(c *client, topic string, partition int32, offset int64, metadata string) Commit {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.Generation = 9, "g", -1
	if c != nil {
		r.Generation, r.MemberID, r.InstanceID = c.generation, c.id, c.instance
	}
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = partition, offset, 7, &metadata
	one := kmsg.NewOffsetCommitRequestTopic()
	one.Topic, one.Partitions = topic, []kmsg.OffsetCommitRequestTopicPartition{p}
	r.Topics = append(r.Topics, one)
	return Commit{r}
}

// commit commits one offset and returns the code of the request or the partition.
func (h *harness) commit(c *client, topic string, offset int64) int16 {
	h.t.Helper()
	r := h.reply(h.ask(h.commitRequest(c, topic, 0, offset, "")))
	if r.Code != wire.None {
		return r.Code
	}
	return r.Answer.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

// committed returns the group's offset of partition 0 of a topic, -1 for none.
func (h *harness) committed(topic string) int64 {
	h.t.Helper()
	one := kmsg.NewOffsetFetchRequestGroupTopic()
	one.Topic, one.Partitions = topic, []int32{0}
	r := answerOf[*kmsg.OffsetFetchResponseGroup](h, h.ask(Fetch{Group: "g", MemberEpoch: -1, Topics: []kmsg.OffsetFetchRequestGroupTopic{one}}))
	return r.Topics[0].Partitions[0].Offset
}

func (h *harness) state() string {
	h.t.Helper()
	return answerOf[*kmsg.DescribeGroupsResponseGroup](h, h.ask(Describe{Group: "g"})).State
}

// generation brings the clients into the first generation of a group; the first of them is the leader.
func (h *harness) generation(clients ...*client) {
	h.t.Helper()
	tickets := make([]uint64, len(clients))
	for i, c := range clients {
		tickets[i] = c.join()
	}
	h.pass(9 * time.Second)
	for i, c := range clients {
		if r := c.joined(tickets[i]); r.ErrorCode != wire.None {
			h.t.Fatalf("%s cannot join: %s", c.name, wire.CodeName(r.ErrorCode))
		}
	}
}

// stableGroup brings the clients into one stable group, each assigned its own name; the first is the leader.
func (h *harness) stableGroup(clients ...*client) {
	h.t.Helper()
	h.generation(clients...)
	var assignment []string
	for _, c := range clients {
		assignment = append(assignment, c.id, c.name)
	}
	for i := len(clients) - 1; i >= 0; i-- {
		if i > 0 {
			clients[i].sync()
		} else {
			clients[0].sync(assignment...)
		}
	}
	if got := h.state(); got != "Stable" {
		h.t.Fatalf("state = %s", got)
	}
}

func expectCode(t *testing.T, what string, got, want int16) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %s, want %s", what, wire.CodeName(got), wire.CodeName(want))
	}
}
