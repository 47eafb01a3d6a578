package handler

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeMissing is the first version of DescribeGroups that says GROUP_ID_NOT_FOUND; before it, a group that is not there is Dead
// (KIP-1043).
const describeMissing = 6

// describeGroups is API 15, versions 0-6.
func (g *Groups) describeGroups() api.Row {
	return api.Spec[*kmsg.DescribeGroupsRequest, struct{}]{
		Row: api.Row{Key: 15, Name: "DescribeGroups", Min: 0, Max: 6, Gate: api.Authenticated, MaxBytes: groupFrame, Recheck: true},
		Needs: func(_ *api.Call, q *kmsg.DescribeGroupsRequest, _ struct{}) authz.Needs {
			return needGroups(q.Groups, q.IncludeAuthorizedOperations)
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeGroupsRequest, code int16) kmsg.Response {
			resp := kmsg.NewPtrDescribeGroupsResponse()
			resp.Version = q.Version
			for _, id := range q.Groups {
				resp.Groups = append(resp.Groups, undescribed(id, code))
			}
			return resp
		},
		Handle: g.describe,
	}.Build()
}

func (g *Groups) describe(ctx context.Context, c *api.Call, q *kmsg.DescribeGroupsRequest, _ struct{}) api.Answer {
	resp := kmsg.NewPtrDescribeGroupsResponse()
	resp.Version = q.Version
	// A group that is asked for many times is described once, or a small request would make a large answer.
	ids := distinct(q.Groups)
	waits := make([]waiting, len(ids))
	for i, id := range ids {
		if c.Granted.Has(authz.Describe, authz.Group, id) {
			waits[i] = g.Coordinator.SendGroup(ctx, id, group.Describe{Group: id})
		}
	}
	for i, id := range ids {
		if waits[i] == nil {
			resp.Groups = append(resp.Groups, undescribed(id, wire.GroupAuthorizationFailed))
			continue
		}
		described, code := awaitAnswer[*kmsg.DescribeGroupsResponseGroup](ctx, waits[i])
		if code != wire.None {
			resp.Groups = append(resp.Groups, undescribed(id, code))
			continue
		}
		if described.State == group.Dead.String() && q.Version >= describeMissing {
			described.ErrorCode = wire.GroupIDNotFound
			if described.ErrorMessage == nil {
				message := fmt.Sprintf("Group %s not found.", id)
				described.ErrorMessage = &message
			}
		}
		if described.ErrorCode == wire.None && q.IncludeAuthorizedOperations {
			described.AuthorizedOperations = grantedOperations(c.Granted, authz.Group, id)
		}
		resp.Groups = append(resp.Groups, *described)
	}
	return api.Now(resp)
}

func undescribed(id string, code int16) kmsg.DescribeGroupsResponseGroup {
	one := kmsg.NewDescribeGroupsResponseGroup()
	one.Group, one.ErrorCode = id, code
	return one
}
