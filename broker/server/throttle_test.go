package server

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
)

// fixedQuotas hold everybody back for the same time.
type fixedQuotas struct {
	request, connection time.Duration
	free                atomic.Int32 // connections that are let in first
	took                atomic.Int64 // the longest time of a request
	served              atomic.Int32
}

func (q *fixedQuotas) LimitsRequests() bool { return true }

func (q *fixedQuotas) Served(user, clientID string, took time.Duration) time.Duration {
	if user != "ANONYMOUS" || clientID != "test" {
		return 0
	}
	q.took.Store(max(q.took.Load(), int64(took)))
	q.served.Add(1)
	return q.request
}

func (q *fixedQuotas) Connected(netip.Addr) time.Duration {
	if q.free.Add(-1) >= 0 {
		return 0
	}
	return q.connection
}

func throttledRig(t *testing.T, q *fixedQuotas) *rig {
	t.Helper()
	q.free.Add(1)
	return newRig(t, plainListener(), func(c *Config) { c.Quotas = q })
}

// TestAThrottledConnectionIsNotRead: the answer comes at once and says for how long, and what is asked meanwhile stays unread. A
// shutdown does not wait for it.
func TestAThrottledConnectionIsNotRead(t *testing.T) {
	q := &fixedQuotas{request: time.Hour}
	r := throttledRig(t, q)
	c := r.dial()
	first := c.ask(kmsg.NewPtrHeartbeatRequest(), 4)
	c.ask(kmsg.NewPtrHeartbeatRequest(), 4)
	answer := kmsg.NewPtrHeartbeatResponse()
	answer.SetVersion(4)
	c.get(first, answer)
	if time.Duration(answer.ThrottleMillis)*time.Millisecond != time.Hour {
		t.Errorf("the answer says %d ms", answer.ThrottleMillis)
	}
	if err := <-r.startShutdown(t.Context()); err != nil {
		t.Error(err)
	}
	c.closed()
	if n := q.served.Load(); n != 1 {
		t.Errorf("%d requests were served", n)
	}
}

func TestAThrottledConnectionGoesOn(t *testing.T) {
	r := throttledRig(t, &fixedQuotas{request: time.Millisecond})
	c := r.dial()
	for range 3 {
		if got := c.call(kmsg.NewPtrHeartbeatRequest(), 4).(*kmsg.HeartbeatResponse).ThrottleMillis; got != 1 {
			t.Errorf("the answer says %d ms", got)
		}
	}
}

// TestTheLongerThrottleCounts: that of the handler, which comes with an answer that is not ready yet.
func TestTheLongerThrottleCounts(t *testing.T) {
	r := throttledRig(t, &fixedQuotas{request: time.Millisecond})
	r.produce = func(_ context.Context, c *api.Call) api.Answer {
		return api.Answer{
			Throttle: 2 * time.Millisecond,
			Later:    func(context.Context) kmsg.Response { return c.Request.ResponseKind() },
		}
	}
	if got := r.dial().call(kmsg.NewPtrProduceRequest(), 9).(*kmsg.ProduceResponse).ThrottleMillis; got != 2 {
		t.Errorf("the answer says %d ms", got)
	}
}

// TestWaitingIsNoTimeOfARequest charges a request that came two hours ago and has waited for one.
func TestWaitingIsNoTimeOfARequest(t *testing.T) {
	q := &fixedQuotas{request: time.Second}
	c := &conn{server: &Server{cfg: Config{Quotas: q}}}
	x := &exchange{
		row: &api.Row{Key: 12}, began: time.Now().Add(-2 * time.Hour),
		call: &api.Call{ClientID: "test", Session: &auth.Session{Principal: auth.User("ANONYMOUS")}},
	}
	c.charge(x, time.Hour)
	if took := time.Duration(q.took.Load()); took < time.Hour || took > 90*time.Minute || x.answer.Throttle != time.Second {
		t.Errorf("it took %v, and its client is held back for %v", took, x.answer.Throttle)
	}
}

// TestConnectionsOverTheirRateAreTurnedAway holds the second connection of an address, and ends it with the shutdown at the latest.
func TestConnectionsOverTheirRateAreTurnedAway(t *testing.T) {
	r := throttledRig(t, &fixedQuotas{connection: time.Hour})
	first, second := r.dial(), r.dial()
	first.call(kmsg.NewPtrHeartbeatRequest(), 4)
	r.until(func() bool { return r.server.delayed == 1 })
	if r.server.perAddr[netip.MustParseAddr("127.0.0.1")] != 2 {
		t.Error("a connection that is held does not count for its address")
	}
	if err := <-r.startShutdown(t.Context()); err != nil {
		t.Error(err)
	}
	second.closed()
	if r.server.delayed != 0 || len(r.server.perAddr) != 0 {
		t.Errorf("%d connections are held, of addresses %v", r.server.delayed, r.server.perAddr)
	}
}

func TestConnectionsOverTheirRateEndSoon(t *testing.T) {
	r := throttledRig(t, &fixedQuotas{connection: time.Millisecond})
	r.dial().call(kmsg.NewPtrHeartbeatRequest(), 4)
	r.dial().closed()
}
