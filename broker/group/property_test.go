package group

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/wire"
)

// TestInvariants sends a group whatever clients may send, in any order, with time, slow disks and restarts between, and looks after every
// step at what has to hold.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHarness(t, testConfig())
		h.manual = rapid.Bool().Draw(t, "slow disk")
		p := &population{h: h}
		for i := range 5 {
			c := h.client(fmt.Sprint("c", i))
			if i >= 3 {
				c = h.staticClient(c.name, c.name)
			}
			c.version = rapid.SampledFrom([]int16{3, 5, 9}).Draw(t, "version")
			p.clients = append(p.clients, c)
		}
		steps := rapid.IntRange(1, 120).Draw(t, "steps")
		for range steps {
			p.act(t)
			p.check(t)
		}
		h.step(Appended{Seq: h.seq})
		h.step(Failed{Code: wire.NotCoordinator})
		for ticket := uint64(1); ticket <= h.ticket; ticket++ {
			if h.parked(ticket) {
				t.Fatalf("ticket %d was never answered", ticket)
			}
		}
	})
}

// population is what a property test knows about the clients.
type population struct {
	h          *harness
	clients    []*client
	joining    []joining
	generation int32
	confirmed  uint64
}

type joining struct {
	c      *client
	ticket uint64
}

func (p *population) act(t *rapid.T) {
	h := p.h
	c := rapid.SampledFrom(p.clients).Draw(t, "client")
	switch rapid.IntRange(0, 13).Draw(t, "what") {
	case 0, 1, 2:
		if rapid.IntRange(0, 4).Draw(t, "change") == 0 {
			c.protocols = protocolList("range", rapid.SampledFrom([]string{"t1", "t2"}).Draw(t, "topic"))
		}
		p.joining = append(p.joining, joining{c, h.ask(c.joinRequest())})
	case 3, 4:
		c.sync(c.id, "x")
	case 5:
		r := kmsg.NewPtrHeartbeatRequest()
		r.Group, r.Generation, r.MemberID, r.InstanceID = "g", c.generation, c.id, c.instance
		h.ask(Heartbeat{r})
	case 6:
		h.ask(h.commitRequest(c, "t1", 0, 1, ""))
	case 7:
		r := kmsg.NewPtrLeaveGroupRequest()
		r.Group, r.Members = "g", []kmsg.LeaveGroupRequestMember{leaving(c)}
		h.ask(Leave{r})
	case 8:
		c.id = ""
	case 9, 10:
		h.pass(time.Duration(rapid.IntRange(0, 15).Draw(t, "seconds")) * time.Second)
	case 11:
		if p.confirmed < h.seq {
			p.confirmed++
			h.step(Appended{Seq: p.confirmed})
		}
	case 12:
		h.ask(txnRequest(c, rapid.Int64Range(1, 2).Draw(t, "producer"), "t1", 2))
	case 13:
		h.ask(markerOf(rapid.Int64Range(1, 2).Draw(t, "producer"), rapid.Bool().Draw(t, "commit")))
	}
	p.learn()
}

// learn lets the clients read what they were answered.
func (p *population) learn() {
	var still []joining
	for _, j := range p.joining {
		reply, answered := p.h.replies[j.ticket]
		if !answered {
			still = append(still, j)
			continue
		}
		r, ok := reply.Answer.(*kmsg.JoinGroupResponse)
		switch {
		case !ok:
		case r.ErrorCode == wire.None || r.ErrorCode == wire.MemberIDRequired:
			j.c.id, j.c.generation = r.MemberID, r.Generation
		case r.ErrorCode == wire.UnknownMemberID || r.ErrorCode == wire.FencedInstanceID:
			j.c.id = ""
		}
	}
	p.joining = still
}

func (p *population) check(t *rapid.T) {
	g := p.h.m.groups["g"]
	if g == nil {
		p.generation = 0
		return
	}
	if g.generation < p.generation {
		t.Fatalf("generation went from %d to %d", p.generation, g.generation)
	}
	p.generation = g.generation
	if len(g.members) != len(g.order) {
		t.Fatalf("%d members, %d in order", len(g.members), len(g.order))
	}
	if (g.state == Empty) != (len(g.order) == 0) && g.state != PreparingRebalance {
		t.Fatalf("%s with %d members", g.state, len(g.order))
	}
	if len(g.order) > 0 && g.members[g.leader] == nil {
		t.Fatalf("leader %q is no member", g.leader)
	}
	if g.awaiting() > testConfig().MaxSize {
		t.Fatalf("%d members have joined", g.awaiting())
	}
	p.checkMembers(t, g)
	if _, running := p.h.m.timers.byKey[timerKey{kind: joinTimer, group: "g"}]; running != (g.state == PreparingRebalance) {
		t.Fatalf("%s, and the join timer runs: %t", g.state, running)
	}
}

func (p *population) checkMembers(t *rapid.T, g *group) {
	counts := map[string]int{}
	for _, mb := range g.order {
		if g.members[mb.id] != mb {
			t.Fatalf("member %q is not itself", mb.id)
		}
		if _, pending := g.pending[mb.id]; pending {
			t.Fatalf("member %q is pending", mb.id)
		}
		if mb.instance != nil && g.static[*mb.instance] != mb.id {
			t.Fatalf("instance %q is %q, not %q", *mb.instance, g.static[*mb.instance], mb.id)
		}
		if mb.joining != 0 && g.state != PreparingRebalance {
			t.Fatalf("a join waits in %s", g.state)
		}
		if mb.syncing != 0 && g.state != CompletingRebalance {
			t.Fatalf("a sync waits in %s", g.state)
		}
		_, timed := p.h.m.timers.byKey[timerKey{sessionTimer, "g", mb.id}]
		if !timed && !mb.waits() {
			t.Fatalf("nobody watches member %q in %s", mb.id, g.state)
		}
		for _, one := range mb.protocols {
			counts[one.name]++
		}
	}
	for name, n := range g.supported {
		if counts[name] != n {
			t.Fatalf("protocol %q is supported by %d, counted %d", name, counts[name], n)
		}
	}
}

// TestReplayOfAnyPrefix restarts after every record: no prefix of the log is refused, and what is loaded can be loaded again.
func TestReplayOfAnyPrefix(t *testing.T) {
	h := newHarness(t, testConfig())
	a, s := h.client("a"), h.staticClient("s", "i1")
	h.stableGroup(a, s)
	h.commit(a, "t1", 1)
	h.commit(a, "t2", 2)
	h.askTxn(txnRequest(a, 1, "t1", 3))
	h.commitTxn(2, "t2", 4)
	h.leave(leaving(a), leaving(s))
	h.endTxn(1, true)
	h.commitTxn(1, "t2", 5)
	h.endTxn(2, false)
	h.ask(Delete{Group: "g"})
	deleted := len(h.log)
	h.endTxn(1, true)
	log := h.log
	for n := range len(log) + 1 {
		h.log = log[:n]
		h.reload(testConfig())
		h.pass(30 * time.Second)
		if state := h.state(); (state == "Dead") != (n == 0 || n >= deleted) {
			t.Fatalf("after %d of %d records: %s", n, len(log), state)
		}
	}
}
