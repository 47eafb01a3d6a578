package group

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/embedded"
	"github.com/chronik-stream/chronik/broker/wire"
)

// partitionsOf is an assignment of partitions of t1, as a leader makes one.
func partitionsOf(partitions ...int32) string {
	return string(embedded.Assignment{Topics: []embedded.TopicPartitions{{Topic: "t1", Partitions: partitions}}}.Bytes(3))
}

// classicGroup brings clients into one group, each with partitions of t1.
func (h *harness) classicGroup(clients []*client, partitions ...[]int32) {
	h.t.Helper()
	if h.topics == nil {
		h.topics = topicsOf(1, map[string]int32{"t1": 4, "t2": 4})
	}
	h.stableGroup(clients...)
	leader := clients[0]
	// The leader wants another assignment, with the members that are there.
	ticket := leader.join()
	others := make([]uint64, len(clients))
	for i, c := range clients[1:] {
		others[i+1] = c.join()
	}
	h.pass(time.Second)
	var assignment []string
	for i, c := range clients {
		if i == 0 {
			c.joined(ticket)
		} else {
			c.joined(others[i])
		}
		assignment = append(assignment, c.id, partitionsOf(partitions[i]...))
	}
	leader.sync(assignment...)
	if got := h.state(); got != "Stable" {
		h.t.Fatalf("state = %s", got)
	}
}

// follow lets a client of the classic protocol do what its heartbeat tells it, and returns what it is assigned.
func (c *client) follow(owned ...int32) []int32 {
	c.h.t.Helper()
	for range 5 {
		switch code := c.heartbeat(); code {
		case wire.None:
			return c.assignment()
		case wire.RebalanceInProgress:
		default:
			c.h.t.Fatalf("%s: heartbeat: %s", c.name, wire.CodeName(code))
		}
		c.protocols = owning("range", owned...)
		if r := c.joined(c.h.ask(c.joinRequest())); r.ErrorCode != wire.None || r.LeaderID != "" {
			c.h.t.Fatalf("%s: join: %+v", c.name, r)
		}
		owned = c.assignment()
	}
	c.h.t.Fatalf("%s is told to join again and again", c.name)
	return nil
}

// owning supports a protocol with a subscription to t1 of which partitions are owned.
func owning(name string, partitions ...int32) []kmsg.JoinGroupRequestProtocol {
	list := protocolList(name, "t1")
	m := kmsg.NewConsumerMemberMetadata()
	m.Version, m.Topics, m.Generation = 3, []string{"t1"}, -1
	if len(partitions) > 0 {
		m.OwnedPartitions = []kmsg.ConsumerMemberMetadataOwnedPartition{{Topic: "t1", Partitions: partitions}}
	}
	list[0].Metadata = m.AppendTo(nil)
	return list
}

// assignment is what a sync is answered with.
func (c *client) assignment() []int32 {
	c.h.t.Helper()
	r := answerOf[*kmsg.SyncGroupResponse](c.h, c.sync())
	a, err := embedded.ReadAssignment(r.MemberAssignment)
	if err != nil {
		c.h.t.Fatalf("%s: assignment %x: %v", c.name, r.MemberAssignment, err)
	}
	if len(a.Topics) == 0 {
		return nil
	}
	return a.Topics[0].Partitions
}

