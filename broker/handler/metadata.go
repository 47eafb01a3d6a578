package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Versions of Metadata that differ in more than their fields.
const (
	// autoCreateFlag is the first that lets the client say whether topics may be created.
	autoCreateFlag = 4
	// listenerNotFound is the first that knows LISTENER_NOT_FOUND.
	listenerNotFound = 6
	// clusterOperations is the last that carries the cluster's authorized operations; DescribeCluster does it since.
	clusterOperations = 10
	// topicsByID is the first in which a topic may be named by id; the two before have the field and do not serve it.
	topicsByID = 12
)

// metadata is API 3, versions 0-13. "All" is an empty list in version 0 and null from version 1 on; what may not be described is
// left out of it, while a topic that is named fails. A topic that is missing is created where the broker's configuration and
// CREATE allow it.
func (k *Cluster) metadata() api.Row {
	return api.Spec[*kmsg.MetadataRequest, *metadataPlan]{
		Row:     api.Row{Key: 3, Name: "Metadata", Min: 0, Max: 13, Gate: api.Authenticated, MaxBytes: describeFrame, Recheck: true},
		Resolve: k.resolveMetadata,
		Needs: func(_ *api.Call, q *kmsg.MetadataRequest, plan *metadataPlan) authz.Needs {
			return plan.needs(q)
		},
		Refuse: func(_ *api.Call, q *kmsg.MetadataRequest, code int16) kmsg.Response { return metadataRefused(q, code) },
		Handle: k.handleMetadata,
	}.Build()
}

func metadataRefused(q *kmsg.MetadataRequest, code int16) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.MetadataResponse)
	for i := range q.Topics {
		resp.Topics = append(resp.Topics, metadataFailed(q.Topics[i].Topic, q.Topics[i].TopicID, code))
	}
	return resp
}

// metadataPlan is what a request asks, by name.
type metadataPlan struct {
	img     *meta.Image
	all     bool
	invalid bool
	topics  []metadataTarget
	create  bool
}

type metadataTarget struct {
	asked *string // as the client named it; nil where it gave an id
	id    meta.TopicID
	topic *meta.Topic
	// failure is why a missing topic could not be created, None where that was not tried.
	failure int16
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

func (k *Cluster) resolveMetadata(c *api.Call, q *kmsg.MetadataRequest) *metadataPlan {
	plan := &metadataPlan{img: k.Metadata.Image()}
	plan.all = q.Topics == nil || q.Version == 0 && len(q.Topics) == 0
	plan.create = !plan.all && (q.Version < autoCreateFlag || q.AllowAutoTopicCreation) && k.Topics.Defaults.AutoCreateTopics()
	if plan.all {
		plan.img.Topics(func(t *meta.Topic) bool {
			plan.topics = append(plan.topics, metadataTarget{topic: t})
			return true
		})
		return plan
	}
	plan.name(q)
	if plan.create {
		k.Topics.Creations.begin(c, plan.missing(), false, k.Metadata.Image)
	}
	return plan
}

// missing is how many topics are named that do not exist.
func (p *metadataPlan) missing() (n int) {
	for i := range p.topics {
		if t := &p.topics[i]; t.topic == nil && t.asked != nil {
			n++
		}
	}
	return n
}

// name takes up the topics that are named, each once: an answer must not grow by repeating the question.
func (p *metadataPlan) name(q *kmsg.MetadataRequest) {
	names, ids := map[string]bool{}, map[meta.TopicID]bool{}
	for i := range q.Topics {
		target := metadataTarget{asked: q.Topics[i].Topic, id: q.Topics[i].TopicID}
		p.invalid = p.invalid || q.Version < topicsByID && (target.asked == nil || !target.id.IsZero())
		if !target.id.IsZero() {
			target.asked = nil // Java's client sends an empty name with an id: the id counts
		}
		if target.asked != nil {
			if names[*target.asked] {
				continue
			}
			names[*target.asked] = true
			target.topic = p.img.Topic(*target.asked)
		} else {
			if ids[target.id] {
				continue
			}
			ids[target.id] = true
			target.topic = p.img.TopicByID(target.id)
		}
		p.topics = append(p.topics, target)
	}
}

func (p *metadataPlan) needs(q *kmsg.MetadataRequest) authz.Needs {
	needs := authz.Needs{Each: make([]authz.Need, 0, len(p.topics))}
	if q.IncludeClusterAuthorizedOperations {
		needs.Operations = append(needs.Operations, authz.TheCluster())
	}
	for i := range p.topics {
		name := p.topics[i].name()
		if name == "" && p.topics[i].asked == nil {
			continue // an unknown id
		}
		describe := need(authz.Describe, authz.Topic, name)
		describe.Probe = p.all
		needs.Each = append(needs.Each, describe)
		if p.create && p.topics[i].topic == nil {
			needs.Each = append(needs.Each, mayCreate(name))
		}
		if q.IncludeTopicAuthorizedOperations {
			needs.Operations = append(needs.Operations, describe.On)
		}
	}
	return needs
}

func (k *Cluster) handleMetadata(ctx context.Context, c *api.Call, q *kmsg.MetadataRequest, plan *metadataPlan) api.Answer {
	log := k.Topics.Creations.log(c, !plan.create, k.Metadata)
	defer log.end()
	if plan.invalid {
		return api.Now(metadataRefused(q, wire.InvalidRequest))
	}
	if plan.create {
		k.createMissing(ctx, c, plan, log)
	}
	resp := q.ResponseKind().(*kmsg.MetadataResponse)
	reach := reachOf(plan.img, c.Conn.Listener)
	brokersOn(plan.img, c.Conn.Listener, false, func(b *meta.Broker, e meta.Endpoint) {
		out := kmsg.NewMetadataResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack = b.ID, e.Host, e.Port, rackOf(b)
		resp.Brokers = append(resp.Brokers, out)
	})
	cluster := plan.img.ClusterID()
	resp.ClusterID, resp.ControllerID, resp.AuthorizedOperations = &cluster, k.ControllerID(), noOperations
	if q.IncludeClusterAuthorizedOperations && q.Version <= clusterOperations {
		resp.AuthorizedOperations = clusterOperationsOf(c.Granted)
	}
	for i := range plan.topics {
		t := &plan.topics[i]
		if plan.all && !c.Granted.Has(authz.Describe, authz.Topic, t.name()) {
			continue
		}
		resp.Topics = append(resp.Topics, k.metadataOf(c, q, t, reach))
	}
	return api.Now(resp)
}

// createMissing creates the topics that are named and missing, in one command, and takes up those that are there then.
func (k *Cluster) createMissing(ctx context.Context, c *api.Call, plan *metadataPlan, log MetadataLog) {
	command := &meta.CreateTopics{Origin: originOf(c)}
	var targets []*metadataTarget
	left, quota := controller.MaxPartitions, &mutations{quotas: k.Topics.Quotas, call: c, strict: true}
	for i := range plan.topics {
		t := &plan.topics[i]
		if t.topic != nil || t.asked == nil || !c.Granted.Has(authz.Describe, authz.Topic, *t.asked) {
			continue
		}
		created, err := k.autoTopic(c, plan.img, *t.asked, left)
		if err != nil {
			t.failure = wire.CodeOf(err)
			continue
		}
		if quota.take(len(created.Replicas)) != nil {
			t.failure = wire.UnknownTopicOrPartition // the client asks again; of quotas it knows nothing here
			continue
		}
		left -= len(created.Replicas)
		command.Topics, targets = append(command.Topics, created), append(targets, t)
	}
	if len(targets) == 0 {
		return
	}
	commit(ctx, log, plan.img, command, len(command.Topics), false, func(i int, err error) {
		switch code := wire.CodeOf(err); code {
		case wire.TopicAlreadyExists: // somebody else was faster
		case wire.RequestTimedOut, wire.NotController:
			targets[i].failure = wire.LeaderNotAvailable // the client asks again
		default:
			targets[i].failure = code
		}
	})
	plan.img = k.Metadata.Image()
	for _, t := range targets {
		t.topic = plan.img.Topic(*t.asked)
	}
}

func (k *Cluster) autoTopic(c *api.Call, img *meta.Image, name string, left int) (meta.NewTopic, error) {
	if !c.Granted.Met(mayCreate(name)) {
		return meta.NewTopic{}, wire.Errorf(wire.TopicAuthorizationFailed, "Authorization failed.")
	}
	if k.Topics.Defaults.DefaultPartitions() > left {
		return meta.NewTopic{}, wire.Errorf(wire.PolicyViolation, "Excessively large number of partitions per request.")
	}
	return k.Topics.newTopic(img, &kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: -1, ReplicationFactor: -1})
}

