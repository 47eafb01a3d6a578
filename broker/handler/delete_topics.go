package handler

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// disabledCode is the first version of DeleteTopics that knows TOPIC_DELETION_DISABLED.
const disabledCode = 3

// deleteTopics is API 20, versions 1-6; from version 6 on topics are named by name or by id. Whoever may not describe a topic
// does not learn its name from its id.
func (t *Topics) deleteTopics() api.Row {
	return api.Spec[*kmsg.DeleteTopicsRequest, []deleteTarget]{
		Row:     api.Row{Key: 20, Name: "DeleteTopics", Min: 1, Max: 6, Gate: api.Authenticated, MaxBytes: topicsFrame},
		Resolve: t.resolveDeletes,
		Needs: func(_ *api.Call, _ *kmsg.DeleteTopicsRequest, targets []deleteTarget) authz.Needs {
			var each []authz.Need
			for i := range targets {
				if name := targets[i].name(); name != "" {
					each = append(each, need(authz.Delete, authz.Topic, name), probe(authz.Describe, authz.Topic, name))
				}
			}
			return authz.Needs{Each: each}
		},
		Refuse: func(_ *api.Call, q *kmsg.DeleteTopicsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DeleteTopicsResponse)
			for _, target := range deleteTargets(q) {
				resp.Topics = append(resp.Topics, target.failed(wire.Errorf(code, "refused")))
			}
			return resp
		},
		Handle: t.handleDeleteTopics,
	}.Build()
}

// deleteTarget is one topic that a request names, as often as times says.
type deleteTarget struct {
	asked *string
	id    meta.TopicID
	times int
	topic *meta.Topic
}

func (d *deleteTarget) name() string {
	switch {
	case d.asked != nil:
		return *d.asked
	case d.topic != nil:
		return d.topic.Name
	default:
		return ""
	}
}

// failed answers with what the client itself named and no more.
func (d *deleteTarget) failed(err error) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.Topic, out.TopicID, out.ErrorCode, out.ErrorMessage = d.asked, d.id, wire.CodeOf(err), messageOf(err)
	return out
}

// deleteTargets lists what a request names, each once.
func deleteTargets(q *kmsg.DeleteTopicsRequest) []deleteTarget {
	type key struct {
		name  string
		named bool
		id    meta.TopicID
	}
	var out []deleteTarget
	places := map[key]int{}
	add := func(name *string, id meta.TopicID) {
		k := key{id: id, named: name != nil}
		if name != nil {
			k.name = *name
		}
		at, again := places[k]
		if !again {
			at = len(out)
			places[k] = at
			out = append(out, deleteTarget{asked: name, id: id})
		}
		out[at].times++
	}
	for i := range q.TopicNames {
		add(&q.TopicNames[i], meta.TopicID{})
	}
	for i := range q.Topics {
		add(q.Topics[i].Topic, q.Topics[i].TopicID)
	}
	return out
}

func (t *Topics) resolveDeletes(_ *api.Call, q *kmsg.DeleteTopicsRequest) []deleteTarget {
	img, targets := t.Metadata.Image(), deleteTargets(q)
	for i := range targets {
		if d := &targets[i]; d.asked != nil {
			d.topic = img.Topic(*d.asked)
		} else {
			d.topic = img.TopicByID(d.id)
		}
	}
	return targets
}

func (t *Topics) handleDeleteTopics(ctx context.Context, c *api.Call, q *kmsg.DeleteTopicsRequest, targets []deleteTarget) api.Answer {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(q.TimeoutMillis)*time.Millisecond)
	defer cancel()
	resp := q.ResponseKind().(*kmsg.DeleteTopicsResponse)
	command := &meta.DeleteTopics{Origin: originOf(c)}
	var deleted []*deleteTarget
	var places []int // of the deleted in the answer
	listed, quota := map[meta.TopicID]bool{}, t.mutations(c, strictDeleteTopics)
	for _, d := range idsFirst(targets) {
		err := t.checkDelete(c, q, d)
		if err == nil && listed[d.topic.ID] {
			err = wire.Errorf(wire.InvalidRequest, "The provided topic name maps to an ID that was already supplied.")
		}
		if err == nil {
			err = quota.take(len(d.topic.Partitions))
		}
		if err != nil {
			resp.Topics = append(resp.Topics, refusedDelete(c, d, err))
			continue
		}
		places, deleted = append(places, len(resp.Topics)), append(deleted, d)
		resp.Topics = append(resp.Topics, deleteDone(c, d))
		command.IDs = append(command.IDs, d.topic.ID)
		listed[d.topic.ID] = true
	}
	answer := api.Answer{Response: resp, Throttle: quota.throttle}
	if len(command.IDs) == 0 {
		return answer
	}
	command.Approval = t.Approvals.rule(c, t.Metadata.Image())
	result, err := t.Metadata.Propose(ctx, command)
	for i, at := range places {
		switch {
		case err != nil:
			resp.Topics[at] = deleted[i].failed(err)
		case result.Items[i].Code != wire.None:
			resp.Topics[at] = deleted[i].failed(wire.Errorf(result.Items[i].Code, "%s", result.Items[i].Message))
		}
	}
	return answer
}

