package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// namedProtocol is the first version of SyncGroup that has to name the group's protocol (KIP-559).
const namedProtocol = 5

// syncGroup is API 14, versions 0-5. It waits for the leader's assignment.
func (g *Groups) syncGroup() api.Row {
	return api.Spec[*kmsg.SyncGroupRequest, struct{}]{
		Row: api.Row{Key: 14, Name: "SyncGroup", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: memberFrame, Recheck: true},
		Needs: func(_ *api.Call, q *kmsg.SyncGroupRequest, _ struct{}) authz.Needs {
			return wholeGroup(authz.Read, q.Group)
		},
		Refuse: refuseSync,
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.SyncGroupRequest, _ struct{}) api.Answer {
			if q.Group == "" {
				return api.Now(refuseSync(c, q, wire.InvalidGroupID))
			}
			if q.Version >= namedProtocol && (q.ProtocolType == nil || q.Protocol == nil) {
				return api.Now(refuseSync(c, q, wire.InconsistentGroupProtocol))
			}
			resp, code := askGroup[*kmsg.SyncGroupResponse](ctx, g, q.Group, group.Sync{SyncGroupRequest: q})
			if code != wire.None {
				return api.Now(refuseSync(c, q, code))
			}
			resp.Version = q.Version
			return api.Now(resp)
		},
	}.Build()
}

func refuseSync(_ *api.Call, q *kmsg.SyncGroupRequest, code int16) kmsg.Response {
	resp := kmsg.NewPtrSyncGroupResponse()
	resp.Version, resp.ErrorCode = q.Version, code
	return resp
}
