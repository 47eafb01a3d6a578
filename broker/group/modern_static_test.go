package group

import (
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
