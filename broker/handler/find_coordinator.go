package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Types of coordinators (Apache Kafka's FindCoordinatorRequest.CoordinatorType).
const (
	groupCoordinator       = 0
	transactionCoordinator = 1
	shareCoordinator       = 2
)

// manyCoordinators is the first version of FindCoordinator that asks for several keys (KIP-699).
const manyCoordinators = 4

// findCoordinator is API 10, versions 0-6. There are coordinators of groups and of transactions.
func (g *Groups) findCoordinator() api.Row {
	return api.Spec[*kmsg.FindCoordinatorRequest, *meta.Image]{
		Row:     api.Row{Key: 10, Name: "FindCoordinator", Min: 0, Max: 6, Gate: api.Authenticated, MaxBytes: groupFrame},
		Resolve: func(*api.Call, *kmsg.FindCoordinatorRequest) *meta.Image { return g.Image() },
		Needs: func(_ *api.Call, q *kmsg.FindCoordinatorRequest, _ *meta.Image) authz.Needs {
			var needs authz.Needs
			for _, key := range coordinatorKeys(q) {
				if need, known := coordinatorNeed(q.CoordinatorType, key); known {
					needs.Each = append(needs.Each, need)
				}
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.FindCoordinatorRequest, code int16) kmsg.Response {
			return coordinatorAnswer(q, func(key string) kmsg.FindCoordinatorResponseCoordinator { return noCoordinator(key, code) })
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.FindCoordinatorRequest, image *meta.Image) api.Answer {
			return api.Now(coordinatorAnswer(q, func(key string) kmsg.FindCoordinatorResponseCoordinator {
				return g.coordinator(c, q.CoordinatorType, key, image)
			}))
		},
	}.Build()
}

func coordinatorKeys(q *kmsg.FindCoordinatorRequest) []string {
	if q.Version < manyCoordinators {
		return []string{q.CoordinatorKey}
	}
	return q.CoordinatorKeys
}

func coordinatorNeed(kind int8, key string) (need authz.Need, known bool) {
	switch kind {
	case groupCoordinator:
		return onGroup(authz.Describe, key), true
	case transactionCoordinator:
		return authz.Need{Op: authz.Describe, On: authz.Resource{Type: authz.TransactionalID, Name: key}}, true
	case shareCoordinator:
		return authz.Need{Op: authz.ClusterAction, On: authz.TheCluster()}, true
	default:
		return authz.Need{}, false
	}
}

func coordinatorDenied(kind int8) int16 {
	switch kind {
	case groupCoordinator:
		return wire.GroupAuthorizationFailed
	case transactionCoordinator:
		return wire.TransactionalIDAuthorizationFailed
	default:
		return wire.ClusterAuthorizationFailed
	}
}

// topicOf is the topic that coordinators of a kind keep what they know in; "" where there are none of the kind.
func topicOf(kind int8) string {
	switch kind {
	case groupCoordinator:
		return group.Topic
	case transactionCoordinator:
		return txn.Topic
	default:
		return ""
	}
}

// coordinator finds the leader of the partition that keeps a group or a transactional id; partitions are chosen by the same rule. A topic
// that is not there yet is asked for, and the client asks again.
func (g *Groups) coordinator(c *api.Call, kind int8, key string, image *meta.Image) kmsg.FindCoordinatorResponseCoordinator {
	need, known := coordinatorNeed(kind, key)
	if known && !c.Granted.Has(need.Op, need.On.Type, need.On.Name) {
		return noCoordinator(key, coordinatorDenied(kind))
	}
	name := topicOf(kind)
	if name == "" {
		return noCoordinator(key, wire.InvalidRequest)
	}
	topic := image.Topic(name)
	if topic == nil {
		g.CreateTopic(name)
		return noCoordinator(key, wire.CoordinatorNotAvailable)
	}
	partition := g.Coordinator.PartitionOf(key, int32(len(topic.Partitions))) //nolint:gosec // partitions are numbered by int32
	node := topic.Partitions[partition].Leader
	host, port, ok := g.Endpoint(node, c.Conn.Listener)
	if !ok {
		return noCoordinator(key, wire.CoordinatorNotAvailable)
	}
	one := kmsg.NewFindCoordinatorResponseCoordinator()
	one.Key, one.NodeID, one.Host, one.Port = key, node, host, port
	return one
}

func noCoordinator(key string, code int16) kmsg.FindCoordinatorResponseCoordinator {
	one := kmsg.NewFindCoordinatorResponseCoordinator()
	one.Key, one.NodeID, one.Port, one.ErrorCode = key, -1, -1, code
	message := wire.CodeName(code)
	one.ErrorMessage = &message
	return one
}

func coordinatorAnswer(q *kmsg.FindCoordinatorRequest, find func(key string) kmsg.FindCoordinatorResponseCoordinator) kmsg.Response {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	resp.Version = q.Version
	for _, key := range coordinatorKeys(q) {
		resp.Coordinators = append(resp.Coordinators, find(key))
	}
	if q.Version < manyCoordinators {
		one := resp.Coordinators[0]
		resp.ErrorCode, resp.ErrorMessage, resp.NodeID, resp.Host, resp.Port = one.ErrorCode, one.ErrorMessage, one.NodeID, one.Host, one.Port
	}
	return resp
}
