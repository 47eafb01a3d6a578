package group

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/consumerlog"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestAPartitionIsGivenOnAfterItWasGivenBack(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1"), h.consumer("b", "t1")
	expectCode(t, "a joins", a.heartbeat(), wire.None)
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3}})
	if a.epoch != 2 {
		t.Fatalf("the first member has epoch %d", a.epoch)
	}
	expectCode(t, "b joins", b.heartbeat(), wire.None)
	if b.count() != 0 || b.epoch != 3 {
		t.Fatalf("b has %v at epoch %d while a has all", b.has, b.epoch)
	}
	a.ask(a.request())
	if a.epoch != 2 || len(a.assigned["t1"]) != 2 {
		t.Fatalf("a is to keep %v at epoch %d", a.assigned, a.epoch)
	}
	b.heartbeat()
	if b.count() != 0 {
		t.Fatalf("b has %v before a has given it back", b.has)
	}
	a.has = a.assigned
	a.heartbeat()
	if a.epoch != 3 {
		t.Fatalf("a has given back and is at epoch %d", a.epoch)
	}
	b.heartbeat()
	if a.count() != 2 || b.count() != 2 || h.modernState() != "Stable" {
		t.Fatalf("a has %v, b has %v, the group is %s", a.has, b.has, h.modernState())
	}
	if r, _ := a.ask(a.request()); r.Assignment != nil || r.HeartbeatIntervalMillis != 5000 {
		t.Fatalf("nothing has changed, and the answer is %+v", r)
	}
}

func TestAMissedAnswerIsGivenAgain(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1"), h.consumer("b", "t1")
	a.heartbeat()
	b.heartbeat()
	a.heartbeat()
	again := *a
	expectCode(t, "the answer that is lost", a.heartbeat(), wire.None)
	if a.epoch != 3 || again.epoch != 2 {
		t.Fatalf("epochs %d and %d", a.epoch, again.epoch)
	}
	expectCode(t, "again", again.heartbeat(), wire.None)
	if again.epoch != 3 || again.count() != 2 {
		t.Fatalf("at epoch %d with %v", again.epoch, again.has)
	}
	stray := again
	stray.epoch, stray.has = 2, map[string][]int32{"t1": {0, 1, 2, 3}}
	expectCode(t, "with more than it was given", stray.heartbeat(), wire.FencedMemberEpoch)
	stray.epoch, stray.has = 4, nil
	expectCode(t, "from the future", stray.heartbeat(), wire.FencedMemberEpoch)
	stray.epoch = 0
	expectCode(t, "from the beginning", stray.heartbeat(), wire.None)
	if stray.epoch != 3 || stray.count() != 2 {
		t.Fatalf("after joining again: epoch %d, %v", stray.epoch, stray.has)
	}
}

func TestWhoMayNotBeat(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("a", "t1")
	a.epoch = 5
	expectCode(t, "no group", a.heartbeat(), wire.GroupIDNotFound)
	expectCode(t, "no group to leave", a.leave(-1), wire.GroupIDNotFound)
	a.epoch = 0
	s := h.staticConsumer("s", "i", "t1")
	h.beats(a, s)
	stranger := h.consumer("x", "t1")
	expectCode(t, "a stranger leaves", stranger.leave(-1), wire.UnknownMemberID)
	stranger.epoch = 2
	expectCode(t, "a stranger", stranger.heartbeat(), wire.UnknownMemberID)
	other := h.staticConsumer("y", "i", "t1")
	expectCode(t, "the instance is taken", other.heartbeat(), wire.UnreleasedInstanceID)
	other.epoch = 2
	expectCode(t, "the instance is another member's", other.heartbeat(), wire.FencedInstanceID)
	expectCode(t, "and can not be made to leave", other.leave(-1), wire.FencedInstanceID)
	nobody := h.staticConsumer("z", "j", "t1")
	nobody.epoch = 2
	expectCode(t, "an instance that is not there", nobody.heartbeat(), wire.UnknownMemberID)
	b, c := h.consumer("b", "t1"), h.consumer("c", "t1")
	b.heartbeat()
	expectCode(t, "one too many", c.heartbeat(), wire.GroupMaxSizeReached)
	wide := h.consumer("a", strings.Split(strings.Repeat("topic ", 1000), " ")...)
	for i := range wide.topics {
		wide.topics[i] += strings.Repeat("x", i)
	}
	expectCode(t, "a member that fits no record", wide.heartbeat(), wire.InvalidRequest)
	expectCode(t, "which changed nothing", a.heartbeat(), wire.None)
}

func TestAMemberWithoutIDIsGivenOne(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("", "t1")
	expectCode(t, "join", a.heartbeat(), wire.None)
	if a.id != "drawn" {
		t.Fatalf("its id is %q", a.id)
	}
}

