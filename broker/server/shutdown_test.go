package server

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
)

// startShutdown begins a shutdown and returns where its result comes, once the server has begun to drain.
func (r *rig) startShutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.server.Shutdown(ctx) }()
	r.until(func() bool { return r.server.draining })
	return done
}

func TestShutdownDrains(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	begun, release := make(chan struct{}), make(chan struct{})
	later := func(c *api.Call) func(context.Context) kmsg.Response {
		return func(context.Context) kmsg.Response {
			<-release
			return c.Request.ResponseKind()
		}
	}
	r.produce = func(_ context.Context, c *api.Call) api.Answer {
		defer close(begun)
		return api.Answer{Later: later(c)}
	}
	idle, half, busy := r.dial(), r.dial(), r.dial()
	idle.call(kmsg.NewPtrMetadataRequest(), 12)
	half.call(kmsg.NewPtrMetadataRequest(), 12)
	half.write([]byte{0, 0})
	id := busy.ask(kmsg.NewPtrProduceRequest(), 9)
	<-begun
	address := r.server.Addr("TEST").String()
	done := r.startShutdown(context.Background())
	idle.closed()
	half.closed()
	if nc, err := net.Dial("tcp", address); err == nil {
		_ = nc.Close()
		t.Error("a draining server accepts connections")
	}
	close(release)
	busy.get(id, inVersion(kmsg.NewPtrProduceResponse(), 9))
	busy.closed()
	if err := <-done; err != nil {
		t.Errorf("drained: %v", err)
	}
}

func TestShutdownCancelsWhatDoesNotEnd(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	begun := make(chan struct{})
	r.heartbeat = func(ctx context.Context, c *api.Call) api.Answer {
		close(begun)
		<-ctx.Done()
		return api.Now(c.Request.ResponseKind())
	}
	c := r.dial()
	c.ask(kmsg.NewPtrHeartbeatRequest(), 4)
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := r.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	c.closed()
}

func TestClientThatLeavesCancelsItsRequests(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	waiting, cancelled := make(chan struct{}), make(chan struct{})
	r.produce = func(_ context.Context, c *api.Call) api.Answer {
		return api.Answer{Later: func(ctx context.Context) kmsg.Response {
			close(waiting)
			<-ctx.Done()
			close(cancelled)
			return c.Request.ResponseKind()
		}}
	}
	c := r.dial()
	c.ask(kmsg.NewPtrProduceRequest(), 9)
	<-waiting
	if err := c.nc.Close(); err != nil {
		t.Fatal(err)
	}
	<-cancelled
	r.until(func() bool { return len(r.server.conns) == 0 })
	r.server.budget.mu.Lock()
	defer r.server.budget.mu.Unlock()
	if r.server.budget.free != r.server.budget.total {
		t.Errorf("%d of %d bytes are free at rest", r.server.budget.free, r.server.budget.total)
	}
}

func TestStartIsAllOrNothing(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	cfg := r.server.cfg
	cfg.Listeners = []Listener{
		{Name: "A", Addr: "127.0.0.1:0", Protocol: Plaintext},
		{Name: "B", Addr: r.server.Addr("TEST").String(), Protocol: Plaintext},
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("started on an address in use")
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
