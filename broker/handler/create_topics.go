package handler

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// createTopics is API 19, versions 2-7. CREATE on the cluster allows every name, else CREATE on the topic does. The answer holds
// the topic's configuration (version 5 and later) where the caller may describe it. Version 7 adds the topic's id.
func (t *Topics) createTopics() api.Row {
	return api.Spec[*kmsg.CreateTopicsRequest, *meta.Image]{
		Row: api.Row{Key: 19, Name: "CreateTopics", Min: 2, Max: 7, Gate: api.Authenticated, MaxBytes: topicsFrame},
		Resolve: func(c *api.Call, q *kmsg.CreateTopicsRequest) *meta.Image {
			t.Creations.begin(c, len(q.Topics), q.ValidateOnly, t.Metadata.Image)
			return t.Metadata.Image()
		},
		Needs: func(_ *api.Call, q *kmsg.CreateTopicsRequest, _ *meta.Image) authz.Needs {
			var each []authz.Need
			for i := range q.Topics {
				name := q.Topics[i].Topic
				each = append(each, mayCreate(name), probe(authz.DescribeConfigs, authz.Topic, name))
			}
			return authz.Needs{Each: each}
		},
		Refuse: func(_ *api.Call, q *kmsg.CreateTopicsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.CreateTopicsResponse)
			for i := range q.Topics {
				resp.Topics = append(resp.Topics, createFailed(q.Topics[i].Topic, wire.Errorf(code, "refused")))
			}
			return resp
		},
		Handle: t.handleCreateTopics,
	}.Build()
}

func createFailed(name string, err error) kmsg.CreateTopicsResponseTopic {
	out := kmsg.NewCreateTopicsResponseTopic()
	out.Topic, out.ErrorCode, out.ErrorMessage = name, wire.CodeOf(err), messageOf(err)
	out.NumPartitions, out.ReplicationFactor = -1, -1
	return out
}

func (t *Topics) handleCreateTopics(ctx context.Context, c *api.Call, q *kmsg.CreateTopicsRequest, img *meta.Image) api.Answer {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(q.TimeoutMillis)*time.Millisecond)
	defer cancel()
	log := t.Creations.log(c, q.ValidateOnly, t.Metadata)
	defer log.end()
	resp := q.ResponseKind().(*kmsg.CreateTopicsResponse)
	command := &meta.CreateTopics{Origin: originOf(c)}
	var places []int // of the command's topics in the answer
	times := map[string]int{}
	for i := range q.Topics {
		times[q.Topics[i].Topic]++
	}
	tooMany, quota := t.partitionsAsked(q) > controller.MaxPartitions, t.mutations(c, strictCreateTopics)
	for i := range q.Topics {
		asked := &q.Topics[i]
		n := times[asked.Topic]
		if n == 0 {
			continue // a duplicate is answered once
		}
		times[asked.Topic] = 0
		created, err := t.newTopicOnce(c, img, asked, n, tooMany)
		if err == nil {
			err = quota.take(len(created.Replicas))
		}
		if err != nil {
			resp.Topics = append(resp.Topics, createFailed(asked.Topic, err))
			continue
		}
		places = append(places, len(resp.Topics))
		resp.Topics = append(resp.Topics, t.createDone(c, q, created))
		command.Topics = append(command.Topics, created)
	}
	commit(ctx, log, img, command, len(command.Topics), q.ValidateOnly, func(i int, err error) {
		failed := &resp.Topics[places[i]]
		*failed = createFailed(failed.Topic, err)
	})
	return api.Answer{Response: resp, Throttle: quota.throttle}
}

// partitionsAsked is how many partitions the whole request makes. The counts of clients may be anything; they do not overflow
// the sum.
func (t *Topics) partitionsAsked(q *kmsg.CreateTopicsRequest) int64 {
	sum := int64(0)
	for i := range q.Topics {
		switch asked := &q.Topics[i]; {
		case len(asked.ReplicaAssignment) > 0:
			sum += int64(len(asked.ReplicaAssignment))
		case asked.NumPartitions == -1:
			sum += int64(t.Defaults.DefaultPartitions())
		case asked.NumPartitions > 0:
			sum += int64(asked.NumPartitions)
		}
	}
	return sum
}

func (t *Topics) newTopicOnce(c *api.Call, img *meta.Image, asked *kmsg.CreateTopicsRequestTopic, times int, tooMany bool) (meta.NewTopic, error) {
	switch {
	case times > 1:
		return meta.NewTopic{}, wire.Errorf(wire.InvalidRequest, "Duplicate topic name.")
	case !c.Granted.Met(mayCreate(asked.Topic)):
		return meta.NewTopic{}, wire.Errorf(wire.TopicAuthorizationFailed, "Authorization failed.")
	case tooMany:
		return meta.NewTopic{}, wire.Errorf(wire.PolicyViolation, "Excessively large number of partitions per request.")
	}
	return t.newTopic(img, asked)
}

