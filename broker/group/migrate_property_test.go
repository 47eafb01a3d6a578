package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/group/embedded"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestNoPartitionIsUsedTwiceWhileProtocolsChange lets consumers of both protocols join, leave and replace each other, while time passes and
// the coordinator restarts. No partition is ever used by two of them, and when all are left in peace each is used by one.
func TestNoPartitionIsUsedTwiceWhileProtocolsChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig()
		cfg.Consumer.MaxSize, cfg.MaxSize, cfg.InitialRebalanceDelay = 4, 4, 0
		w := &mixedWorld{h: newHarness(t, cfg), cfg: cfg, cooperate: rapid.Bool().Draw(t, "cooperate")}
		w.h.topics = topicsOf(1, map[string]int32{"t1": 4})
		for range 4 {
			w.replace(len(w.members), rapid.Bool().Draw(t, "modern"))
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			w.act(t)
			w.check(t)
		}
		w.peace(t)
	})
}

// mixedWorld is consumers of both protocols.
type mixedWorld struct {
	h       *harness
	cfg     Config
	members []mixedMember
	names   int
	// cooperate says that consumers of the classic protocol keep what they have while they join.
	cooperate bool
}

// mixedMember is a consumer of one protocol or the other.
type mixedMember interface {
	// act does the next thing that the consumer has to do.
	act()
	// uses are the partitions of t1 that it uses.
	uses() []int32
	// there reports whether the group has it; gone tells it that the group has it no more.
	there() bool
	gone()
	leave()
}

func (w *mixedWorld) replace(i int, modern bool) {
	w.names++
	name := fmt.Sprint("n", w.names)
	var next mixedMember
	if modern {
		next = &modernConsumer{w.h.consumer(name, "t1")}
	} else {
		next = &classicConsumer{client: w.h.client(name), cooperates: w.cooperate}
	}
	if i == len(w.members) {
		w.members = append(w.members, next)
		return
	}
	w.members[i] = next
}

func (w *mixedWorld) act(t *rapid.T) {
	i := rapid.IntRange(0, len(w.members)-1).Draw(t, "member")
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		w.members[i].leave()
		w.replace(i, rapid.Bool().Draw(t, "modern"))
	case 1:
		w.pass(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
	case 2:
		w.restart()
	default:
		w.members[i].act()
	}
}

func (w *mixedWorld) pass(d time.Duration) {
	w.h.pass(d)
	for _, m := range w.members {
		if !m.there() {
			m.gone()
		}
	}
}

// restart loads the coordinator anew; what waits is lost.
func (w *mixedWorld) restart() {
	w.h.reload(w.cfg)
	for _, m := range w.members {
		if c, classic := m.(*classicConsumer); classic {
			c.ticket = 0
		}
		if !m.there() {
			m.gone()
		}
	}
}

func (w *mixedWorld) check(t *rapid.T) {
	if w.h.m.groups["g"] != nil && w.h.m.modern["g"] != nil {
		t.Fatalf("the group is of both protocols")
	}
	users := map[int32]int{}
	for i, m := range w.members {
		for _, p := range m.uses() {
			if other, used := users[p]; used {
				t.Fatalf("partition %d is used by %d and by %d", p, other, i)
			}
			users[p] = i
		}
	}
}

func (w *mixedWorld) peace(t *rapid.T) {
	for range 40 {
		w.pass(2 * time.Second)
		for _, m := range w.members {
			m.act()
			w.check(t)
		}
	}
	n := 0
	for _, m := range w.members {
		n += len(m.uses())
	}
	if n != 4 {
		t.Fatalf("%d of 4 partitions are used", n)
	}
}

// modernConsumer is a consumer of the new protocol.
type modernConsumer struct{ *consumer }

func (c *modernConsumer) act() {
	switch c.heartbeat() {
	case wire.None, wire.GroupMaxSizeReached, wire.GroupIDNotFound:
	default:
		c.gone()
	}
}

func (c *modernConsumer) uses() []int32 { return c.has["t1"] }

func (c *modernConsumer) there() bool {
	g := c.h.m.modern["g"]
	return g != nil && g.members[c.id] != nil
}

