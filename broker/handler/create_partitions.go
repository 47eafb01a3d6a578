package handler

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// createPartitions is API 37, versions 0-3: the number of partitions can only grow.
func (t *Topics) createPartitions() api.Row {
	return api.Spec[*kmsg.CreatePartitionsRequest, *meta.Image]{
		Row:     api.Row{Key: 37, Name: "CreatePartitions", Min: 0, Max: 3, Gate: api.Authenticated, MaxBytes: topicsFrame},
		Resolve: func(*api.Call, *kmsg.CreatePartitionsRequest) *meta.Image { return t.Metadata.Image() },
		Needs: func(_ *api.Call, q *kmsg.CreatePartitionsRequest, _ *meta.Image) authz.Needs {
			var each []authz.Need
			for i := range q.Topics {
				each = append(each, need(authz.Alter, authz.Topic, q.Topics[i].Topic))
			}
			return authz.Needs{Each: each}
		},
		Refuse: func(_ *api.Call, q *kmsg.CreatePartitionsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.CreatePartitionsResponse)
			for i := range q.Topics {
				resp.Topics = append(resp.Topics, partitionsAnswer(q.Topics[i].Topic, wire.Errorf(code, "refused")))
			}
			return resp
		},
		Handle: t.handleCreatePartitions,
	}.Build()
}

func partitionsAnswer(name string, err error) kmsg.CreatePartitionsResponseTopic {
	out := kmsg.NewCreatePartitionsResponseTopic()
	out.Topic, out.ErrorCode, out.ErrorMessage = name, wire.CodeOf(err), messageOf(err)
	return out
}

func (t *Topics) handleCreatePartitions(ctx context.Context, c *api.Call, q *kmsg.CreatePartitionsRequest, img *meta.Image) api.Answer {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(q.TimeoutMillis)*time.Millisecond)
	defer cancel()
	resp := q.ResponseKind().(*kmsg.CreatePartitionsResponse)
	command := &meta.CreatePartitions{Origin: originOf(c)}
	var places []int // of the command's topics in the answer
	times := map[string]int{}
	for i := range q.Topics {
		times[q.Topics[i].Topic]++
	}
	left, quota := controller.MaxPartitions, t.mutations(c, strictCreatePartitions)
	for i := range q.Topics {
		asked := &q.Topics[i]
		n := times[asked.Topic]
		if n == 0 {
			continue // a duplicate is answered once
		}
		times[asked.Topic] = 0
		more, err := t.morePartitions(c, img, asked, n, left)
		if err == nil {
			err = quota.take(len(more.Replicas))
		}
		if err == nil {
			left -= len(more.Replicas)
			places = append(places, len(resp.Topics))
			command.Topics = append(command.Topics, more)
		}
		resp.Topics = append(resp.Topics, partitionsAnswer(asked.Topic, err))
	}
	commit(ctx, t.Metadata, img, command, len(command.Topics), q.ValidateOnly, func(i int, err error) {
		failed := &resp.Topics[places[i]]
		*failed = partitionsAnswer(failed.Topic, err)
	})
	return api.Answer{Response: resp, Throttle: quota.throttle}
}

// morePartitions checks one topic that is named so many times, where so many more partitions may be made.
func (t *Topics) morePartitions(c *api.Call, img *meta.Image, asked *kmsg.CreatePartitionsRequestTopic, times, left int) (meta.MorePartition, error) {
	switch {
	case times > 1:
		return meta.MorePartition{}, wire.Errorf(wire.InvalidRequest, "Duplicate topic name.")
	case !c.Granted.Has(authz.Alter, authz.Topic, asked.Topic):
		return meta.MorePartition{}, wire.Errorf(wire.TopicAuthorizationFailed, "Topic authorization failed.")
	}
	topic := img.Topic(asked.Topic)
	switch {
	case topic == nil:
		return meta.MorePartition{}, wire.Errorf(wire.UnknownTopicOrPartition, "This server does not host this topic-partition.")
	case topic.Internal:
		return meta.MorePartition{}, wire.Errorf(wire.InvalidTopicException, "Topic '%s' is the broker's own.", asked.Topic)
	}
	have := len(topic.Partitions)
	added := int(asked.Count) - have
	switch {
	case added == 0:
		return meta.MorePartition{}, wire.Errorf(wire.InvalidPartitions, "Topic already has %d partition(s).", have)
	case added < 0:
		return meta.MorePartition{}, wire.Errorf(wire.InvalidPartitions,
			"The topic %s currently has %d partition(s); %d would not be an increase.", asked.Topic, have, asked.Count)
	case added > left:
		return meta.MorePartition{}, wire.Errorf(wire.PolicyViolation, "Excessively large number of partitions per request.")
	}
	replicas, err := t.newReplicas(img, topic, added, asked)
	return meta.MorePartition{Name: asked.Topic, From: have, Replicas: replicas}, err
}

func (t *Topics) newReplicas(img *meta.Image, topic *meta.Topic, added int, asked *kmsg.CreatePartitionsRequestTopic) ([][]int32, error) {
	factor := len(topic.Partitions[0].Replicas)
	if asked.Assignment == nil {
		return controller.Place(img, len(topic.Partitions), added, factor, t.Draw(1<<16))
	}
	if len(asked.Assignment) != added {
		return nil, wire.Errorf(wire.InvalidReplicaAssignment, "Attempted to add %d additional partition(s), but only %d assignment(s) were specified.",
			added, len(asked.Assignment))
	}
	out := make([][]int32, added)
	for i := range asked.Assignment {
		out[i] = append([]int32{}, asked.Assignment[i].Replicas...)
	}
	return out, controller.CheckAssignment(img, out, factor)
}
