package handler

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Endpoint types of DescribeCluster (KIP-919). This listener answers for brokers.
const (
	brokerEndpoints     = 1
	controllerEndpoints = 2
)

// describeCluster is API 60, versions 0-2. Version 1 asks for brokers or controllers; version 2 shows fenced brokers.
func (k *Cluster) describeCluster() api.Row {
	return api.Spec[*kmsg.DescribeClusterRequest, *meta.Image]{
		Row:     api.Row{Key: 60, Name: "DescribeCluster", Min: 0, Max: 2, Gate: api.Authenticated, MaxBytes: entryBody},
		Resolve: func(*api.Call, *kmsg.DescribeClusterRequest) *meta.Image { return k.Metadata.Image() },
		Needs: func(_ *api.Call, q *kmsg.DescribeClusterRequest, _ *meta.Image) authz.Needs {
			if !q.IncludeClusterAuthorizedOperations {
				return authz.Needs{}
			}
			return authz.Needs{Operations: []authz.Resource{authz.TheCluster()}}
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
		resp.ErrorCode, resp.ErrorMessage = otherEndpoint(q.EndpointType)
		return resp
	}
	resp.ClusterID, resp.ControllerID = img.ClusterID(), k.ControllerID()
	brokersOn(img, c.Conn.Listener, q.IncludeFencedBrokers, func(b *meta.Broker, e meta.Endpoint) {
		out := kmsg.NewDescribeClusterResponseBroker()
		out.NodeID, out.Host, out.Port, out.Rack, out.IsFenced = b.ID, e.Host, e.Port, rackOf(b), b.Fenced
		resp.Brokers = append(resp.Brokers, out)
	})
	if q.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = clusterOperationsOf(c.Granted)
	}
	return resp
}

func otherEndpoint(endpointType int8) (code int16, message *string) {
	if endpointType == controllerEndpoints {
		return wire.MismatchedEndpointType, kmsg.StringPtr("The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER")
	}
	return wire.UnsupportedEndpointType, kmsg.StringPtr(fmt.Sprintf("Unsupported endpoint type %d", endpointType))
}