// newTopic checks one topic and chooses what the client left open.
func (t *Topics) newTopic(img *meta.Image, asked *kmsg.CreateTopicsRequestTopic) (meta.NewTopic, error) {
	if err := checkNewName(img, asked.Topic); err != nil {
		return meta.NewTopic{}, err
	}
	configs := map[string]string{}
	for _, kv := range asked.Configs {
		if kv.Value == nil {
			return meta.NewTopic{}, wire.Errorf(wire.InvalidConfig, "Null value not supported for topic configs: %s", kv.Name)
		}
		configs[kv.Name] = *kv.Value
	}
	if err := t.Defaults.ValidateTopicConfigs(configs); err != nil {
		return meta.NewTopic{}, err
	}
	replicas, err := t.replicasOf(img, asked)
	if err != nil {
		return meta.NewTopic{}, err
	}
	return meta.NewTopic{Name: asked.Topic, ID: controller.NewTopicID(), Replicas: replicas, Configs: configs}, nil
}

func checkNewName(img *meta.Image, name string) error {
	if err := controller.ValidateTopicName(name); err != nil {
		return err
	}
	if controller.IsInternal(name) {
		return wire.Errorf(wire.InvalidTopicException, "Topic '%s' is made by the broker alone.", name)
	}
	if img.Topic(name) != nil {
		return wire.Errorf(wire.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	if other := img.Colliding(name); other != nil {
		return wire.Errorf(wire.InvalidTopicException, "Topic '%s' collides with existing topic: %s", name, other.Name)
	}
	return nil
}

// mayCreate needs CREATE on the topic, or on the cluster.
func mayCreate(name string) authz.Need {
	n := need(authz.Create, authz.Topic, name)
	n.OrOn = authz.TheCluster()
	return n
}

func (t *Topics) replicasOf(img *meta.Image, asked *kmsg.CreateTopicsRequestTopic) ([][]int32, error) {
	if len(asked.ReplicaAssignment) == 0 {
		count, factor := int(asked.NumPartitions), int(asked.ReplicationFactor)
		if count == -1 {
			count = t.Defaults.DefaultPartitions()
		}
		if factor == -1 {
			factor = t.Defaults.DefaultReplicationFactor()
		}
		return controller.Place(img, 0, count, factor, t.Draw(1<<16))
	}
	switch {
	case asked.ReplicationFactor != -1:
		return nil, wire.Errorf(wire.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	case asked.NumPartitions != -1:
		return nil, wire.Errorf(wire.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	out := make([][]int32, len(asked.ReplicaAssignment))
	for _, a := range asked.ReplicaAssignment {
		if a.Partition < 0 || int(a.Partition) >= len(out) || out[a.Partition] != nil {
			return nil, wire.Errorf(wire.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
		}
		out[a.Partition] = append([]int32{}, a.Replicas...)
	}
	return out, controller.CheckAssignment(img, out, 0)
}

func (t *Topics) createDone(c *api.Call, q *kmsg.CreateTopicsRequest, n meta.NewTopic) kmsg.CreateTopicsResponseTopic {
	out := kmsg.NewCreateTopicsResponseTopic()
	out.Topic, out.TopicID = n.Name, n.ID
	if q.ValidateOnly {
		out.TopicID = meta.TopicID{}
	}
	if !c.Granted.Has(authz.DescribeConfigs, authz.Topic, n.Name) {
		out.ConfigErrorCode, out.NumPartitions, out.ReplicationFactor = wire.TopicAuthorizationFailed, -1, -1
		return out
	}
	out.NumPartitions, out.ReplicationFactor = int32(len(n.Replicas)), int16(len(n.Replicas[0])) //nolint:gosec // bounded by Place
	for _, e := range t.Defaults.EffectiveTopicConfigs(n.Configs) {
		kv := kmsg.NewCreateTopicsResponseTopicConfig()
		kv.Name, kv.Value, kv.Source, kv.ReadOnly, kv.IsSensitive = e.Name, e.Value, e.Source, e.ReadOnly, e.Sensitive
		out.Configs = append(out.Configs, kv)
	}
	return out
}

func asCoded(err error) *wire.Error {
	var coded *wire.Error
	if errors.As(err, &coded) {
		return coded
	}
	return nil
}
