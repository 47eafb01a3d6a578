package group

import (
	"testing"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestAnAssignmentLooksEachTopicUpOnce(t *testing.T) {
	h := newHarness(t, testConfig())
	expectCode(t, "x joins", h.consumer("x", "t2").heartbeat(), wire.None)
	clear(h.topics.looks)
	expectCode(t, "y joins", h.consumer("y", "t1").heartbeat(), wire.None)
	if got := h.topics.looks["t2"]; got != 1 {
		t.Fatalf("the topic of another member was looked up %d times", got)
	}
}
