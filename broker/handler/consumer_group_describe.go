package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describedGroup is a group as it is, before anybody asks who may see its topics, or a code that says why it is not described.
type describedGroup struct {
	id    string
	group *kmsg.ConsumerGroupDescribeResponseGroup
	code  int16
}

// describe is API 69, versions 0-1. Who describes a group needs DESCRIBE on it and on every topic that a member has or is to have.
func (g *ConsumerGroups) describe() api.Row {
	return api.Spec[*kmsg.ConsumerGroupDescribeRequest, []describedGroup]{
		Row: api.Row{Key: 69, Name: "ConsumerGroupDescribe", Min: 0, Max: 1, Gate: api.Authenticated, MaxBytes: groupFrame, Recheck: true},
		Before: func(_ *api.Call, q *kmsg.ConsumerGroupDescribeRequest) authz.Needs {
			return needGroups(q.Groups, false)
		},
		Resolve: func(c *api.Call, q *kmsg.ConsumerGroupDescribeRequest) []describedGroup {
			return g.described(c.Granted, distinct(q.Groups))
		},
		Needs: func(_ *api.Call, q *kmsg.ConsumerGroupDescribeRequest, all []describedGroup) authz.Needs {
			needs := needGroups(q.Groups, q.IncludeAuthorizedOperations)
			for i := range all {
				// No probe: without one of them there is no answer.
				for _, name := range all[i].topics() {
					needs.Each = append(needs.Each, need(authz.Describe, authz.Topic, name))
				}
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.ConsumerGroupDescribeRequest, code int16) kmsg.Response {
			r := kmsg.NewPtrConsumerGroupDescribeResponse()
			r.Version = q.Version
			for _, id := range distinct(q.Groups) {
				r.Groups = append(r.Groups, undescribedConsumers(id, code, ""))
			}
			return r
		},
		Handle: g.describeAll,
	}.Build()
}

// described asks the coordinators for the groups that may be described.
func (g *ConsumerGroups) described(granted *authz.Granted, ids []string) []describedGroup {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	image := g.Groups.Image()
	waits := make([]waiting, len(ids))
	all := make([]describedGroup, len(ids))
	for i, id := range ids {
		all[i] = g.undescribable(image, id)
		if !granted.Has(authz.Describe, authz.Group, id) {
			all[i].code = wire.GroupAuthorizationFailed
		}
		if all[i].code == wire.None {
			waits[i] = g.Groups.Coordinator.SendGroup(ctx, id, group.DescribeModern{Group: id, Topics: groupTopics{image}})
		}
	}
	for i, wait := range waits {
		if wait != nil {
			all[i].group, all[i].code = awaitAnswer[*kmsg.ConsumerGroupDescribeResponseGroup](ctx, wait)
		}
	}
	return all
}

func (g *ConsumerGroups) undescribable(image *meta.Image, id string) describedGroup {
	switch {
	case !g.served(image):
		return describedGroup{id: id, code: wire.UnsupportedVersion}
	case id == "":
		return describedGroup{id: id, code: wire.InvalidGroupID}
	default:
		return describedGroup{id: id}
	}
}

// topics are the names of what members have and are to have, each once.
func (d *describedGroup) topics() []string {
	if d.group == nil {
		return nil
	}
	var names []string
	for i := range d.group.Members {
		m := &d.group.Members[i]
		for _, t := range m.Assignment.TopicPartitions {
			names = append(names, t.Topic)
		}
		for _, t := range m.TargetAssignment.TopicPartitions {
			names = append(names, t.Topic)
		}
	}
	return distinct(names)
}

func (g *ConsumerGroups) describeAll(_ context.Context, c *api.Call, q *kmsg.ConsumerGroupDescribeRequest, all []describedGroup) api.Answer {
	r := kmsg.NewPtrConsumerGroupDescribeResponse()
	r.Version = q.Version
	for i := range all {
		r.Groups = append(r.Groups, all[i].answer(c, q))
	}
	return api.Now(r)
}

func (d *describedGroup) answer(c *api.Call, q *kmsg.ConsumerGroupDescribeRequest) kmsg.ConsumerGroupDescribeResponseGroup {
	switch {
	case !c.Granted.Has(authz.Describe, authz.Group, d.id):
		return undescribedConsumers(d.id, wire.GroupAuthorizationFailed, "")
	case d.code != wire.None:
		return undescribedConsumers(d.id, d.code, "")
	}
	for _, name := range d.topics() {
		if !c.Granted.Has(authz.Describe, authz.Topic, name) {
			return undescribedConsumers(d.id, wire.TopicAuthorizationFailed,
				"The group has described topic(s) that the client is not authorized to describe.")
		}
	}
	if q.IncludeAuthorizedOperations && d.group.ErrorCode == wire.None {
		d.group.AuthorizedOperations = grantedOperations(c.Granted, authz.Group, d.id)
	}
	return *d.group
}

func undescribedConsumers(id string, code int16, message string) kmsg.ConsumerGroupDescribeResponseGroup {
	one := kmsg.NewConsumerGroupDescribeResponseGroup()
	one.Group, one.ErrorCode = id, code
	if message != "" {
		one.ErrorMessage = &message
	}
	return one
}
