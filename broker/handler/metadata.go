package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// metadata is API 3, versions 0-13. "All" is an empty list in version 0 and null from version 1 on; what may not be described is
// left out of it, while a topic that is named fails. Topics are named by id from version 10 on. Versions 8 to 10 carry the
// cluster's authorized operations. A topic that is missing is created where the broker's configuration and CREATE allow it.
func (k *Cluster) metadata() api.Row {
	return api.Spec[*kmsg.MetadataRequest, *metadataPlan]{
		Row:     api.Row{Key: 3, Name: "Metadata", Min: 0, Max: 13, Gate: api.Authenticated, MaxBytes: describeFrame, Recheck: true},
		Resolve: k.resolveMetadata,
		Needs: func(_ *api.Call, q *kmsg.MetadataRequest, plan *metadataPlan) authz.Needs {
			return authz.Needs{Each: plan.needs(q)}
		},
		Refuse: func(_ *api.Call, q *kmsg.MetadataRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.MetadataResponse)
			for i := range q.Topics {
				resp.Topics = append(resp.Topics, metadataFailed(q.Topics[i].Topic, q.Topics[i].TopicID, code))
			}
			return resp
		},
		Handle: k.handleMetadata,
	}.Build()
}

// metadataPlan is what a request asks, by name.
type metadataPlan struct {
	img    *meta.Image
	all    bool
	topics []metadataTarget
	create bool
}

type metadataTarget struct {
	asked *string // as the client named it; nil where it gave an id
	id    meta.TopicID
	topic *meta.Topic
}

func (t *metadataTarget) name() string {
	switch {
	case t.topic != nil:
		return t.topic.Name
	case t.asked != nil:
		return *t.asked
	default:
		return ""
	}
}

func (k *Cluster) resolveMetadata(_ *api.Call, q *kmsg.MetadataRequest) *metadataPlan {
	plan := &metadataPlan{img: k.Metadata.Image()}
	plan.all = q.Topics == nil || q.Version == 0 && len(q.Topics) == 0
	plan.create = !plan.all && (q.Version < 4 || q.AllowAutoTopicCreation) && k.Topics.Defaults.AutoCreateTopics()
	if plan.all {
		plan.img.Topics(func(t *meta.Topic) bool {
			plan.topics = append(plan.topics, metadataTarget{topic: t})
			return true
		})
		return plan
	}
	for i := range q.Topics {
		target := metadataTarget{asked: q.Topics[i].Topic, id: q.Topics[i].TopicID}
		if target.asked != nil {
			target.topic = plan.img.Topic(*target.asked)
		} else {
			target.topic = plan.img.TopicByID(target.id)
		}
		plan.topics = append(plan.topics, target)
	}
	return plan
}

func (p *metadataPlan) needs(q *kmsg.MetadataRequest) []authz.Need {
	var each []authz.Need
	if q.IncludeClusterAuthorizedOperations || p.create {
		each = append(each, operationProbes(authz.Cluster, authz.ClusterName)...)
	}
	for i := range p.topics {
		name := p.topics[i].name()
		if name == "" {
			continue
		}
		describe := need(authz.Describe, authz.Topic, name)
		describe.Probe = p.all
		each = append(each, describe)
		if p.create && p.topics[i].topic == nil {
			each = append(each, probe(authz.Create, authz.Topic, name))
		}
		if q.IncludeTopicAuthorizedOperations {
			each = append(each, operationProbes(authz.Topic, name)...)
		}
	}
	return each
}