func TestAStaticMemberIsBackInItsPlace(t *testing.T) {
	h := newHarness(t, testConfig())
	a, s := h.consumer("a", "t1"), h.staticConsumer("s", "i", "t1")
	h.beats(a, s)
	had, epoch := s.has, h.describeModern().Epoch
	expectCode(t, "leave for now", s.leave(-2), wire.None)
	a.heartbeat()
	back := h.staticConsumer("s2", "i", "t1")
	expectCode(t, "come back", back.heartbeat(), wire.None)
	expectHas(t, back, had)
	if d := h.describeModern(); d.Epoch != epoch || len(d.Members) != 2 {
		t.Fatalf("the group went from epoch %d to %+v", epoch, d)
	}
	old := *s
	old.epoch = 3
	expectCode(t, "the former self", old.heartbeat(), wire.FencedInstanceID)
	back.leave(-2)
	h.pass(46 * time.Second)
	if d := h.describeModern(); len(d.Members) != 0 || d.State != "Empty" {
		t.Fatalf("after its session: %+v", d)
	}
}

func TestAStaticMemberIsRepeatingItsJoin(t *testing.T) {
	h := newHarness(t, testConfig())
	s := h.staticConsumer("s", "i", "t1")
	s.heartbeat()
	s.epoch = 0
	expectCode(t, "join again", s.heartbeat(), wire.None)
	expectHas(t, s, map[string][]int32{"t1": {0, 1, 2, 3}})
}

func TestWhoIsNotHeardOfIsRemoved(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1"), h.consumer("b", "t1")
	h.beats(a, b)
	h.pass(40 * time.Second)
	a.heartbeat()
	h.pass(10 * time.Second)
	expectCode(t, "b", b.heartbeat(), wire.UnknownMemberID)
	h.beats(a)
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3}})
	expectCode(t, "a leaves", a.leave(-1), wire.None)
	if state := h.modernState(); state != "Empty" {
		t.Fatalf("the group is %s", state)
	}
}

func TestWhoDoesNotGiveBackIsRemoved(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1"), h.consumer("b", "t1")
	a.heartbeat()
	b.heartbeat()
	for range 6 {
		h.pass(9 * time.Second)
		a.ask(a.request())
		b.heartbeat()
	}
	if b.count() != 0 {
		t.Fatalf("b has %v", b.has)
	}
	h.pass(16 * time.Second)
	if _, code := a.ask(a.request()); code != wire.UnknownMemberID {
		t.Fatalf("a keeps what it has: %s", wire.CodeName(code))
	}
	h.beats(b)
	expectHas(t, b, map[string][]int32{"t1": {0, 1, 2, 3}})
}

func TestSubscriptionsAndTopicsChange(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("a", "t1", "missing")
	h.beats(a)
	h.topics = topicsOf(2, map[string]int32{"t1": 6, "t2": 4, "missing": 1})
	h.beats(a)
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3, 4, 5}, "missing": {0}})
	h.topics = topicsOf(3, map[string]int32{"t2": 4, "missing": 1})
	h.beats(a)
	expectHas(t, a, map[string][]int32{"missing": {0}})
	change := a.request()
	change.SubscribedTopicNames = []string{"t2", "t2"}
	if _, code := a.ask(change); code != wire.None {
		t.Fatalf("change: %s", wire.CodeName(code))
	}
	a.has = a.assigned
	h.beats(a)
	expectHas(t, a, map[string][]int32{"t2": {0, 1, 2, 3}})
	epoch := a.epoch
	h.topics = topicsOf(4, map[string]int32{"t2": 4, "another": 1})
	h.beats(a)
	if a.epoch != epoch {
		t.Fatalf("a topic of nobody's moved the group from %d to %d", epoch, a.epoch)
	}
}

func TestAssignmentsKeepTheirDistance(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1"), h.consumer("b", "t1")
	a.heartbeat()
	q := b.request()
	q.Settings.AssignmentInterval = time.Second
	b.ask(q)
	if state := h.modernState(); state != "Assigning" {
		t.Fatalf("the group is %s", state)
	}
	h.pass(time.Second)
	q = b.request()
	q.Settings.AssignmentInterval = time.Second
	b.ask(q)
	if state := h.modernState(); state != "Reconciling" {
		t.Fatalf("the group is %s", state)
	}
}

func TestTheAssignorOfTheMostIsTaken(t *testing.T) {
	h := newHarness(t, testConfig())
	a, b := h.consumer("a", "t1", "t2"), h.consumer("b", "t1", "t2")
	wanted := "range"
	a.assignor = &wanted
	h.beats(a, b)
	if d := h.describeModern(); d.AssignorName != "range" {
		t.Fatalf("the assignor is %q", d.AssignorName)
	}
	expectHas(t, a, map[string][]int32{"t1": {0, 1}, "t2": {0, 1}})
	expectHas(t, b, map[string][]int32{"t1": {2, 3}, "t2": {2, 3}})
}

func TestAnAssignmentThatFitsNoRecordIsRefused(t *testing.T) {
	h := newHarness(t, testConfig())
	h.topics = topicsOf(1, map[string]int32{"t1": 4, "huge": 2000})
	a := h.consumer("a", "huge")
	expectCode(t, "all of it", a.heartbeat(), wire.UnknownServerError)
	h.expectTrouble("g", "raise the topic's max.message.bytes")
	if state := h.modernState(); state != "Assigning" {
		t.Fatalf("the group is %s", state)
	}
	a.topics = []string{"t1"}
	h.beats(a)
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3}})
}