// TestAClassicGroupIsUpgradedAndDowngraded replaces the consumers of a group one by one with such of the other protocol, and back.
func TestAClassicGroupIsUpgradedAndDowngraded(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.client("b")
	h.classicGroup([]*client{a, b}, []int32{0, 1}, []int32{2, 3})
	expectCode(t, "commit", h.commit(a, "t1", 5), wire.None)
	generation := a.generation

	x := h.consumer("x", "t1")
	expectCode(t, "a consumer of the new protocol joins", x.heartbeat(), wire.None)
	if x.epoch != generation+1 || x.count() != 0 {
		t.Fatalf("at epoch %d, after generation %d, it has %v", x.epoch, generation, x.has)
	}
	d := h.describeModern()
	if len(d.Members) != 3 || d.Members[0].MemberType != classicMember || d.Members[2].MemberType != consumerMember {
		t.Fatalf("the group is %+v", d)
	}
	h.reload(testConfig())
	mine, others := a.follow(0, 1), b.follow(2, 3)
	x.heartbeat()
	if len(mine) != 2 || len(others) != 1 || x.count() != 1 {
		t.Fatalf("a has %v, b has %v, x has %v", mine, others, x.has)
	}
	expectCode(t, "a commits", h.commit(a, "t1", 6), wire.None)

	h.leave(leaving(a))
	x.heartbeat()
	others = b.follow(others...)
	h.reload(testConfig())
	h.beats(x)
	if len(others) != 2 || x.count() != 2 {
		t.Fatalf("b has %v, x has %v", others, x.has)
	}

	expectCode(t, "the last one of the new protocol leaves", x.leave(-1), wire.None)
	expectCode(t, "who is left is to join again", b.heartbeat(), wire.RebalanceInProgress)
	ticket := b.join()
	if r := b.joined(ticket); r.ErrorCode != wire.None || r.LeaderID != b.id {
		t.Fatalf("it does not lead: %+v", r)
	}
	b.sync(b.id, partitionsOf(0, 1, 2, 3))
	h.reload(testConfig())
	if h.state() != "Stable" || len(h.m.modern) != 0 || h.committed("t1") != 6 {
		t.Fatalf("%s, %d consumer groups, offset %d", h.state(), len(h.m.modern), h.committed("t1"))
	}
	expectCode(t, "heartbeat", b.heartbeat(), wire.None)
}

func TestWhatIsNotUpgraded(t *testing.T) {
	refused := func(name string, change func(cfg *Config), start func(h *harness)) {
		cfg := testConfig()
		change(&cfg)
		h := newHarness(t, cfg)
		h.topics = topicsOf(1, map[string]int32{"t1": 4})
		start(h)
		expectCode(t, name, h.consumer("x", "t1").heartbeat(), wire.GroupIDNotFound)
		if state := h.state(); state != "Stable" {
			t.Fatalf("%s: it is %s", name, state)
		}
	}
	plain := func(h *harness) { h.classicGroup([]*client{h.client("a")}, []int32{0, 1, 2, 3}) }
	refused("by the policy", func(cfg *Config) { cfg.Consumer.Upgrade = false }, plain)
	refused("too many", func(cfg *Config) { cfg.Consumer.MaxSize = 0 }, plain)
	refused("an assignor with data of its own", func(*Config) {}, func(h *harness) {
		a := h.client("a")
		h.stableGroup(a)
		ticket := a.join()
		h.pass(time.Second)
		a.joined(ticket)
		a.sync(a.id, string(embedded.Assignment{UserData: []byte("mine")}.Bytes(3)))
	})
	refused("no consumers", func(*Config) {}, func(h *harness) { h.stableGroup(h.client("a")) })
}

func TestAnUnknownAssignorIsNotUpgradedBeforeItAssigns(t *testing.T) {
	h := newHarness(t, testConfig())
	h.topics = topicsOf(1, map[string]int32{"t1": 4})
	a := h.client("a")
	a.protocols = owning("stream")
	ticket := a.join()
	h.pass(9 * time.Second)
	a.joined(ticket)
	expectCode(t, "x", h.consumer("x", "t1").heartbeat(), wire.GroupIDNotFound)
	a.sync(a.id, partitionsOf(0, 1, 2, 3))
	expectCode(t, "an assignment without data", h.consumer("x", "t1").heartbeat(), wire.None)
}

