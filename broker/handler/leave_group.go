package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// leaveMany is the first version of LeaveGroup that names several members (KIP-345).
const leaveMany = 3

// leaveGroup is API 13, versions 0-5.
func (g *Groups) leaveGroup() api.Row {
	return api.Spec[*kmsg.LeaveGroupRequest, struct{}]{
		Row: api.Row{Key: 13, Name: "LeaveGroup", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: groupFrame},
		Needs: func(_ *api.Call, q *kmsg.LeaveGroupRequest, _ struct{}) authz.Needs {
			return wholeGroup(authz.Read, q.Group)
		},
		Refuse: refuseLeave,
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.LeaveGroupRequest, _ struct{}) api.Answer {
			if q.Group == "" {
				return api.Now(refuseLeave(c, q, wire.InvalidGroupID))
			}
			if q.Version < leaveMany {
				one := kmsg.NewLeaveGroupRequestMember()
				one.MemberID = q.MemberID
				q.Members = []kmsg.LeaveGroupRequestMember{one}
			}
			resp, code := askGroup[*kmsg.LeaveGroupResponse](ctx, g, q.Group, group.Leave{LeaveGroupRequest: q})
			if code != wire.None {
				return api.Now(refuseLeave(c, q, code))
			}
			resp.Version = q.Version
			if q.Version < leaveMany {
				resp.ErrorCode = resp.Members[0].ErrorCode
			}
			return api.Now(resp)
		},
	}.Build()
}

func refuseLeave(_ *api.Call, q *kmsg.LeaveGroupRequest, code int16) kmsg.Response {
	resp := kmsg.NewPtrLeaveGroupResponse()
	resp.Version, resp.ErrorCode = q.Version, code
	return resp
}
