package server

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// newWaitingRig has Heartbeats that need READ on the topic of their group's name, and on one more that is only looked at. They wait until
// they may go on, or have lost that.
func newWaitingRig(t *testing.T, change func(*Config)) (r *rig, waits chan string, goOn chan struct{}) {
	t.Helper()
	waits, goOn = make(chan string, 8), make(chan struct{})
	r = newRig(t, plainListener(), func(cfg *Config) {
		row, _ := cfg.Table.Row(12)
		row.Needs = func(c *api.Call) authz.Needs {
			need := func(name string) authz.Need {
				return authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: name}}
			}
			return authz.Needs{All: []authz.Need{need(c.Request.(*kmsg.HeartbeatRequest).Group)}, Each: []authz.Need{need("more")}}
		}
		if change != nil {
			change(cfg)
		}
	})
	r.heartbeat = func(ctx context.Context, c *api.Call) api.Answer {
		waits <- c.Request.(*kmsg.HeartbeatRequest).Group
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return api.Now(c.Request.ResponseKind())
	}
	return r, waits, goOn
}

func beat(topic string) *kmsg.HeartbeatRequest {
	q := kmsg.NewPtrHeartbeatRequest()
	q.Group = topic
	return q
}

// gets reads the answer to a Heartbeat, which has a code.
func (c *client) gets(id int32, code int16) {
	c.t.Helper()
	response := kmsg.NewPtrHeartbeatResponse()
	response.SetVersion(4)
	if c.get(id, response); response.ErrorCode != code {
		c.t.Errorf("answered %s, want %s", wire.CodeName(response.ErrorCode), wire.CodeName(code))
	}
}

// TestAWaitingRequestThatLosesItsRightIsAnswered: that one alone, and its connection goes on. It does not matter whether the server was told
// of the change.
func TestAWaitingRequestThatLosesItsRightIsAnswered(t *testing.T) {
	for _, told := range []bool{true, false} {
		r, waits, goOn := newWaitingRig(t, nil)
		loses, keeps := r.dial(), r.dial()
		lost, kept := loses.ask(beat("lost"), 4), keeps.ask(beat("kept"), 4)
		<-waits
		<-waits
		r.rules.deny("lost")
		if told {
			r.server.RulesChanged()
		}
		loses.gets(lost, wire.TopicAuthorizationFailed)
		r.record.mu.Lock()
		if n := len(r.record.denied); n != 1 || r.record.denied[0].On.Name != "lost" {
			t.Errorf("recorded as denied: %+v", r.record.denied)
		}
		r.record.mu.Unlock()

		again := loses.ask(beat("other"), 4)
		if topic := <-waits; topic != "other" {
			t.Errorf("%s is served", topic)
		}
		close(goOn)
		loses.gets(again, wire.None)
		keeps.gets(kept, wire.None)
	}
}

// TestTheServerIsToldOnce: whoever changes the rules is not held up, though nobody has looked yet.
func TestTheServerIsToldOnce(t *testing.T) {
	cfg := newRig(t, plainListener(), nil).server.cfg
	s, err := New(cfg) // not started: nobody looks
	if err != nil {
		t.Fatal(err)
	}
	s.RulesChanged()
	s.RulesChanged()
	select {
	case <-s.changed:
	default:
		t.Fatal("it was not told")
	}
	select {
	case <-s.changed:
		t.Error("it was told twice")
	default:
	}
}

// TestARightThatCameBackIsLostAllTheSame: the wait is over, and its answer is not what its handler says of that.
func TestARightThatCameBackIsLostAllTheSame(t *testing.T) {
	r, _, _ := newWaitingRig(t, nil)
	r.heartbeat = func(ctx context.Context, c *api.Call) api.Answer {
		r.rules.deny("lost")
		r.server.RulesChanged()
		<-ctx.Done()
		r.rules.deny()
		return api.Now(c.Request.ResponseKind())
	}
	c := r.dial()
	c.gets(c.ask(beat("lost"), 4), wire.TopicAuthorizationFailed)
}

// TestAWaitThatKeepsItsRightsSeesEveryChange: changes that cost it nothing do not hide the one that does.
func TestAWaitThatKeepsItsRightsSeesEveryChange(t *testing.T) {
	r, waits, _ := newWaitingRig(t, nil)
	witness, c := r.dial(), r.dial()
	id := c.ask(beat("lost"), 4)
	<-waits
	var denied []string
	for i := range 3 {
		topic := fmt.Sprint("other", i)
		seen := witness.ask(beat(topic), 4)
		<-waits
		denied = append(denied, topic)
		r.rules.deny(denied...)
		r.server.RulesChanged()
		witness.gets(seen, wire.TopicAuthorizationFailed)
	}
	r.rules.deny(append(denied, "lost")...)
	r.server.RulesChanged()
	c.gets(id, wire.TopicAuthorizationFailed)
}

