package group

import (
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
)

// firstEpoch is the epoch of a group, and of its assignment of nothing to nobody, before its first member tells what it wants.
const firstEpoch = 1

// leftForNow is the epoch of a static member that has left and will be back (KIP-848).
const leftForNow = -2

// modernGroup is a group of the consumer protocol (KIP-848). Its members are told what to read by the coordinator, each at the pace of
// its own heartbeats: a partition is given to a member only after the member that had it has given it back.
type modernGroup struct {
	id string
	// epoch grows with everything that may change the assignment, assignmentEpoch is the epoch that target was computed for.
	epoch, assignmentEpoch int32
	// assignedAt is when target was last computed, or could not be; zero where the log does not say.
	assignedAt time.Time
	// hash stands for the subscribed topics as they were at epoch, and seen is the version of the topics that it was last compared with.
	hash int64
	seen uint64

	members map[string]*modernMember
	static  map[string]string
	// target is what each member is to have.
	target map[string]assign.Assignment
	// owners are the members that have partitions, or may still use them.
	owners map[assign.TopicID]map[int32]string

	// names and patterns count the members that subscribe by them.
	names, patterns map[string]int
	// resolved are the topics that patterns match, as they were last looked for.
	resolved map[string]consumerlog.Regex
	// lookups are how they were looked for since the log was loaded, and asked is when any was last asked for.
	lookups map[string]lookup
	asked   time.Time

	// oldTopics says that the log has a record of PartitionsType, which is to go.
	oldTopics bool
}

// modernMember is a member of it.
type modernMember struct {
	id string
	// told is what it has told of itself.
	told consumerlog.Member
	place
}

// place is what a member has, and how far it is on its way to its target. Places are not changed but replaced.
type place struct {
	epoch, previous int32
	state           consumerlog.State
	// assigned may be used by the member; revoking it has been told to give back, and may use until it has.
	assigned, revoking epochs
}

// epochs are partitions with the member's epoch at which it was given them.
type epochs map[assign.TopicID]map[int32]int32

func newModernGroup(id string) *modernGroup {
	return &modernGroup{
		id: id, epoch: firstEpoch, assignmentEpoch: firstEpoch,
		members: map[string]*modernMember{}, static: map[string]string{}, target: map[string]assign.Assignment{},
		owners: map[assign.TopicID]map[int32]string{},
		names:  map[string]int{}, patterns: map[string]int{}, resolved: map[string]consumerlog.Regex{},
		lookups: map[string]lookup{},
	}
}

// newModernMember is a member that has told nothing and has nothing.
func newModernMember(id string) *modernMember {
	none := ""
	return &modernMember{
		id: id, told: consumerlog.Member{Regex: &none, RebalanceTimeoutMillis: -1},
		place: place{state: consumerlog.Stable, previous: -1},
	}
}

// state is Apache Kafka's ConsumerGroupState.
func (g *modernGroup) state() State {
	switch {
	case len(g.members) == 0:
		return Empty
	case g.epoch > g.assignmentEpoch:
		return Assigning
	}
	for _, mb := range g.members {
		if !mb.reached(g.assignmentEpoch) {
			return Reconciling
		}
	}
	return Stable
}

// reached reports whether the member has all that it is to have at an epoch.
func (p *place) reached(epoch int32) bool { return p.state == consumerlog.Stable && p.epoch == epoch }

// put makes the member one of the group, or takes in that it has told something else.
func (g *modernGroup) put(mb *modernMember, told consumerlog.Member) {
	g.uncount(mb)
	mb.told = told
	g.members[mb.id] = mb
	if told.Instance != nil {
		g.static[*told.Instance] = mb.id
	}
	for _, name := range told.Topics {
		g.names[name]++
	}
	if pattern := mb.pattern(); pattern != "" {
		g.patterns[pattern]++
	}
}

// uncount takes back what the member has told, if it is one of the group.
func (g *modernGroup) uncount(mb *modernMember) {
	if g.members[mb.id] != mb {
		return
	}
	if i := mb.told.Instance; i != nil && g.static[*i] == mb.id {
		delete(g.static, *i)
	}
	for _, name := range mb.told.Topics {
		decrease(g.names, name)
	}
	if pattern := mb.pattern(); pattern != "" {
		decrease(g.patterns, pattern)
	}
}

func decrease(counts map[string]int, key string) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// drop forgets a member with all that it has and was to have.
func (g *modernGroup) drop(mb *modernMember) {
	g.settle(mb, place{})
	g.uncount(mb)
	delete(g.members, mb.id)
	delete(g.target, mb.id)
}

// settle puts a member into a place, with what it owns there.
func (g *modernGroup) settle(mb *modernMember, next place) {
	g.disown(mb.id, mb.assigned)
	g.disown(mb.id, mb.revoking)
	mb.place = next
	g.own(mb.id, next.assigned)
	g.own(mb.id, next.revoking)
}

func (g *modernGroup) own(memberID string, what epochs) {
	for topic, partitions := range what {
		owners := g.owners[topic]
		if owners == nil {
			owners = make(map[int32]string, len(partitions))
			g.owners[topic] = owners
		}
		for p := range partitions {
			owners[p] = memberID
		}
	}
}

func (g *modernGroup) disown(memberID string, what epochs) {
	for topic, partitions := range what {
		owners := g.owners[topic]
		for p := range partitions {
			if owners[p] == memberID {
				delete(owners, p)
			}
		}
		if len(owners) == 0 {
			delete(g.owners, topic)
		}
	}
}

// pattern is the regular expression that the member subscribes with, "" where it has none.
func (mb *modernMember) pattern() string {
	if mb.told.Regex == nil {
		return ""
	}
	return *mb.told.Regex
}

// subscribed are the names of the member's topics. They may be in it twice.
func (g *modernGroup) subscribed(mb *modernMember) []string {
	matched := g.resolved[mb.pattern()].Topics
	if len(matched) == 0 {
		return mb.told.Topics
	}
	return slices.Concat(mb.told.Topics, matched)
}

// subscribes reports whether somebody may be reading the topic.
func (g *modernGroup) subscribes(topic string) bool {
	if g.names[topic] > 0 {
		return true
	}
	for pattern := range g.patterns {
		if _, found := slices.BinarySearch(g.resolved[pattern].Topics, topic); found {
			return true
		}
	}
	return false
}
