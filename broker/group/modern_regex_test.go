package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

func (h *harness) regexConsumer(id, pattern string) *consumer {
	c := h.consumer(id)
	c.pattern = &pattern
	return c
}

func matching(pattern string, topics ...string) *Matches {
	return &Matches{ByRegex: map[string][]string{pattern: topics}}
}

func TestARegexIsResolvedByItsMembers(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.regexConsumer("a", "t.*"), h.regexConsumer("b", "t.*")
	expectCode(t, "a joins", a.heartbeat(), wire.None)
	if a.count() != 0 || a.epoch != 1 || !slices.Equal(a.due, []string{"t.*"}) {
		t.Fatalf("before anything is matched: %v at epoch %d, due %v", a.has, a.epoch, a.due)
	}
	b.matches = matching("t.*", "t1")
	b.heartbeat()
	b.matches = nil
	h.beats(a, b)
	if a.count() != 2 || b.count() != 2 || a.due != nil {
		t.Fatalf("a has %v, b has %v", a.has, b.has)
	}
	h.reload(testConfig())
	h.beats(a, b)
	if a.count() != 2 || b.count() != 2 {
		t.Fatalf("after a restart a has %v, b has %v", a.has, b.has)
	}
}

func TestARegexIsDueAgain(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.regexConsumer("a", "t.*")
	a.matches = matching("t.*", "t1")
	h.beats(a)
	a.matches = nil
	again := func(what string) {
		t.Helper()
		h.pass(11 * time.Second)
		h.beats(a)
		h.pass(11 * time.Second)
		a.heartbeat()
		if !slices.Equal(a.due, []string{"t.*"}) {
			t.Fatalf("%s: due is %v", what, a.due)
		}
		a.heartbeat()
		if a.due != nil {
			t.Fatalf("%s: due again at once", what)
		}
		a.matches = matching("t.*", "t1", "t2")
		h.beats(a)
		a.matches = nil
		h.pass(11 * time.Second)
		if a.heartbeat(); a.due != nil {
			t.Fatalf("%s: due after it was resolved", what)
		}
	}
	h.topics = topicsOf(2, map[string]int32{"t1": 4, "t2": 4, "t3": 1})
	again("other topics")
	a.rights = 7
	again("other rights")
	for range 30 {
		h.pass(20 * time.Second)
		a.heartbeat()
		if a.due != nil {
			break
		}
	}
	if !slices.Equal(a.due, []string{"t.*"}) {
		t.Fatal("never due again")
	}
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3}, "t2": {0, 1, 2, 3}})
}

func TestARegexThatNobodyHasIsForgotten(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.regexConsumer("a", "t.*"), h.consumer("b", "t2")
	a.matches = matching("t.*", "t1")
	h.beats(a, b)
	change := a.request()
	none := ""
	change.SubscribedTopicRegex, change.Matches = &none, nil
	a.ask(change)
	a.has, a.matches = a.assigned, nil
	h.beats(a, b)
	if len(h.m.modern["g"].resolved) != 0 || a.count() != 0 {
		t.Fatalf("left is %v; a has %v", h.m.modern["g"].resolved, a.has)
	}
	if a.leave(-1); len(h.m.modern["g"].patterns) != 0 {
		t.Fatalf("left is %v", h.m.modern["g"].patterns)
	}
}

func TestARegexWithTooManyTopicsIsRefused(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.regexConsumer("a", "t.*")
	a.matches = matching("t.*", make([]string, 2000)...)
	expectCode(t, "join", a.heartbeat(), wire.InvalidRegularExpression)
	a.matches = matching("t.*", "t1")
	h.beats(a)
	late := a.request()
	late.Matches = matching("t.*", make([]string, 2000)...)
	if _, code := a.ask(late); code != wire.None {
		t.Fatalf("a refresh: %s", wire.CodeName(code))
	}
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3}})
}

// A group may have many regular expressions. One heartbeat looks for some of them, and each has its turn, whether or not those before
// it can be resolved.
func TestRegexesAreDueInTurn(t *testing.T) {
	cfg := testConfig()
	cfg.Consumer.MaxSize = 3 * maxDueRegexes
	h := newHarness(t, cfg)
	seen := map[string]int{}
	var last *consumer
	for i := range 3*maxDueRegexes - 1 {
		last = h.regexConsumer(fmt.Sprintf("m%03d", i), fmt.Sprintf("t%03d", i))
		expectCode(t, last.id, last.heartbeat(), wire.None)
	}
	for range 3 {
		h.pass(regexPause)
		expectCode(t, last.id, last.heartbeat(), wire.None)
		if len(last.due) > maxDueRegexes {
			t.Fatalf("%d are due at once", len(last.due))
		}
		for _, pattern := range last.due {
			seen[pattern]++
		}
	}
	if len(seen) != 3*maxDueRegexes-1 {
		t.Fatalf("%d regular expressions had their turn", len(seen))
	}
	last.leave(-1)
	if lookups := h.m.modern["g"].lookups; len(lookups) != 3*maxDueRegexes-2 {
		t.Fatalf("%d are remembered", len(lookups))
	}
}

// Members that may see different topics, and bring the same regular expression again and again, do not turn the assignment round.
func TestMembersOfOtherRightsKeepWhatARegexMatches(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.regexConsumer("a", "t.*"), h.regexConsumer("b", "t.*")
	a.matches, b.matches = matching("t.*", "t1", "t2"), matching("t.*", "t1")
	h.beats(a, b)
	epoch := h.describeModern().Epoch
	for range 3 {
		h.beats(a, b)
	}
	if now := h.describeModern().Epoch; now != epoch || a.count()+b.count() != 8 {
		t.Fatalf("from epoch %d to %d; a has %v, b has %v", epoch, now, a.has, b.has)
	}
}
