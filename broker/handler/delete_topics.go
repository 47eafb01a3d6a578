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

// deleteTarget is one topic that a request names.
type deleteTarget struct {
	asked *string
	id    meta.TopicID
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

func deleteTargets(q *kmsg.DeleteTopicsRequest) []deleteTarget {
	var out []deleteTarget
	for i := range q.TopicNames {
		out = append(out, deleteTarget{asked: &q.TopicNames[i]})
	}
	for i := range q.Topics {
		out = append(out, deleteTarget{asked: q.Topics[i].Topic, id: q.Topics[i].TopicID})
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
	var places []int
	for i := range targets {
		d := &targets[i]
		if err := t.checkDelete(c, d, command.IDs); err != nil {
			resp.Topics = append(resp.Topics, d.failed(err))
			continue
		}
		out := kmsg.NewDeleteTopicsResponseTopic()
		name := d.topic.Name
		out.Topic, out.TopicID = &name, d.topic.ID
		places = append(places, len(resp.Topics))
		resp.Topics = append(resp.Topics, out)
		command.IDs = append(command.IDs, d.topic.ID)
	}
	if len(command.IDs) == 0 {
		return api.Now(resp)
	}
	result, err := t.Metadata.Propose(ctx, command)
	for i, at := range places {
		out := &resp.Topics[at]
		if err == nil {
			out.ErrorCode = result.Items[i].Code
			continue
		}
		out.ErrorCode, out.ErrorMessage = wire.CodeOf(err), messageOf(err)
	}
	return api.Now(resp)
}

func (t *Topics) checkDelete(c *api.Call, d *deleteTarget, before []meta.TopicID) error {
	name := d.name()
	describe := name != "" && c.Granted.Has(authz.Describe, authz.Topic, name)
	switch {
	case !t.Defaults.DeleteTopicsEnabled():
		return wire.Errorf(wire.TopicDeletionDisabled, "Topic deletion is disabled.")
	case d.asked == nil && (d.topic == nil || !describe):
		return wire.Errorf(wire.UnknownTopicID, "This server does not host this topic ID.")
	case !c.Granted.Has(authz.Delete, authz.Topic, name):
		return wire.Errorf(wire.TopicAuthorizationFailed, "Topic authorization failed.")
	case d.topic == nil:
		return wire.Errorf(wire.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	case d.topic.Internal:
		return wire.Errorf(wire.InvalidTopicException, "Topic '%s' is the broker's own.", name)
	}
	for _, id := range before {
		if id == d.topic.ID {
			return wire.Errorf(wire.InvalidRequest, "Duplicate topic name.")
		}
	}
	return nil
}
