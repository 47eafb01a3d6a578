package group

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/wire"
)

// A member that takes over an instance id leaves what it had under another name, or without one: what it owned is free.
func TestAMemberTakesTheInstanceOfAnother(t *testing.T) {
	h := newHarness(t, testConfig())
	x, s, b := h.staticConsumer("x", "other", "t2"), h.staticConsumer("s", "i", "t1"), h.consumer("b", "t1", "t2")
	h.beats(x, s)
	expectCode(t, "s leaves for now", s.leave(-2), wire.None)
	x.instance, x.epoch, x.topics, x.has, x.assigned = s.instance, 0, []string{"t1"}, nil, nil
	h.beats(x, b)
	expectHas(t, b, map[string][]int32{"t2": {0, 1, 2, 3}})
	expectHas(t, x, map[string][]int32{"t1": {0, 1, 2, 3}})
	g := h.m.modern["g"]
	if len(g.static) != 1 || g.static["i"] != "x" || g.names["t1"] != 2 || g.names["t2"] != 1 {
		t.Fatalf("instances %v, names %v", g.static, g.names)
	}
	h.reload(testConfig())
	h.beats(x, b)
	expectHas(t, b, map[string][]int32{"t2": {0, 1, 2, 3}})
}

// What a static member has told fits a record; with the id of who takes its place it has to fit one as well, or the log refuses it and
// the coordinator with all its groups is loaded again.
func TestAStaticMemberOfALargerIDFitsTheLog(t *testing.T) {
	cfg := testConfig()
	h := newHarness(t, cfg)
	s := h.staticConsumer("s", "i", strings.Repeat("x", 3000), "t1")
	h.beats(s)
	expectCode(t, "s leaves for now", s.leave(-2), wire.None)
	next := h.staticConsumer(strings.Repeat("m", 2000), "i", "t1")
	expectCode(t, "a larger id", next.heartbeat(), wire.InvalidRequest)
	for _, e := range h.log {
		if e.Size() > cfg.MaxAppendBytes {
			t.Fatalf("a record has %d bytes", e.Size())
		}
	}
	next.id = "n"
	h.beats(next)
	expectHas(t, next, map[string][]int32{"t1": {0, 1, 2, 3}})
}