// denyOnce changes the rules when the first denial is told of.
type denyOnce struct {
	*record
	rules *rules
	once  sync.Once
}

func (d *denyOnce) Denied(*api.Call, authz.Need, authz.Decision, int) {
	d.once.Do(func() { d.rules.deny("more", "lost") })
}

// TestAChangeBetweenTheDecisionAndTheWait: the request does not wait at all, though the search for what waits may have missed it.
func TestAChangeBetweenTheDecisionAndTheWait(t *testing.T) {
	r, _, _ := newWaitingRig(t, func(cfg *Config) {
		known := cfg.Authorizer.(*rules)
		known.deny("more")
		cfg.Recorder = &denyOnce{record: cfg.Recorder.(*record), rules: known}
	})
	r.heartbeat = func(ctx context.Context, c *api.Call) api.Answer {
		if ctx.Err() == nil {
			t.Error("it waits by a right that it has no longer")
		}
		return api.Now(c.Request.ResponseKind())
	}
	c := r.dial()
	c.gets(c.ask(beat("lost"), 4), wire.TopicAuthorizationFailed)
}

// TestAnOlderViewEndsNoWait: who has looked at the rules before they let a request in takes nothing from it.
func TestAnOlderViewEndsNoWait(t *testing.T) {
	r := &rules{}
	r.deny("topic")
	older := r.Pin()
	r.deny()
	needs := authz.Needs{All: []authz.Need{{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "topic"}}}}
	granted, _ := authz.Grant(r.Pin(), authz.Subject{}, needs)
	c := &conn{ctx: t.Context()}
	c.beginTurn()
	c.waiting.granted.Store(granted)
	c.waiting.holdTo(older)
	if c.waiting.turn.Load().ctx.Err() != nil || c.waiting.granted.Load() != granted {
		t.Error("the wait has ended")
	}
	r.deny("topic")
	c.waiting.holdTo(r.Pin())
	if c.waiting.turn.Load().ctx.Err() == nil || c.waiting.granted.Load().Refused() == nil {
		t.Error("the wait goes on")
	}
}

// manyWaiting is a server with connections whose requests wait, each of a principal with an ACL of his own, and its authorizer.
func manyWaiting(tb testing.TB, n int) (*Server, *acl.Authorizer) {
	tb.Helper()
	bindings := make([]authz.Binding, n)
	for i := range bindings {
		bindings[i] = authz.Binding{
			Type: authz.Topic, Name: "topic", Pattern: authz.Literal, Principal: fmt.Sprintf("User:u%d", i), Host: "*", Operation: authz.Read, Permission: authz.Allow,
		}
	}
	a := acl.New(acl.Config{})
	a.Load(1, bindings)
	s := &Server{cfg: Config{Authorizer: a}, ctx: tb.Context(), conns: map[*conn]struct{}{}}
	needs := authz.Needs{Each: []authz.Need{{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "topic"}}}}
	for i := range n {
		c := &conn{ctx: tb.Context()}
		c.beginTurn()
		granted, _ := authz.Grant(a.Pin(), authz.Subject{Principal: auth.User(fmt.Sprintf("u%d", i)), Host: "10.0.0.1"}, needs)
		c.waiting.granted.Store(granted)
		s.conns[c] = struct{}{}
	}
	a.Apply(2, authz.BindingDelta{Removed: bindings[:1]})
	return s, a
}

// TestOneOfManyIsWoken: the others cost no memory, not even for a moment.
func TestOneOfManyIsWoken(t *testing.T) {
	s, a := manyWaiting(t, 1000)
	ended := func() (n int) {
		for c := range s.conns {
			if c.waiting.turn.Load().ctx.Err() != nil {
				n++
			}
		}
		return n
	}
	if s.holdWaiting(); ended() != 1 {
		t.Errorf("%d waits have ended", ended())
	}
	view, all := a.Pin(), s.allWaiting()
	if perRun := testing.AllocsPerRun(10, func() {
		for _, c := range all {
			c.waiting.holdTo(view)
		}
	}); perRun > 0 {
		t.Errorf("%g allocations", perRun)
	}
}

// BenchmarkHoldWaiting is a change of the rules while 10,000 requests wait.
func BenchmarkHoldWaiting(b *testing.B) {
	s, _ := manyWaiting(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		s.holdWaiting()
	}
}
