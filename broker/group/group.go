package group

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
)

// consumerProtocol is the protocol type of consumers; other types (Kafka Connect's) are opaque to the coordinator.
const consumerProtocol = "consumer"

// group is one group with its members. A group without protocol type and members is a simple one, which only stores offsets.
type group struct {
	id              string
	state, previous State
	// since is when the state began; zero where the log does not say.
	since        time.Time
	generation   int32
	protocolType string
	// protocol is nil until members have agreed on one.
	protocol *string
	leader   string
	members  map[string]*member
	// order holds the members as they came.
	order  []*member
	static map[string]string
	// pending are member ids that were given out and have not joined yet.
	pending map[string]struct{}
	// unsynced are the members of this generation that have not asked for their assignment.
	unsynced map[string]struct{}
	// supported counts the members by protocol name.
	supported map[string]int
	// topics are what the members subscribe to; nil where unknown.
	topics map[string]struct{}
	// grew says that a member came since the initial delay was last set; delay and remaining are that delay and what may follow.
	grew             bool
	delay, remaining time.Duration
	// stored says that a group record may be in the log.
	stored bool
}

func newGroup(id string) *group {
	return &group{
		id: id, state: Empty, previous: Dead,
		members: map[string]*member{}, static: map[string]string{}, pending: map[string]struct{}{},
		unsynced: map[string]struct{}{}, supported: map[string]int{},
	}
}

func (g *group) enter(s State, now time.Time) {
	g.previous, g.state, g.since = g.state, s, now
}

func (g *group) add(mb *member) {
	if len(g.members) == 0 {
		g.supported = map[string]int{}
	}
	g.members[mb.id] = mb
	g.order = append(g.order, mb)
	if mb.instance != nil {
		g.static[*mb.instance] = mb.id
	}
	if g.leader == "" {
		g.leader = mb.id
	}
	g.count(mb, 1)
	delete(g.pending, mb.id)
}

func (g *group) remove(mb *member) {
	delete(g.members, mb.id)
	g.order = slices.DeleteFunc(g.order, func(o *member) bool { return o == mb })
	g.count(mb, -1)
	if mb.instance != nil {
		delete(g.static, *mb.instance)
	}
	delete(g.unsynced, mb.id)
	if g.leader == mb.id {
		g.leader = ""
		if len(g.order) > 0 {
			g.leader = g.order[0].id
		}
	}
}

// rename gives a static member a new id: whoever still uses the old one is fenced.
func (g *group) rename(mb *member, id string) {
	delete(g.members, mb.id)
	delete(g.unsynced, mb.id)
	if g.leader == mb.id {
		g.leader = id
	}
	mb.id = id
	g.members[id] = mb
	g.static[*mb.instance] = id
}

func (g *group) count(mb *member, by int) {
	for _, p := range mb.protocols {
		if g.supported[p.name] += by; g.supported[p.name] <= 0 {
			delete(g.supported, p.name)
		}
	}
}

// awaiting is the number of members whose join waits for the rebalance.
func (g *group) awaiting() int {
	n := 0
	for _, mb := range g.order {
		if mb.joining != 0 {
			n++
		}
	}
	return n
}

func (g *group) allJoined() bool { return len(g.pending) == 0 && g.awaiting() == len(g.order) }

// rebalanceTimeout is the longest that any member asks for.
func (g *group) rebalanceTimeout() time.Duration {
	var longest time.Duration
	for _, mb := range g.order {
		longest = max(longest, mb.rebalanceTimeout)
	}
	return longest
}

// accepts reports whether a member with these protocols can join the ones that are there.
func (g *group) accepts(protocolType string, protocols []kmsg.JoinGroupRequestProtocol) bool {
	if g.state == Empty {
		return protocolType != "" && len(protocols) > 0
	}
	if protocolType != g.protocolType {
		return false
	}
	return slices.ContainsFunc(protocols, func(p kmsg.JoinGroupRequestProtocol) bool {
		return g.supported[p.Name] == len(g.members)
	})
}

// vote selects the protocol that most members like best among those that all support; of equals, the one first voted for.
func (g *group) vote() string {
	votes := map[string]int{}
	best := ""
	for _, mb := range g.order {
		i := slices.IndexFunc(mb.protocols, func(p protocol) bool { return g.supported[p.name] == len(g.members) })
		if i >= 0 {
			votes[mb.protocols[i].name]++
		}
	}
	for _, mb := range g.order {
		for _, p := range mb.protocols {
			if votes[p.name] > votes[best] {
				best = p.name
			}
		}
	}
	return best
}

// agreed is the protocol that the members have selected, or would select now where that is still to come.
func (g *group) agreed() string {
	if g.protocol == nil {
		return g.vote()
	}
	return *g.protocol
}

// protocolName is the selected protocol, "" where there is none.
func (g *group) protocolName() string {
	if g.protocol == nil {
		return ""
	}
	return *g.protocol
}

// validate says whether a request may speak for a member.
func (g *group) validate(memberID string, instance *string) int16 {
	if instance != nil {
		holder, known := g.static[*instance]
		if !known {
			return wire.UnknownMemberID
		}
		if holder != memberID {
			return wire.FencedInstanceID
		}
	}
	if g.members[memberID] == nil {
		return wire.UnknownMemberID
	}
	return wire.None
}

// subscribes reports whether a member may be reading the topic; consumers whose subscription cannot be read may read any.
func (g *group) subscribes(topic string) bool {
	if g.topics == nil {
		return g.protocolType == consumerProtocol
	}
	_, found := g.topics[topic]
	return found
}
