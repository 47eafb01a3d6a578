package server

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/limit"
)

// TestHostileInputStallsNobody opens every kind of bad connection at once, and then serves another client as ever.
func TestHostileInputStallsNobody(t *testing.T) {
	r := newRig(t, saslListener(), func(cfg *Config) { cfg.Limits.Login = 300 * time.Millisecond })
	good := r.dial().logIn("alice")
	rng := rand.New(rand.NewPCG(7, 7))
	hostile := [][]byte{
		{},                          // nothing at all
		{0, 0},                      // half a prefix
		{0x7f, 0xff, 0xff, 0xff},    // 2 GiB
		{0xff, 0xff, 0xff, 0xff, 1}, // negative
		{0, 1, 0, 0, 0, 18, 0, 3},   // half a frame
		{0, 0, 0, 0},                // an empty frame
		{0, 0, 0, 10, 0, 18, 0, 3, 0, 0, 0, 1, 0x7f, 0xff},                           // a client id beyond the end
		append([]byte{0, 0, 0, 14, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff}, 1, 2, 3, 4), // bytes after the body
		[]byte("GET / HTTP/1.1\r\n\r\n"),
		{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03},
	}
	for range 20 {
		b := make([]byte, rng.IntN(200))
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		hostile = append(hostile, b)
	}
	var clients []*client
	for _, b := range hostile {
		c := r.dial()
		c.write(b)
		clients = append(clients, c)
		good.call(kmsg.NewPtrMetadataRequest(), 12)
	}
	for _, c := range clients {
		c.closed()
	}
	good.call(kmsg.NewPtrMetadataRequest(), 12)
}

func TestFrameLimits(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	before := r.dial()
	before.write(binary.BigEndian.AppendUint32(nil, limit.FrameBeforeLogin+1))
	before.closed()
	after := r.dial().logIn("alice")
	after.write(binary.BigEndian.AppendUint32(nil, limit.FrameAfterLogin+1))
	after.closed()
}

// TestRowSizeIsCheckedOnceTheAPIIsKnown sends the first step of a frame that its API does not allow.
func TestRowSizeIsCheckedOnceTheAPIIsKnown(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	c := r.dial()
	head := binary.BigEndian.AppendUint32(nil, 2<<20)
	head = append(head, 0, 3, 0, 12, 0, 0, 0, 1)
	c.write(append(head, make([]byte, limit.FrameStep)...))
	c.closed()
}

func TestLargeFrames(t *testing.T) {
	r := newRig(t, plainListener(), nil)
	c := r.dial()
	produce := kmsg.NewPtrProduceRequest()
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "t"
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = make([]byte, 5<<20)
	topic.Partitions = append(topic.Partitions, partition)
	produce.Topics = append(produce.Topics, topic)
	c.call(produce, 9)
	c.call(produce, 9)
}

func TestTooManyRequestsBeforeLogIn(t *testing.T) {
	c := newRig(t, saslListener(), nil).dial()
	for range limit.FramesBeforeLogin {
		c.call(kmsg.NewPtrApiVersionsRequest(), 3)
	}
	c.closed()
}

func TestLogInHasToEndInTime(t *testing.T) {
	r := newRig(t, saslListener(), func(cfg *Config) { cfg.Limits.Login = 50 * time.Millisecond })
	c := r.dial()
	c.call(kmsg.NewPtrApiVersionsRequest(), 3)
	c.handshake("TEST", 1)
	c.closed()
	if f := r.record.lastFailure(t); f.Method != "TEST" {
		t.Errorf("recorded %+v", f)
	}
}

func TestIdleConnectionsClose(t *testing.T) {
	r := newRig(t, plainListener(), func(cfg *Config) { cfg.Limits.Idle = 50 * time.Millisecond })
	c := r.dial()
	c.call(kmsg.NewPtrMetadataRequest(), 12)
	c.closed()
}

func TestConnectionLimits(t *testing.T) {
	for name, limits := range map[string]Limits{
		"in all":      {Connections: 2},
		"per address": {ConnectionsPerAddress: 2},
		"override":    {ConnectionsPerAddress: 100, PerAddress: map[netip.Addr]int{netip.MustParseAddr("127.0.0.1"): 2}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, plainListener(), func(cfg *Config) { cfg.Limits = limits })
			first, second := r.dial(), r.dial()
			first.call(kmsg.NewPtrMetadataRequest(), 12)
			second.call(kmsg.NewPtrMetadataRequest(), 12)
			r.dial().closed()
			if err := first.nc.Close(); err != nil {
				t.Fatal(err)
			}
			r.until(func() bool { return len(r.server.conns) == 1 })
			r.dial().call(kmsg.NewPtrMetadataRequest(), 12)
		})
	}
}

// until waits for a condition of the server's state.
func (r *rig) until(holds func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		r.server.mu.Lock()
		ok := holds()
		r.server.mu.Unlock()
		if ok {
			return
		}
		<-tick.C
	}
	r.t.Fatal("the condition did not come to hold")
}

// TestStrangersUseUpNoMemoryOfClients has the budget of strangers used up, and lets a client work and another log in.
func TestStrangersUseUpNoMemoryOfClients(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	if err := r.server.strangers.take(context.Background(), limit.BytesBeforeLogin); err != nil {
		t.Fatal(err)
	}
	c := r.dial().logIn("alice")
	c.call(kmsg.NewPtrMetadataRequest(), 12)
	r.server.strangers.giveBack(limit.BytesBeforeLogin)
	if err := c.nc.Close(); err != nil {
		t.Fatal(err)
	}
	r.until(func() bool { return len(r.server.conns) == 0 })
	for name, b := range map[string]*budget{"clients": r.server.budget, "strangers": r.server.strangers} {
		if b.free != b.total {
			t.Errorf("%s: %d of %d bytes are free at rest", name, b.free, b.total)
		}
	}
}

// TestLargeFramesStallNoSmallOnes: who sends large frames slowly holds the memory for requests, and heartbeats go on.
func TestLargeFramesStallNoSmallOnes(t *testing.T) {
	r := newRig(t, plainListener(), func(cfg *Config) { cfg.Limits.BytesInFlight = 1 << 20 })
	slow := r.dial()
	head := binary.BigEndian.AppendUint32(nil, 20<<20)
	head = append(head, 0, 0, 0, 9, 0, 0, 0, 1)
	slow.write(append(head, make([]byte, 640<<10)...))
	r.until(func() bool { return r.server.budget.left() == 0 })
	small := r.dial()
	small.call(kmsg.NewPtrMetadataRequest(), 12)
	small.call(kmsg.NewPtrHeartbeatRequest(), 4)
}

func TestRevokedSessionsClose(t *testing.T) {
	r := newRig(t, saslListener(), nil)
	alice, bob := r.dial().logIn("alice"), r.dial().logIn("bob")
	n := r.server.CloseSessions("user deleted", func(s *auth.Session) bool { return s.Principal.Name == "alice" })
	if n != 1 {
		t.Errorf("%d connections were closed", n)
	}
	alice.closed()
	bob.call(kmsg.NewPtrMetadataRequest(), 12)
	r.recorded(func(told *record) bool { return slices.Equal(told.ended, []string{"revoked: user deleted"}) })
}
