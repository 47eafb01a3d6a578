package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// heartbeat is API 12, versions 0-4.
func (g *Groups) heartbeat() api.Row {
	return api.Spec[*kmsg.HeartbeatRequest, struct{}]{
		Row: api.Row{Key: 12, Name: "Heartbeat", Min: 0, Max: 4, Gate: api.Authenticated, MaxBytes: groupFrame},
		Needs: func(_ *api.Call, q *kmsg.HeartbeatRequest, _ struct{}) authz.Needs {
			return wholeGroup(authz.Read, q.Group)
		},
		Refuse: refuseHeartbeat,
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.HeartbeatRequest, _ struct{}) api.Answer {
			if q.Group == "" {
				return api.Now(refuseHeartbeat(c, q, wire.InvalidGroupID))
			}
			code := awaitConsent(ctx, g.Coordinator.SendGroup(ctx, q.Group, group.Heartbeat{HeartbeatRequest: q}))
			if code == wire.CoordinatorLoadInProgress {
				// The member's session begins anew when the group is loaded, so nothing is lost by keeping it calm.
				code = wire.None
			}
			return api.Now(refuseHeartbeat(c, q, code))
		},
	}.Build()
}

func refuseHeartbeat(_ *api.Call, q *kmsg.HeartbeatRequest, code int16) kmsg.Response {
	resp := kmsg.NewPtrHeartbeatResponse()
	resp.Version, resp.ErrorCode = q.Version, code
	return resp
}