// idsFirst puts the topics that are named by id before the others: a name for one of them is the duplicate.
func idsFirst(targets []deleteTarget) []*deleteTarget {
	out := make([]*deleteTarget, 0, len(targets))
	for _, byName := range []bool{false, true} {
		for i := range targets {
			if (targets[i].asked != nil) == byName {
				out = append(out, &targets[i])
			}
		}
	}
	return out
}

// deleteDone shows name and id to who may describe the topic, and else what he named.
func deleteDone(c *api.Call, d *deleteTarget) kmsg.DeleteTopicsResponseTopic {
	out := kmsg.NewDeleteTopicsResponseTopic()
	out.Topic, out.TopicID = d.asked, d.topic.ID
	if c.Granted.Has(authz.Describe, authz.Topic, d.topic.Name) {
		out.Topic = &d.topic.Name
	}
	return out
}

// refusedDelete tells who may describe a topic, and not delete it, the name behind the id.
func refusedDelete(c *api.Call, d *deleteTarget, err error) kmsg.DeleteTopicsResponseTopic {
	out := d.failed(err)
	if out.ErrorCode == wire.TopicAuthorizationFailed && d.topic != nil && c.Granted.Has(authz.Describe, authz.Topic, d.topic.Name) {
		out.Topic = &d.topic.Name
	}
	return out
}

// checkDelete reports why a topic is not deleted. Who names it by name and may not describe it learns nothing of it; ids are no
// secret, but the name behind one is.
func (t *Topics) checkDelete(c *api.Call, q *kmsg.DeleteTopicsRequest, d *deleteTarget) error {
	if err := t.checkDeleteRequest(q, d); err != nil {
		return err
	}
	name, byID := d.name(), d.asked == nil
	switch {
	case byID && d.topic == nil:
		return wire.Errorf(wire.UnknownTopicID, "This server does not host this topic ID.")
	case !byID && !c.Granted.Has(authz.Describe, authz.Topic, name):
		return wire.Errorf(wire.TopicAuthorizationFailed, "Topic authorization failed.")
	case d.topic == nil:
		return wire.Errorf(wire.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	case !c.Granted.Has(authz.Delete, authz.Topic, name):
		return wire.Errorf(wire.TopicAuthorizationFailed, "Topic authorization failed.")
	case d.topic.Internal:
		return wire.Errorf(wire.InvalidTopicException, "An internal topic is not deleted.")
	}
	return nil
}

func (t *Topics) checkDeleteRequest(q *kmsg.DeleteTopicsRequest, d *deleteTarget) error {
	byID := d.asked == nil
	switch {
	case !t.Defaults.DeleteTopicsEnabled() && q.Version < disabledCode:
		return wire.Errorf(wire.InvalidRequest, "This version does not support topic deletion.")
	case !t.Defaults.DeleteTopicsEnabled():
		return wire.Errorf(wire.TopicDeletionDisabled, "Topic deletion is disabled.")
	case byID && d.id.IsZero():
		return wire.Errorf(wire.InvalidRequest, "Neither topic name nor id were specified.")
	case !byID && !d.id.IsZero():
		return wire.Errorf(wire.InvalidRequest, "You may not specify both topic name and topic id.")
	case byID && d.times > 1:
		return wire.Errorf(wire.InvalidRequest, "Duplicate topic id.")
	case d.times > 1:
		return wire.Errorf(wire.InvalidRequest, "Duplicate topic name.")
	}
	return nil
}
