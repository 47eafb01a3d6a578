//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// cast are members of groups, of each client, that do as they are told and tell what happens to them. They have the rights to read what
// begins with castPrefix, and no others.
type cast struct {
	subject
	file  string // the user's, for Java
	super *kgo.Client
	admin *kadm.Client

	mu     sync.Mutex
	events map[string][]happening // by member
	troops map[string]troop       // by client
}

const (
	castUser     = "cast"
	castPassword = "cast-secret"
	castPrefix   = "open-"
)

// troop are the members of one client.
type troop interface {
	do(t *testing.T, c command)
	// printed is what the client has printed beside its events.
	printed() string
}

// role is what a member is started as.
type role struct {
	Group       string   `json:"group"`
	Instance    string   `json:"instance"`
	Protocol    string   `json:"protocol"` // "classic" or "consumer"
	Cooperative bool     `json:"cooperative"`
	Topics      []string `json:"topics"`
	Pattern     string   `json:"pattern"`
}

type command struct {
	Do     string `json:"do"` // "start", "close", "hold", "release"
	Member string `json:"member"`
	role
}

// happening is what a member tells: test/java has Members.java.
type happening struct {
	Member, What string
	Partitions   []string // TOPIC:PARTITION
	Offset       int64
	Error        string
}

// actor is a client and the protocol that its members use.
type actor struct{ client, protocol string }

func (a actor) String() string { return a.client + "-" + a.protocol }

func actors() []actor {
	return []actor{
		{"java", "classic"},
		{"java", "consumer"},
		{"librdkafka", "classic"},
		{"librdkafka", "consumer"},
		{"franz-go", "classic"},
		{"franz-go", "consumer"},
		{"kafka-python", "classic"},
	}
}

