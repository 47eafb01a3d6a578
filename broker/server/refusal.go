package server

import (
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/wire"
)

// refusalCode is the error code of a request that is refused whole for want of something on a resource.
func refusalCode(t authz.ResourceType) int16 {
	switch t {
	case authz.Topic:
		return wire.TopicAuthorizationFailed
	case authz.Group:
		return wire.GroupAuthorizationFailed
	case authz.TransactionalID:
		return wire.TransactionalIDAuthorizationFailed
	case authz.DelegationToken, authz.UserResource:
		return wire.DelegationTokenAuthorizationFailed
	default:
		return wire.ClusterAuthorizationFailed
	}
}
