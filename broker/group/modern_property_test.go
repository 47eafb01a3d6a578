package group

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/broker/wire"
)

// TestNoPartitionIsUsedTwice lets consumers join, leave, come back, give back late and miss answers, while topics change, disks are slow
// and the coordinator restarts at any record that was not confirmed. No partition is ever used by two of them, epochs never go back, and
// when all are left in peace each partition is used by one.
func TestNoPartitionIsUsedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := testConfig()
		cfg.Consumer.MaxSize = 4
		h := newHarness(t, cfg)
		h.manual = true
		w := &world{h: h, cfg: cfg}
		h.topics = topicsOf(1, map[string]int32{"t1": 4, "t2": 3})
		for i := range 5 {
			c := h.consumer(fmt.Sprint("c", i), "t1")
			switch i {
			case 3, 4:
				c.instance = &c.id
				same := fmt.Sprint("i", i)
				c.instance = &same
			case 2:
				pattern := "t.*"
				c.pattern = &pattern
			}
			w.clients = append(w.clients, &worldClient{consumer: c, whole: true})
		}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			w.act(t)
			w.check(t)
		}
		w.peace(t)
	})
}

// world is the consumers of a property test, and what is known of their coordinator.
type world struct {
	h       *harness
	cfg     Config
	clients []*worldClient
	names   int
	// confirmed counts the records that are on the disk for good.
	confirmed         int
	epoch, assignment int32
}

// worldClient is a consumer with one request under way at a time.
type worldClient struct {
	*consumer
	ticket uint64
	// whole says that the next request has to tell everything.
	whole bool
}