func newCast(t *testing.T) *cast {
	t.Helper()
	s := startSubject(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0", "CHRONIK_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS=300",
		"CHRONIK_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS=300", "CHRONIK_GROUP_CONSUMER_ASSIGNMENT_INTERVAL_MS=0")
	c := &cast{subject: s, events: map[string][]happening{}, troops: map[string]troop{}}
	c.super = franzClient(t, append(franzSASL(t, s.Broker, "SCRAM-SHA-512"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	c.admin = kadm.NewClient(c.super)
	c.file = addUser(t, s.Broker, castUser, castPassword)
	admin(t, s.Broker, aclCommand, "--add", "--allow-principal", "User:"+castUser, "--operation", "Read",
		"--resource-pattern-type", "prefixed", "--topic", castPrefix, "--group", castPrefix)
	python := func(script string) troop {
		return memberProcess{harness.StartPython(t, c.tell, script, s.Bootstrap(), s.CA(), castUser, castPassword)}
	}
	c.troops = map[string]troop{
		"java": memberProcess{harness.StartProcess(t, c.tell, "java",
			harness.JavaArgs(t, []string{"-Xmx256m"}, "stream.chronik.test.Members", s.Bootstrap(), c.file)...)},
		"librdkafka":   python("members_confluent.py"),
		"kafka-python": python("members_kafka_python.py"),
		"franz-go":     newFranzTroop(t, c),
	}
	return c
}

// memberProcess are members in a process of their own.
type memberProcess struct{ *harness.Process }

func (p memberProcess) do(t *testing.T, c command) {
	t.Helper()
	line, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p.Say(t, line)
}

func (p memberProcess) printed() string { return p.Errors() }

func (c *cast) makeTopic(t *testing.T, name string, partitions int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := c.admin.CreateTopic(ctx, int32(partitions), 1, nil, name); err != nil {
		t.Fatal(err)
	}
}

// write writes so many records to TOPIC:PARTITION.
func (c *cast) write(t *testing.T, place string, records int) {
	t.Helper()
	topic, number, _ := strings.Cut(place, ":")
	partition, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var all []*kgo.Record
	for range records {
		all = append(all, &kgo.Record{Topic: topic, Partition: int32(partition), Value: []byte("v")})
	}
	if err := c.super.ProduceSync(ctx, all...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (c *cast) tell(line []byte) {
	var e happening
	if err := json.Unmarshal(line, &e); err != nil {
		e = happening{What: "error", Error: string(line)}
	}
	c.note(e)
}

func (c *cast) note(e happening) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events[e.Member] = append(c.events[e.Member], e)
}

// told are the events of a member of one of the kinds.
func (c *cast) told(member string, kinds ...string) []happening {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.events[member]), func(e happening) bool { return !slices.Contains(kinds, e.What) })
}

// moves are the times that a member was told of a rebalance.
func (c *cast) moves(member string) []happening { return c.told(member, "assigned", "revoked", "lost") }

// owned are the partitions that a member has, sorted.
func (c *cast) owned(member string) []string {
	has := map[string]bool{}
	for _, e := range c.moves(member) {
		for _, p := range e.Partitions {
			if e.What == "assigned" {
				has[p] = true
			} else {
				delete(has, p)
			}
		}
	}
	return slices.Sorted(maps.Keys(has))
}

// ensemble are the members of one group.
type ensemble struct {
	*cast
	actor
	group string
}

// start starts a member of the group and returns the name that its events have.
func (g ensemble) start(t *testing.T, name string, r role) string {
	t.Helper()
	r.Group, r.Protocol = g.group, g.protocol
	member := g.group + "/" + name
	g.troops[g.client].do(t, command{"start", member, r})
	return member
}

func (g ensemble) do(t *testing.T, what, member string) {
	t.Helper()
	g.troops[g.client].do(t, command{Do: what, Member: member})
}

// close ends members: a static one does not leave by that.
func (g ensemble) close(t *testing.T, members ...string) {
	t.Helper()
	for _, m := range members {
		g.do(t, "close", m)
	}
	for _, m := range members {
		waitSeeing(t, m+" to be closed", func() (string, bool) { return g.seen(m), len(g.told(m, "closed")) > 0 })
	}
}

// waitOwned waits until the members have so many partitions each and the group is stable with no others.
func (g ensemble) waitOwned(t *testing.T, partitions int, members ...string) {
	t.Helper()
	defer g.showOnFailure(t, members)()
	for _, m := range members {
		waitSeeing(t, m+" to have its partitions", func() (string, bool) { return g.seen(members...), len(g.owned(m)) == partitions })
	}
	waitSeeing(t, g.group+" to be stable", func() (string, bool) {
		s := g.describe(t)
		return fmt.Sprintf("%+v; %s", s, g.seen(members...)), s.state == "Stable" && len(s.members) == len(members)
	})
}

// seen is what members have, and how much happened to each.
func (g ensemble) seen(members ...string) string {
	var text strings.Builder
	for _, m := range members {
		g.mu.Lock()
		events := len(g.events[m])
		g.mu.Unlock()
		fmt.Fprintf(&text, "%s has %v after %d events; ", m, g.owned(m), events)
	}
	return text.String()
}

// showOnFailure tells of the members' events where a wait has failed.
func (g ensemble) showOnFailure(t *testing.T, members []string) func() {
	return func() {
		if !t.Failed() {
			return
		}
		for _, m := range members {
			t.Logf("%s: %v, records: %d", m, g.told(m, "assigned", "revoked", "lost", "error", "closed"), len(g.told(m, "record")))
		}
		t.Logf("%+v", g.describe(t))
	}
}

// groupState is a group as the broker describes it.
type groupState struct {
	state   string
	members []groupMember
	// assignor is what assigns the partitions.
	assignor string
	// round is the generation, or the epoch: it moves on with each rebalance.
	round int32
}

type groupMember struct{ id, instance, client string }

func (g ensemble) describe(t *testing.T) groupState {
	t.Helper()
	if g.protocol == "consumer" {
		return g.describeConsumer(t)
	}
	return g.describeClassic(t)
}

func (g ensemble) describeConsumer(t *testing.T) groupState {
	t.Helper()
	q := kmsg.NewPtrConsumerGroupDescribeRequest()
	q.Groups = []string{g.group}
	d := askBroker(t, g.super, q).(*kmsg.ConsumerGroupDescribeResponse).Groups[0]
	s := groupState{state: d.State, assignor: d.AssignorName, round: d.Epoch}
	for _, m := range d.Members {
		s.members = append(s.members, groupMember{m.MemberID, deref(m.InstanceID), m.ClientID})
	}
	return s
}

// describeClassic finds out the generation, which no description has: members heartbeat with it, and so does this.
func (g ensemble) describeClassic(t *testing.T) groupState {
	t.Helper()
	q := kmsg.NewPtrDescribeGroupsRequest()
	q.Groups = []string{g.group}
	d := askBroker(t, g.super, q).(*kmsg.DescribeGroupsResponse).Groups[0]
	s := groupState{state: d.State, assignor: d.Protocol}
	for _, m := range d.Members {
		s.members = append(s.members, groupMember{m.MemberID, deref(m.InstanceID), m.ClientID})
	}
	for s.round = 1; len(s.members) > 0 && s.round < 100; s.round++ {
		beat := kmsg.NewPtrHeartbeatRequest()
		beat.Group, beat.MemberID, beat.InstanceID, beat.Generation = g.group, d.Members[0].MemberID, d.Members[0].InstanceID, s.round
		code := askBroker(t, g.super, beat).(*kmsg.HeartbeatResponse).ErrorCode
		if code == 0 || code == kerr.RebalanceInProgress.Code {
			return s
		}
	}
	return s
}

func askBroker(t *testing.T, client *kgo.Client, q kmsg.Request) kmsg.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	resp, err := client.Request(ctx, q)
	if err != nil {
		t.Fatalf("%T: %v", q, err)
	}
	return resp
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// instances are the instance ids of the members, sorted.
func (s groupState) instances() string {
	var all []string
	for _, m := range s.members {
		all = append(all, m.instance)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
