package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// brokerEndpoints is the endpoint type of DescribeCluster that this listener answers (KIP-919).
const brokerEndpoints = 1

// describeCluster is API 60, versions 0-2. Version 1 asks for brokers or controllers; version 2 shows fenced brokers.
func (k *Cluster) describeCluster() api.Row {
	return api.Spec[*kmsg.DescribeClusterRequest, *meta.Image]{
		Row:     api.Row{Key: 60, Name: "DescribeCluster", Min: 0, Max: 2, Gate: api.Authenticated, MaxBytes: entryBody},
		Resolve: func(*api.Call, *kmsg.DescribeClusterRequest) *meta.Image { return k.Metadata.Image() },
		Needs: func(_ *api.Call, q *kmsg.DescribeClusterRequest, _ *meta.Image) authz.Needs {
			if !q.IncludeClusterAuthorizedOperations {
				return authz.Needs{}
			}
			return authz.Needs{Each: operationProbes(authz.Cluster, authz.ClusterName)}
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeClusterRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DescribeClusterResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeClusterRequest, img *meta.Image) api.Answer {
			return api.Now(k.clusterAnswer(c, q, img))
		},
	}.Build()
}

func (k *Cluster) clusterAnswer(c *api.Call, q *kmsg.DescribeClusterRequest, img *meta.Image) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.DescribeClusterResponse)
	resp.EndpointType = brokerEndpoints
	resp.ClusterAuthorizedOperations = noOperations
	if q.Version >= 1 && q.EndpointType != brokerEndpoints {
		message := "This listener answers for brokers; the controllers have no endpoint for clients."
		resp.ErrorCode, resp.ErrorMessage = wire.MismatchedEndpointType, &message
		return resp
	}
	resp.ClusterID, resp.ControllerID = img.ClusterID(), k.ControllerID()
	brokersOn(img, c.Conn.Listener, q.IncludeFencedBrokers, func(b *meta.Broker, e meta.Endpoint) {
		out := kmsg.NewDescribeClusterResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack, out.IsFenced = b.ID, e.Host, e.Port, rackOf(b), b.Fenced
		resp.Brokers = append(resp.Brokers, out)
	})
	if q.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = grantedOperations(c.Granted, authz.Cluster, authz.ClusterName)
	}
	return resp
}