func (k *Cluster) handleMetadata(ctx context.Context, c *api.Call, q *kmsg.MetadataRequest, plan *metadataPlan) api.Answer {
	resp := q.ResponseKind().(*kmsg.MetadataResponse)
	brokersOn(plan.img, c.Conn.Listener, false, func(b *meta.Broker, e meta.Endpoint) {
		out := kmsg.NewMetadataResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack = b.ID, e.Host, e.Port, rackOf(b)
		resp.Brokers = append(resp.Brokers, out)
	})
	cluster := plan.img.ClusterID()
	resp.ClusterID, resp.ControllerID, resp.AuthorizedOperations = &cluster, k.ControllerID(), noOperations
	if q.IncludeClusterAuthorizedOperations && q.Version <= 10 {
		resp.AuthorizedOperations = grantedOperations(c.Granted, authz.Cluster, authz.ClusterName)
	}
	for i := range plan.topics {
		if answer, shown := k.metadataOf(ctx, c, q, plan, &plan.topics[i]); shown {
			resp.Topics = append(resp.Topics, answer)
		}
	}
	return api.Now(resp)
}

func (k *Cluster) metadataOf(ctx context.Context, c *api.Call, q *kmsg.MetadataRequest, plan *metadataPlan, t *metadataTarget) (kmsg.MetadataResponseTopic, bool) {
	name := t.name()
	allowed := name != "" && c.Granted.Has(authz.Describe, authz.Topic, name)
	switch {
	case plan.all && !allowed:
		return kmsg.MetadataResponseTopic{}, false
	case t.asked == nil && !plan.all && (t.topic == nil || !allowed):
		return metadataFailed(nil, t.id, wire.UnknownTopicID), true
	case !allowed:
		return metadataFailed(t.asked, meta.TopicID{}, wire.TopicAuthorizationFailed), true
	case t.topic == nil:
		return k.metadataOfMissing(ctx, c, plan, name), true
	}
	return k.metadataFound(c, q, t.topic), true
}

// metadataOfMissing creates a topic that is not there, where that is allowed.
func (k *Cluster) metadataOfMissing(ctx context.Context, c *api.Call, plan *metadataPlan, name string) kmsg.MetadataResponseTopic {
	if !plan.create {
		return metadataFailed(&name, meta.TopicID{}, wire.UnknownTopicOrPartition)
	}
	if !mayCreate(c.Granted, name) {
		return metadataFailed(&name, meta.TopicID{}, wire.TopicAuthorizationFailed)
	}
	asked := &kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: -1, ReplicationFactor: -1}
	created, err := k.Topics.newTopic(plan.img, asked)
	if err != nil {
		return metadataFailed(&name, meta.TopicID{}, wire.CodeOf(err))
	}
	command := &meta.CreateTopics{Origin: originOf(c), Topics: []meta.NewTopic{created}}
	code := wire.LeaderNotAvailable // the client asks again, and finds it
	k.Topics.commitTopics(ctx, false, plan.img, command, func(_ int, err error) {
		if c := wire.CodeOf(err); c != wire.TopicAlreadyExists {
			code = c
		}
	})
	return metadataFailed(&name, meta.TopicID{}, code)
}

func metadataFailed(name *string, id meta.TopicID, code int16) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.ErrorCode = name, id, code
	out.AuthorizedOperations = noOperations
	return out
}

func (k *Cluster) metadataFound(c *api.Call, q *kmsg.MetadataRequest, t *meta.Topic) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.IsInternal = &t.Name, t.ID, t.Internal
	out.AuthorizedOperations = noOperations
	if q.IncludeTopicAuthorizedOperations {
		out.AuthorizedOperations = grantedOperations(c.Granted, authz.Topic, t.Name)
	}
	out.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	for i := range t.Partitions {
		p, to := &t.Partitions[i], &out.Partitions[i]
		to.Default()
		to.Partition, to.Leader, to.LeaderEpoch = int32(i), p.Leader, p.LeaderEpoch //nolint:gosec // partitions are far below 2^31
		to.Replicas, to.ISR = p.Replicas, p.ISR
		if k.Offline(t.Name, to.Partition) {
			to.ErrorCode, to.Leader, to.OfflineReplicas = wire.LeaderNotAvailable, -1, p.Replicas
		}
	}
	return out
}