func (c *modernConsumer) gone()  { c.epoch, c.has, c.assigned = 0, nil, nil }
func (c *modernConsumer) leave() { c.consumer.leave(-1) }

// classicConsumer is one of the classic protocol. It gives all back before it joins, unless it cooperates: then it gives back what its
// next assignment leaves out, and joins again.
type classicConsumer struct {
	*client
	cooperates bool
	has        []int32
	// ticket is what waits; syncing says that it is a sync and not a join.
	ticket  uint64
	syncing bool
}

func (c *classicConsumer) act() {
	if c.ticket != 0 {
		c.learn()
		return
	}
	if c.generation < 0 {
		c.join()
		return
	}
	switch c.heartbeat() {
	case wire.None:
	case wire.RebalanceInProgress:
		if !c.cooperates {
			c.has = nil
		}
		c.join()
	default:
		c.gone()
	}
}

func (c *classicConsumer) join() {
	if c.cooperates {
		c.protocols = owning("range", c.has...)
	}
	c.ticket, c.syncing = c.h.ask(c.joinRequest()), false
	c.learn()
}

func (c *classicConsumer) learn() {
	reply, answered := c.h.replies[c.ticket]
	if !answered {
		return
	}
	c.ticket = 0
	switch r := reply.Answer.(type) {
	case *kmsg.JoinGroupResponse:
		c.joined(r)
	case *kmsg.SyncGroupResponse:
		a, err := embedded.ReadAssignment(r.MemberAssignment)
		var next []int32
		if err == nil && len(a.Topics) > 0 {
			next = a.Topics[0].Partitions
		}
		lost := slices.ContainsFunc(c.has, func(p int32) bool { return !slices.Contains(next, p) })
		if c.has = next; lost {
			c.join()
		}
	default:
		if reply.Code != wire.RebalanceInProgress {
			c.id = ""
		}
		if c.generation = -1; c.id == "" || !c.cooperates {
			c.has = nil
		}
	}
}

func (c *classicConsumer) joined(r *kmsg.JoinGroupResponse) {
	switch r.ErrorCode {
	case wire.None:
		c.id, c.generation = r.MemberID, r.Generation
		c.ticket, c.syncing = c.sync(c.lead(r)...), true
		c.learn()
	case wire.MemberIDRequired:
		c.id = r.MemberID
		c.join()
	case wire.RebalanceInProgress:
		c.generation = -1
	default:
		c.id, c.generation, c.has = "", -1, nil
	}
}

// lead assigns the partitions in turn, where the consumer leads.
func (c *classicConsumer) lead(r *kmsg.JoinGroupResponse) []string {
	if r.LeaderID != r.MemberID {
		return nil
	}
	shares := make([][]int32, len(r.Members))
	for p := range int32(4) {
		i := int(p) % len(shares)
		if owner := ownerOf(r.Members, p); owner < 0 || owner == i {
			shares[i] = append(shares[i], p)
		}
	}
	var assignment []string
	for i, m := range r.Members {
		assignment = append(assignment, m.MemberID, partitionsOf(shares[i]...))
	}
	return assignment
}

// ownerOf is which of the members has a partition of t1; -1 where none has.
func ownerOf(members []kmsg.JoinGroupResponseMember, p int32) int {
	return slices.IndexFunc(members, func(m kmsg.JoinGroupResponseMember) bool {
		s, err := embedded.ReadSubscription(m.ProtocolMetadata)
		return err == nil && slices.ContainsFunc(s.Owned, func(of embedded.TopicPartitions) bool { return slices.Contains(of.Partitions, p) })
	})
}

func (c *classicConsumer) uses() []int32 { return c.has }

func (c *classicConsumer) there() bool {
	if g := c.h.m.groups["g"]; g != nil && g.members[c.id] != nil {
		return true
	}
	g := c.h.m.modern["g"]
	return g != nil && g.members[c.id] != nil
}

func (c *classicConsumer) gone() { c.id, c.generation, c.has, c.ticket = "", -1, nil, 0 }

func (c *classicConsumer) leave() {
	if c.there() {
		c.h.leave(leaving(c.client))
	}
}