func TestAnAssignmentThatFailsKeepsItsDistance(t *testing.T) {
	h := newHarness(t, testConfig())
	h.topics = topicsOf(1, map[string]int32{"t1": 4, "huge": 2000})
	a := h.consumer("a", "huge")
	ask := func() int16 {
		q := a.request()
		q.Settings.AssignmentInterval = time.Second
		_, code := a.ask(q)
		return code
	}
	h.pass(time.Second)
	expectCode(t, "the first", ask(), wire.UnknownServerError)
	expectCode(t, "at once", ask(), wire.None)
	h.pass(time.Second)
	expectCode(t, "a second later", ask(), wire.UnknownServerError)
}

func TestAGroupIsDescribedAndListed(t *testing.T) {
	h := newHarness(t, testConfig())
	a, s := h.consumer("a", "t1"), h.staticConsumer("s", "i", "t1")
	h.beats(a, s)
	d := h.describeModern()
	if d.Epoch != 3 || d.AssignmentEpoch != 3 || d.AssignorName != "uniform" || len(d.Members) != 2 {
		t.Fatalf("described as %+v", d)
	}
	m := d.Members[1]
	if m.MemberID != "s" || *m.InstanceID != "i" || m.MemberType != consumerMember || m.SubscribedTopics[0] != "t1" ||
		m.Assignment.TopicPartitions[0].Topic != "t1" || len(m.TargetAssignment.TopicPartitions[0].Partitions) != 2 {
		t.Fatalf("member described as %+v", m)
	}
	list := answerOf[[]kmsg.ListGroupsResponseGroup](h, h.ask(List{Types: []string{"Consumer"}, States: []string{"stable"}}))
	if len(list) != 1 || list[0].Group != "g" || list[0].GroupType != "consumer" || list[0].ProtocolType != "consumer" {
		t.Fatalf("listed as %+v", list)
	}
	classic := answerOf[*kmsg.DescribeGroupsResponseGroup](h, h.ask(Describe{Group: "g"}))
	if classic.State != "Dead" || *classic.ErrorMessage != "Group g is not a classic group." {
		t.Fatalf("as a classic group it is %+v", classic)
	}
	h.expectNotOfConsumers("x", "Group x not found.")
}

func TestAGroupGoesOnAfterARestart(t *testing.T) {
	h := newHarness(t, testConfig())
	a, s, b := h.consumer("a", "t1"), h.staticConsumer("s", "i", "t1"), h.consumer("b", "t1", "t2")
	h.beats(a, s)
	b.heartbeat()
	a.ask(a.request())
	before := h.describeModern()
	h.reload(testConfig())
	after := h.describeModern()
	if got, want := after, before; !sameDescription(got, want) {
		t.Fatalf("after the restart %+v, before %+v", got, want)
	}
	h.pass(40 * time.Second)
	h.beats(a, s, b)
	h.reload(testConfig())
	h.pass(46 * time.Second)
	if d := h.describeModern(); len(d.Members) != 0 {
		t.Fatalf("nobody was heard of, and there are %+v", d.Members)
	}
}

func sameDescription(a, b *kmsg.ConsumerGroupDescribeResponseGroup) bool {
	one, two := kmsg.ConsumerGroupDescribeResponse{Version: 1}, kmsg.ConsumerGroupDescribeResponse{Version: 1}
	one.Groups = append(one.Groups, *a)
	two.Groups = append(two.Groups, *b)
	return string(one.AppendTo(nil)) == string(two.AppendTo(nil))
}

func TestAMemberInAStateOfTheFutureStartsAnew(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("a", "t1")
	h.beats(a)
	g := h.m.modern["g"]
	g.members["a"].state = consumerlog.Unknown
	h.log = append(h.log, Entry{Record: g.placeRecord(g.members["a"])})
	h.reload(testConfig())
	expectCode(t, "with its partitions", a.heartbeat(), wire.FencedMemberEpoch)
	a.has, a.epoch = nil, 0
	h.beats(a)
	expectHas(t, a, map[string][]int32{"t1": {0, 1, 2, 3}})
}

func TestWhatKafkaRememberedOfTopicsGoes(t *testing.T) {
	h := newHarness(t, testConfig())
	a := h.consumer("a", "t1")
	h.beats(a)
	key := consumerlog.Key{Type: consumerlog.PartitionsType, Group: "g"}.AppendTo(nil)
	h.log = append(h.log, Entry{Record: Record{Key: key, Value: []byte{0, 0, 1, 0}}})
	h.reload(testConfig())
	h.beats(a)
	found := false
	for _, r := range h.log {
		found = found || string(r.Key) == string(key) && r.Value == nil
	}
	if !found {
		t.Fatal("it has stayed")
	}
}