func TestAnUpgradeTellsWhoWaits(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.client("a"), h.client("b")
	h.classicGroup([]*client{a, b}, []int32{0, 1}, []int32{2, 3})
	waiting := a.join()
	if !h.parked(waiting) {
		t.Fatal("the leader's join does not start a rebalance")
	}
	expectCode(t, "x", h.consumer("x", "t1").heartbeat(), wire.None)
	expectCode(t, "the join", answerOf[*kmsg.JoinGroupResponse](h, waiting).ErrorCode, wire.RebalanceInProgress)
	expectCode(t, "b", b.heartbeat(), wire.RebalanceInProgress)
}

// TestAnUpgradeDuringTheFirstRebalance finds members that have no generation yet. They join again, and lose no time.
func TestAnUpgradeDuringTheFirstRebalance(t *testing.T) {
	for _, test := range []struct {
		upgrade, downgrade bool
		want               int16
	}{
		{true, true, wire.None}, {true, false, wire.None}, {false, true, wire.GroupIDNotFound}, {false, false, wire.GroupIDNotFound},
	} {
		cfg := testConfig()
		cfg.Consumer.Upgrade, cfg.Consumer.Downgrade = test.upgrade, test.downgrade
		h := newHarness(t, cfg)
		x := h.consumer("x", "t1")
		a, b := h.client("a"), h.client("b")
		waiting := []uint64{a.join(), b.join()}
		expectCode(t, "x", x.heartbeat(), test.want)
		for _, ticket := range waiting {
			if h.parked(ticket) != (test.want != wire.None) {
				t.Fatalf("%+v: a join waits: %t", test, h.parked(ticket))
			}
		}
		if test.want != wire.None {
			continue
		}
		for i, c := range []*client{a, b} {
			expectCode(t, "a join", answerOf[*kmsg.JoinGroupResponse](h, waiting[i]).ErrorCode, wire.RebalanceInProgress)
			c.joined(h.ask(c.joinRequest()))
		}
		h.reload(cfg)
		h.pass(time.Second)
		x.heartbeat()
		mine, others := a.follow(), b.follow()
		h.beats(x)
		if len(mine)+len(others)+x.count() != 4 || len(mine) == 0 || len(others) == 0 || x.count() == 0 {
			t.Fatalf("a has %v, b has %v, x has %v", mine, others, x.has)
		}
	}
}

func TestAnUnknownAssignorIsNotUpgradedInItsFirstRebalance(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	a.protocols = owning("stream")
	ticket := a.join()
	expectCode(t, "x", h.consumer("x", "t1").heartbeat(), wire.GroupIDNotFound)
	if !h.parked(ticket) {
		t.Fatal("the join does not wait")
	}
}

func TestWhoMayNotJoinAConsumerGroup(t *testing.T) {
	cfg := testConfig()
	h := newHarness(t, cfg)
	x := h.consumer("x", "t1")
	h.beats(x)
	join := func(change func(q *Join)) int16 {
		t.Helper()
		q := h.client("a").joinRequest()
		change(&q)
		r := h.reply(h.ask(q))
		return r.Answer.(*kmsg.JoinGroupResponse).ErrorCode
	}
	expectCode(t, "an id first", join(func(*Join) {}), wire.MemberIDRequired)
	expectCode(t, "no consumer", join(func(q *Join) { q.ProtocolType = "connect" }), wire.InconsistentGroupProtocol)
	expectCode(t, "no protocol", join(func(q *Join) { q.Protocols = nil }), wire.InconsistentGroupProtocol)
	expectCode(t, "no subscription", join(func(q *Join) { q.MemberID, q.Protocols[0].Metadata = "a", nil }), wire.InconsistentGroupProtocol)
	expectCode(t, "an instance that is not there", join(func(q *Join) { q.MemberID, q.InstanceID = "a", kmsg.StringPtr("i") }), wire.UnknownMemberID)
	expectCode(t, "a member", join(func(q *Join) { q.MemberID = "a" }), wire.None)
	expectCode(t, "another assignor", join(func(q *Join) { q.MemberID, q.Protocols = "b", protocolList("sticky", "t1") }), wire.InconsistentGroupProtocol)
	expectCode(t, "one more", join(func(q *Join) { q.InstanceID = kmsg.StringPtr("") }), wire.None)
	expectCode(t, "one too many", join(func(q *Join) { q.MemberID = "c" }), wire.GroupMaxSizeReached)
	c := &client{h: h, id: "x", generation: x.epoch}
	expectCode(t, "a heartbeat of the other protocol", c.heartbeat(), wire.UnknownMemberID)
	c.id, c.generation = "a", 99
	expectCode(t, "of another generation", c.heartbeat(), wire.IllegalGeneration)
	h.m.cfg.Consumer.Upgrade, h.m.cfg.Consumer.Downgrade = false, false
	expectCode(t, "by the policy", join(func(q *Join) { q.MemberID = "a" }), wire.InconsistentGroupProtocol)
}

