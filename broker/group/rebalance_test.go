package group

import (
	"testing"
	"time"
)

// Static members outlive a rebalance to which nobody comes. The next try has to wait, whatever time they ask for, or the coordinator
// would try for ever.
func TestARebalanceToWhichNobodyComesWaits(t *testing.T) {
	h := newHarness(t, testConfig())
	s, d := h.staticClient("s", "i"), h.client("d")
	h.stableGroup(s, d)
	again := s.joinRequest()
	again.MemberID, again.RebalanceTimeoutMillis = "", 0
	s.joined(h.ask(again))
	h.leave(leaving(d))
	h.pass(5 * time.Second)
	if state := h.state(); state != "PreparingRebalance" {
		t.Fatalf("the group is %s", state)
	}
	h.pass(6 * time.Second)
	if state := h.state(); state != "Empty" {
		t.Fatalf("after the last session the group is %s", state)
	}
}