// metadataOf answers for one topic. A topic that may not be described is not even looked for; an id is no secret, but the name
// behind it is.
func (k *Cluster) metadataOf(c *api.Call, q *kmsg.MetadataRequest, t *metadataTarget, reach reach) kmsg.MetadataResponseTopic {
	name := t.name()
	switch {
	case name == "" && t.asked == nil:
		return metadataFailed(nil, t.id, wire.UnknownTopicID)
	case !c.Granted.Has(authz.Describe, authz.Topic, name):
		return metadataFailed(t.asked, t.id, wire.TopicAuthorizationFailed)
	case t.topic != nil:
		return k.metadataFound(c, q, t.topic, reach)
	case t.failure != wire.None:
		return metadataFailed(t.asked, meta.TopicID{}, t.failure)
	}
	out := metadataFailed(t.asked, meta.TopicID{}, missingTopic(name))
	if q.IncludeTopicAuthorizedOperations {
		out.AuthorizedOperations = grantedOperations(c.Granted, authz.Topic, name)
	}
	return out
}

// missingTopic is the code for a topic that is not there.
func missingTopic(name string) int16 {
	if controller.ValidateTopicName(name) != nil {
		return wire.InvalidTopicException
	}
	return wire.UnknownTopicOrPartition
}

func metadataFailed(name *string, id meta.TopicID, code int16) kmsg.MetadataResponseTopic {
	out := kmsg.NewMetadataResponseTopic()
	out.Topic, out.TopicID, out.ErrorCode = name, id, code
	out.AuthorizedOperations = noOperations
	return out
}

func (k *Cluster) metadataFound(c *api.Call, q *kmsg.MetadataRequest, t *meta.Topic, reach reach) kmsg.MetadataResponseTopic {
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
		to.Partition, to.LeaderEpoch = int32(i), p.LeaderEpoch //nolint:gosec // partitions are far below 2^31
		to.Replicas, to.ISR, to.OfflineReplicas = p.Replicas, p.ISR, reach.offline(p.Replicas)
		to.ErrorCode, to.Leader = reach.leader(p.Leader)
		if k.Offline(t.Name, to.Partition) {
			to.ErrorCode, to.Leader, to.OfflineReplicas = wire.LeaderNotAvailable, noLeader, p.Replicas
		}
		if to.ErrorCode == wire.ListenerNotFound && q.Version < listenerNotFound {
			to.ErrorCode = wire.LeaderNotAvailable
		}
	}
	return out
}
