package handler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// namesNewMembers is the first version of ConsumerGroupHeartbeat whose members bring their ids (KIP-1082).
const namesNewMembers = 1

// beatPlan is the image that a heartbeat is answered from, and what regular expressions match in it.
type beatPlan struct {
	image   *meta.Image
	matches map[string][]string
	err     error
}

// heartbeat is API 68, versions 0-1. Who names topics needs DESCRIBE on each. A regular expression stands for those that it matches of
// which the member that asks has DESCRIBE.
func (g *ConsumerGroups) heartbeat() api.Row {
	return api.Spec[*kmsg.ConsumerGroupHeartbeatRequest, beatPlan]{
		Row:     api.Row{Key: 68, Name: "ConsumerGroupHeartbeat", Min: 0, Max: 1, Gate: api.Authenticated, MaxBytes: groupFrame},
		Before:  func(_ *api.Call, q *kmsg.ConsumerGroupHeartbeatRequest) authz.Needs { return beatNeeds(q) },
		Resolve: func(_ *api.Call, q *kmsg.ConsumerGroupHeartbeatRequest) beatPlan { return g.plan(q) },
		Needs: func(_ *api.Call, q *kmsg.ConsumerGroupHeartbeatRequest, plan beatPlan) authz.Needs {
			needs := beatNeeds(q)
			for _, name := range plan.topics() {
				needs.Each = append(needs.Each, probe(authz.Describe, authz.Topic, name))
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.ConsumerGroupHeartbeatRequest, code int16) kmsg.Response {
			return refusedBeat(q, code)
		},
		Handle: g.beat,
	}.Build()
}

// beatNeeds is what a heartbeat has to be allowed to do, whatever its regular expressions match.
func beatNeeds(q *kmsg.ConsumerGroupHeartbeatRequest) authz.Needs {
	needs := wholeGroup(authz.Read, q.Group)
	for _, name := range distinct(q.SubscribedTopicNames) {
		needs.All = append(needs.All, onOffsetsOf(authz.Describe, name))
	}
	return needs
}

// plan looks for what the request's regular expression matches, and for what the coordinator has asked for.
func (g *ConsumerGroups) plan(q *kmsg.ConsumerGroupHeartbeatRequest) beatPlan {
	plan := beatPlan{image: g.Groups.Image(), matches: map[string][]string{}}
	if !g.served(plan.image) {
		return plan
	}
	end := time.Now().Add(regexTime)
	if own := q.SubscribedTopicRegex; own != nil && *own != "" {
		plan.matches[*own], plan.err = g.Matches.match(plan.image, *own, end)
		if plan.err != nil {
			return plan
		}
	}
	left := maxRegexTopics
	for _, pattern := range g.due.take(dueMember{q.Group, q.MemberID}) {
		// One that does not work out any more stays as it was; who brings it anew is told. One for which there is no room or time left
		// will be due again.
		if names, err := g.Matches.match(plan.image, pattern, end); err == nil && len(names) <= left {
			plan.matches[pattern] = names
			left -= len(names)
		}
	}
	return plan
}

// topics are all that is matched, each once.
func (p *beatPlan) topics() []string {
	if p.err != nil {
		return nil
	}
	var all []string
	for _, names := range p.matches {
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (g *ConsumerGroups) beat(ctx context.Context, c *api.Call, q *kmsg.ConsumerGroupHeartbeatRequest, plan beatPlan) api.Answer {
	if !g.served(plan.image) {
		return api.Now(refusedBeat(q, wire.UnsupportedVersion))
	}
	if err := g.checkBeat(q); err != nil {
		return api.Now(failedBeat(q, err))
	}
	if plan.err != nil {
		g.RefusedRegex(c, plan.err)
		return api.Now(failedBeat(q, plan.err))
	}
	beat := group.Beat{
		BeatRequest: q, ClientID: c.ClientID, ClientHost: memberHost(c), NewID: rand.Text(), Settings: g.Groups.consumerSettings(plan.image, q.Group),
		Topics: groupTopics{plan.image}, Matches: plan.visible(c.Granted), Rights: c.Granted.Epoch(),
	}
	answer, code := askGroup[*group.BeatAnswer](ctx, g.Groups, q.Group, beat)
	if code != wire.None {
		return api.Now(refusedBeat(q, code))
	}
	g.due.put(dueMember{q.Group, *answer.Response.MemberID}, answer.Due)
	answer.Response.Version = q.Version
	return api.Now(answer.Response)
}

// visible are the matches that the caller may see.
func (p *beatPlan) visible(granted *authz.Granted) *group.Matches {
	if len(p.matches) == 0 {
		return nil
	}
	m := &group.Matches{ByRegex: make(map[string][]string, len(p.matches))}
	for pattern, names := range p.matches {
		m.ByRegex[pattern] = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return !granted.Has(authz.Describe, authz.Topic, name)
		})
	}
	return m
}

// checkBeat holds the request's fields against the protocol, in Apache Kafka's words.
func (g *ConsumerGroups) checkBeat(q *kmsg.ConsumerGroupHeartbeatRequest) error {
	empty := func(s *string) bool { return s != nil && *s == "" }
	switch {
	case q.MemberID == "" && (q.Version >= namesNewMembers || q.MemberEpoch > 0 || q.MemberEpoch == -1):
		return wire.Errorf(wire.InvalidRequest, "MemberId can't be empty.")
	case q.Group == "":
		return wire.Errorf(wire.InvalidRequest, "GroupId can't be empty.")
	case empty(q.InstanceID):
		return wire.Errorf(wire.InvalidRequest, "InstanceId can't be empty.")
	case empty(q.RackID):
		return wire.Errorf(wire.InvalidRequest, "RackId can't be empty.")
	case q.MemberEpoch < -2:
		return wire.Errorf(wire.InvalidRequest, "MemberEpoch is invalid.")
	case q.MemberEpoch == -2 && q.InstanceID == nil:
		return wire.Errorf(wire.InvalidRequest, "InstanceId can't be null.")
	case q.MemberEpoch == 0:
		if err := checkFirstBeat(q); err != nil {
			return err
		}
	}
	if a := q.ServerAssignor; a != nil && !slices.Contains(g.Assignors, *a) {
		return wire.Errorf(wire.UnsupportedAssignor, "ServerAssignor %s is not supported. Supported assignors: %s.", *a, strings.Join(g.Assignors, ", "))
	}
	return nil
}

func checkFirstBeat(q *kmsg.ConsumerGroupHeartbeatRequest) error {
	switch {
	case q.RebalanceTimeoutMillis == -1:
		return wire.Errorf(wire.InvalidRequest, "RebalanceTimeoutMs must be provided in first request.")
	case q.Topics == nil || len(q.Topics) > 0:
		return wire.Errorf(wire.InvalidRequest, "TopicPartitions must be empty when (re-)joining.")
	case q.SubscribedTopicNames == nil && q.SubscribedTopicRegex == nil:
		return wire.Errorf(wire.InvalidRequest, "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.")
	default:
		return nil
	}
}

func refusedBeat(q *kmsg.ConsumerGroupHeartbeatRequest, code int16) *kmsg.ConsumerGroupHeartbeatResponse {
	r := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	r.Version, r.ErrorCode = q.Version, code
	if message := beatMessage(q, code); message != "" {
		r.ErrorMessage = &message
	}
	return r
}

func failedBeat(q *kmsg.ConsumerGroupHeartbeatRequest, err error) *kmsg.ConsumerGroupHeartbeatResponse {
	r := refusedBeat(q, wire.CodeOf(err))
	var told *wire.Error
	if errors.As(err, &told) {
		r.ErrorMessage = &told.Message
	}
	return r
}

// beatMessage tells the operator of a member why it was refused; clients go by the code.
func beatMessage(q *kmsg.ConsumerGroupHeartbeatRequest, code int16) string {
	switch code {
	case wire.GroupIDNotFound:
		return fmt.Sprintf("Group %s is not a consumer group.", q.Group)
	case wire.UnknownMemberID:
		return fmt.Sprintf("Member %s is not a member of group %s.", q.MemberID, q.Group)
	case wire.FencedMemberEpoch:
		return fmt.Sprintf("The member epoch %d is not the one known by the group coordinator. The member must abandon all its partitions and rejoin.", q.MemberEpoch)
	case wire.UnreleasedInstanceID:
		return fmt.Sprintf("The instance id of member %s is owned by another member.", q.MemberID)
	case wire.InvalidRegularExpression:
		return "SubscribedTopicRegex matches more topics than the group can keep."
	case wire.GroupMaxSizeReached:
		return "The consumer group has reached its maximum capacity."
	default:
		return ""
	}
}