func (w *world) act(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	switch rapid.IntRange(0, 13).Draw(t, "what") {
	case 0, 1, 2, 3:
		w.send(t, c)
	case 4, 5:
		// Who has said what it has does not take more before it has the answer: the coordinator may give that to another.
		if c.ticket == 0 && !c.whole {
			c.has = c.assigned
		}
	case 6, 7, 8:
		w.confirm(w.h.seq)
	case 9:
		c.topics = rapid.SampledFrom([][]string{{"t1"}, {"t1", "t2"}, {}}).Draw(t, "topics")
		c.whole = true
	case 10:
		w.leave(t, c)
	case 11:
		w.h.topics = topicsOf(w.h.topics.version+1, map[string]int32{
			"t1": rapid.Int32Range(1, 5).Draw(t, "t1"), "t2": rapid.Int32Range(1, 5).Draw(t, "t2"),
		})
	case 12:
		w.pass(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
	case 13:
		w.crash(t)
	}
	w.learn(rapid.IntRange(0, 5).Draw(t, "lose") == 0)
}

func (w *world) send(t *rapid.T, c *worldClient) {
	if c.ticket != 0 {
		return
	}
	c.rights, c.matches = 0, nil
	if c.pattern != nil && rapid.Bool().Draw(t, "resolve") {
		c.matches = matching(*c.pattern, rapid.SampledFrom([][]string{{"t1"}, {"t1", "t2"}}).Draw(t, "matches")...)
	}
	q := c.request()
	if c.whole {
		q.RebalanceTimeoutMillis, q.SubscribedTopicNames, q.SubscribedTopicRegex = 20_000, append([]string{}, c.topics...), c.pattern
		c.whole = false
	}
	c.ticket = w.h.ask(q)
}

// leave ends a consumer, cleanly or without a word. In its place comes another, which may be the same static member.
func (w *world) leave(t *rapid.T, c *worldClient) {
	if rapid.Bool().Draw(t, "cleanly") && c.ticket == 0 {
		epoch := int32(-1)
		if c.instance != nil {
			epoch = rapid.Int32Range(-2, -1).Draw(t, "for now")
		}
		q := c.request()
		q.MemberEpoch, q.BeatRequest.Topics = epoch, nil
		w.h.ask(q)
	}
	w.names++
	c.id, c.epoch, c.has, c.assigned, c.ticket, c.whole = fmt.Sprint("n", w.names), 0, nil, nil, 0, true
}

func (w *world) confirm(seq uint64) {
	if seq > 0 {
		w.h.step(Appended{Seq: seq})
	}
	w.confirmed = len(w.h.log)
}

// pass lets time go by. Who is not heard of in time knows it as well as the coordinator.
func (w *world) pass(d time.Duration) {
	w.h.pass(d)
	g := w.h.m.modern["g"]
	for _, c := range w.clients {
		if g == nil || g.members[c.id] == nil {
			c.restart()
		}
	}
}

// restart is a consumer that gives up what it has and joins anew.
func (c *worldClient) restart() { c.epoch, c.has, c.assigned, c.ticket, c.whole = 0, nil, nil, 0, true }

// crash loses some of what was not confirmed, and every answer that is on its way.
func (w *world) crash(t *rapid.T) {
	w.h.log = w.h.log[:rapid.IntRange(w.confirmed, len(w.h.log)).Draw(t, "records")]
	w.h.reload(w.cfg)
	w.confirmed = len(w.h.log)
	w.epoch, w.assignment = 0, 0
	for _, c := range w.clients {
		if c.ticket != 0 {
			c.ticket, c.whole = 0, true
		}
	}
}

// learn lets the consumers read what they were answered, or lose it.
func (w *world) learn(lose bool) {
	for _, c := range w.clients {
		reply, answered := w.h.replies[c.ticket]
		if c.ticket == 0 || !answered {
			continue
		}
		c.ticket = 0
		answer, _ := reply.Answer.(*BeatAnswer)
		switch {
		case lose:
			c.whole = true
		case answer != nil:
			c.learn(answer)
		case reply.Code == wire.GroupMaxSizeReached, reply.Code == wire.UnreleasedInstanceID:
		default:
			c.restart()
		}
	}
}

func (w *world) check(t *rapid.T) {
	g := w.h.m.modern["g"]
	if g == nil {
		return
	}
	if g.epoch < w.epoch || g.assignmentEpoch < w.assignment || g.assignmentEpoch > g.epoch {
		t.Fatalf("from epochs %d and %d to %d and %d", w.epoch, w.assignment, g.epoch, g.assignmentEpoch)
	}
	w.epoch, w.assignment = g.epoch, g.assignmentEpoch
	users := map[string]string{}
	for _, c := range w.clients {
		for topic, partitions := range c.has {
			for _, p := range partitions {
				key := fmt.Sprint(topic, "-", p)
				if other := users[key]; other != "" {
					t.Fatalf("%s is used by %s and by %s", key, other, c.id)
				}
				users[key] = c.id
			}
		}
	}
	for id, mb := range g.members {
		if _, timed := w.h.m.timers.byKey[timerKey{sessionTimer, "g", id}]; !timed {
			t.Fatalf("nobody watches %s", id)
		}
		if mb.epoch > g.epoch {
			t.Fatalf("%s is at epoch %d, and the group at %d", id, mb.epoch, g.epoch)
		}
	}
}

// peace lets everybody send heartbeats until nothing changes any more.
func (w *world) peace(t *rapid.T) {
	h := w.h
	for round := range 30 {
		if round == 2 {
			w.pass(50 * time.Second)
		}
		for _, c := range w.clients[:4] {
			c.matches = nil
			w.confirm(h.seq)
			w.learn(false)
			if c.pattern != nil {
				c.matches = matching(*c.pattern, "t1")
			}
			if c.ticket == 0 {
				q := c.request()
				c.ticket = h.ask(q)
			}
			w.confirm(h.seq)
			w.learn(false)
			c.has = c.assigned
			w.check(t)
		}
	}
	w.checkPeace(t)
}

func (w *world) checkPeace(t *rapid.T) {
	if state := w.h.modernState(); state != "Stable" {
		t.Fatalf("the group is %s: %+v", state, w.h.describeModern())
	}
	count := map[string]int{}
	subscribed := map[string]struct{}{}
	for _, c := range w.clients[:4] {
		topics := slices.Clone(c.topics)
		if c.pattern != nil {
			topics = append(topics, "t1")
		}
		for _, topic := range topics {
			subscribed[topic] = struct{}{}
		}
		for topic, partitions := range c.has {
			count[topic] += len(partitions)
		}
	}
	for topic := range subscribed {
		if state, _ := w.h.topics.ByName(topic); count[topic] != int(state.Partitions) {
			t.Fatalf("%d of %d partitions of %s are used: %+v", count[topic], state.Partitions, topic, w.h.describeModern())
		}
	}
}

// TestReplayOfAnyPrefixOfAConsumerGroup restarts after every record: whatever is there is taken, and the group goes on.
func TestReplayOfAnyPrefixOfAConsumerGroup(t *testing.T) {
	h := newHarness(t, testConfig())
	a, s := h.regexConsumer("a", "t.*"), h.staticConsumer("s", "i", "t1", "t2")
	a.matches = matching("t.*", "t1")
	h.beats(a, s)
	s.leave(-2)
	back := h.staticConsumer("s2", "i", "t1")
	h.beats(a, back)
	a.leave(-1)
	back.leave(-1)
	log := h.log
	for n := range len(log) + 1 {
		h.log = log[:n]
		h.reload(testConfig())
		next := h.consumer("next", "t2")
		h.pass(50 * time.Second)
		h.beats(next)
		expectHas(t, next, map[string][]int32{"t2": {0, 1, 2, 3}})
	}
}
