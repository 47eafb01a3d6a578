package handler

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeFrame caps requests that name topics to look at, in bytes.
const describeFrame = 8 << 20

// noOperations is the authorized-operations field of who has not asked for it (Integer.MIN_VALUE).
const noOperations = -2147483648

// Cluster answers the APIs that describe the cluster, its brokers, topics and partitions, and the one that changes its features.
type Cluster struct {
	Metadata MetadataLog
	Topics   *Topics
	// ControllerID is the node that leads the metadata log, -1 where none is known.
	ControllerID func() int32
	// MaxDescribed is max.request.partition.size.limit: the partitions of one DescribeTopicPartitions answer.
	MaxDescribed int
	// Offline reports whether a partition's log can not be served here.
	Offline func(topic string, partition int32) bool
}

// Rows are the rows of this area.
func (k *Cluster) Rows() []api.Row {
	return []api.Row{k.metadata(), k.describeCluster(), k.describeTopicPartitions(), k.updateFeatures()}
}

// grantedOperations is the authorized-operations field of a resource (KIP-430).
func grantedOperations(g *authz.Granted, t authz.ResourceType, name string) int32 {
	return int32(g.Operations(authz.Resource{Type: t, Name: name})) //nolint:gosec // operations are far below 31
}

// clusterOperationsOf is that field of the cluster: nothing for who may not describe it.
func clusterOperationsOf(g *authz.Granted) int32 {
	bits := grantedOperations(g, authz.Cluster, authz.ClusterName)
	if bits&(1<<authz.Describe) == 0 {
		return 0
	}
	return bits
}

// noLeader is the leader of a partition that has none.
const noLeader = -1

// reach says which brokers a client can reach by its own listener.
type reach map[int32]int16

// reachOf maps each broker that is not fenced to None, or to LISTENER_NOT_FOUND where it has no such listener.
func reachOf(img *meta.Image, listener string) reach {
	out := reach{}
	img.Brokers(func(b *meta.Broker) bool {
		if _, found := b.Endpoint(listener); found {
			out[b.ID] = wire.None
		} else {
			out[b.ID] = wire.ListenerNotFound
		}
		if b.Fenced {
			out[b.ID] = wire.LeaderNotAvailable
		}
		return true
	})
	return out
}

// leader returns the leader and no error, or an error and no leader.
func (r reach) leader(id int32) (code int16, leader int32) {
	code, known := r[id]
	switch {
	case !known:
		return wire.LeaderNotAvailable, noLeader
	case code != wire.None:
		return code, noLeader
	default:
		return wire.None, id
	}
}

// offline lists the replicas that the client can not reach.
func (r reach) offline(replicas []int32) []int32 {
	var out []int32
	for _, id := range replicas {
		if code, known := r[id]; !known || code != wire.None {
			out = append(out, id)
		}
	}
	return out
}

// brokersOn lists the brokers that have a listener of that name.
func brokersOn(img *meta.Image, listener string, fenced bool, yield func(*meta.Broker, meta.Endpoint)) {
	img.Brokers(func(b *meta.Broker) bool {
		if e, found := b.Endpoint(listener); found && (!b.Fenced || fenced) {
			yield(b, e)
		}
		return true
	})
}

func rackOf(b *meta.Broker) *string {
	if b.Rack == "" {
		return nil
	}
	return &b.Rack
}
