package handler

import (
	"context"
	"crypto/rand"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// joinGroup is API 11, versions 0-9. It waits for the group's rebalance.
func (g *Groups) joinGroup() api.Row {
	return api.Spec[*kmsg.JoinGroupRequest, struct{}]{
		Row: api.Row{Key: 11, Name: "JoinGroup", Min: 0, Max: 9, Gate: api.Authenticated, MaxBytes: memberFrame, Recheck: true},
		Needs: func(_ *api.Call, q *kmsg.JoinGroupRequest, _ struct{}) authz.Needs {
			return wholeGroup(authz.Read, q.Group)
		},
		Refuse: refuseJoin,
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.JoinGroupRequest, _ struct{}) api.Answer {
			if q.Group == "" {
				return api.Now(refuseJoin(c, q, wire.InvalidGroupID))
			}
			image := g.Image()
			join := group.Join{
				JoinGroupRequest: q, ClientID: c.ClientID, ClientHost: memberHost(c), Nonce: rand.Text(),
				Topics: groupTopics{image}, Settings: g.consumerSettings(image, q.Group),
			}
			resp, code := askGroup[*kmsg.JoinGroupResponse](ctx, g, q.Group, join)
			if code != wire.None {
				return api.Now(refuseJoin(c, q, code))
			}
			resp.Version = q.Version
			return api.Now(resp)
		},
	}.Build()
}

func refuseJoin(_ *api.Call, q *kmsg.JoinGroupRequest, code int16) kmsg.Response {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Version, resp.ErrorCode, resp.MemberID = q.Version, code, q.MemberID
	return resp
}