func TestAClassicMemberThatDoesNotJoinAgainIsRemoved(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.classicGroup([]*client{a}, []int32{0, 1, 2, 3})
	x := h.consumer("x", "t1")
	x.heartbeat()
	for range 7 {
		expectCode(t, "it is told to", a.heartbeat(), wire.RebalanceInProgress)
		h.pass(9 * time.Second)
		x.heartbeat()
	}
	expectCode(t, "it has not", a.heartbeat(), wire.UnknownMemberID)
	h.beats(x)
	expectHas(t, x, map[string][]int32{"t1": {0, 1, 2, 3}})
}

func TestAStaticMemberChangesItsProtocol(t *testing.T) {
	h := newHarness(t, testConfig())
	h.topics = topicsOf(1, map[string]int32{"t1": 4})
	s := h.staticClient("s", "i")
	h.classicGroup([]*client{s}, []int32{0, 1, 2, 3})
	x := h.staticConsumer("x", "i", "t1")
	h.beats(x)
	expectHas(t, x, map[string][]int32{"t1": {0, 1, 2, 3}})
	expectCode(t, "its former self", s.heartbeat(), wire.FencedInstanceID)
	back := h.staticClient("s", "i")
	r := back.joined(h.ask(back.joinRequest()))
	expectCode(t, "back again", r.ErrorCode, wire.None)
	if h.state() != "Stable" || len(h.m.modern) != 0 {
		t.Fatalf("the group is %s, %d consumer groups", h.state(), len(h.m.modern))
	}
	if got := back.assignment(); len(got) != 4 {
		t.Fatalf("it has %v", got)
	}
	h.reload(testConfig())
	expectCode(t, "heartbeat", back.heartbeat(), wire.None)
}

// TestTheLastConsumerGoesOverUnderItsID with an instance id and without: then all are of the classic protocol, and so is the group.
func TestTheLastConsumerGoesOverUnderItsID(t *testing.T) {
	for _, instance := range []*string{nil, kmsg.StringPtr("i")} {
		for _, alone := range []bool{true, false} {
			h := newHarness(t, testConfig())
			x := h.consumer("x", "t1")
			x.instance = instance
			h.beats(x)
			a := h.client("a")
			if !alone {
				a.joined(a.join())
				for range 3 {
					x.heartbeat()
					a.follow()
				}
				h.beats(x)
			}
			over := h.client("x")
			over.id, over.instance, over.protocols = "x", instance, owning("range", x.has["t1"]...)
			r := over.joined(h.ask(over.joinRequest()))
			expectCode(t, "join", r.ErrorCode, wire.None)
			if h.state() != "Stable" || len(h.m.modern) != 0 {
				t.Fatalf("the group is %s, %d consumer groups", h.state(), len(h.m.modern))
			}
			if got := over.assignment(); len(got) != x.count() {
				t.Fatalf("it has %v, and had %v", got, x.has)
			}
			h.reload(testConfig())
			expectCode(t, "heartbeat", over.heartbeat(), wire.None)
			if !alone {
				expectCode(t, "a", a.heartbeat(), wire.None)
			}
		}
	}
}

// A static member that goes to the classic protocol gets an id made of its instance's: with all that it has told it has to fit a record.
func TestAStaticMemberOfALargeInstanceFitsTheLogUnderItsNextID(t *testing.T) {
	cfg := testConfig()
	h := newHarness(t, cfg)
	instance := strings.Repeat("i", 1500)
	h.beats(h.consumer("y", "t1"), h.staticConsumer("s", instance, strings.Repeat("x", 2000), "t1"))
	r := h.reply(h.ask(h.staticClient("s", instance).joinRequest())).Answer.(*kmsg.JoinGroupResponse)
	expectCode(t, "join", r.ErrorCode, wire.UnknownServerError)
	for _, e := range h.log {
		if e.Size() > cfg.MaxAppendBytes {
			t.Fatalf("a record has %d bytes", e.Size())
		}
	}
}

// The id of a static member is made of its instance's, which may be as long as a string in a record can be.
func TestTheLogIsReadWithTheLongestInstanceID(t *testing.T) {
	cfg := testConfig()
	cfg.MaxAppendBytes = 1 << 20
	h := newHarness(t, cfg)
	instance := strings.Repeat("i", math.MaxInt16-3) + "é"
	s := h.staticClient("s", instance)
	h.stableGroup(s)
	if len(s.id) > math.MaxInt16 || !utf8.ValidString(s.id) || !strings.HasSuffix(s.id, "-1") {
		t.Fatalf("the id has %d bytes", len(s.id))
	}
	h.reload(cfg)
	expectCode(t, "after a restart", s.heartbeat(), wire.None)
}

func TestWhoGoesOverUnderItsIDIsNotTimedByTheOldProtocol(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.client("a")
	h.classicGroup([]*client{a}, []int32{0, 1, 2, 3})
	x := h.consumer("x", "t1")
	x.heartbeat()
	expectCode(t, "a", a.heartbeat(), wire.RebalanceInProgress)
	over := h.consumer(a.id, "t1")
	for range 10 {
		h.beats(over, x)
		h.pass(9 * time.Second)
	}
	expectCode(t, "a as a consumer", over.heartbeat(), wire.None)
	if over.count() != 2 {
		t.Fatalf("it has %v", over.has)
	}
}

func TestAMemberOfTooManyProtocolsForTheLogIsNotUpgraded(t *testing.T) {
	cfg := testConfig()
	h := newHarness(t, cfg)
	h.topics = topicsOf(1, map[string]int32{"t1": 4})
	a := h.client("a")
	a.protocols = owning("range")
	size := cfg.MaxAppendBytes / 2
	for _, name := range []string{"other", "another", "more"} {
		a.protocols = append(a.protocols, kmsg.JoinGroupRequestProtocol{Name: name, Metadata: make([]byte, size)})
	}
	h.classicGroup([]*client{a}, []int32{0, 1, 2, 3})
	expectCode(t, "x", h.consumer("x", "t1").heartbeat(), wire.GroupIDNotFound)
	expectCode(t, "a", a.heartbeat(), wire.None)
}

// TestWhatAMemberHasNotGivenBackYetIsKeptFromOthers upgrades a group in which a leader has taken a partition from a member that
// cooperates: it uses it until it joins again.
func TestWhatAMemberHasNotGivenBackYetIsKeptFromOthers(t *testing.T) {
	h := newHarness(t, testConfig())
	h.topics = topicsOf(1, map[string]int32{"t1": 4})
	a := h.client("a")
	a.protocols = owning("range", 0, 1, 2, 3)
	h.classicGroup([]*client{a}, []int32{0, 1, 2})
	x := h.consumer("x", "t1")
	for range 3 {
		x.heartbeat()
	}
	if slices.Contains(x.assigned["t1"], 3) {
		t.Fatalf("x has %v, of which a has not given back 3", x.assigned)
	}
	if got := a.follow(0, 1, 2); len(got) != 2 {
		t.Fatalf("a has %v", got)
	}
	h.beats(x)
	expectHas(t, x, map[string][]int32{"t1": {2, 3}})
}
