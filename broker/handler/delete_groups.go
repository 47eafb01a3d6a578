package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// deleteGroups is API 42, versions 0-3.
func (g *Groups) deleteGroups() api.Row {
	return api.Spec[*kmsg.DeleteGroupsRequest, struct{}]{
		Row: api.Row{Key: 42, Name: "DeleteGroups", Min: 0, Max: 3, Gate: api.Authenticated, MaxBytes: groupFrame},
		Needs: func(_ *api.Call, q *kmsg.DeleteGroupsRequest, _ struct{}) authz.Needs {
			var needs authz.Needs
			for _, id := range distinct(q.Groups) {
				needs.Each = append(needs.Each, onGroup(authz.Delete, id))
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.DeleteGroupsRequest, code int16) kmsg.Response {
			resp := kmsg.NewPtrDeleteGroupsResponse()
			resp.Version = q.Version
			for _, id := range distinct(q.Groups) {
				resp.Groups = append(resp.Groups, deletedGroup(id, code))
			}
			return resp
		},
		Handle: g.delete,
	}.Build()
}

func (g *Groups) delete(ctx context.Context, c *api.Call, q *kmsg.DeleteGroupsRequest, _ struct{}) api.Answer {
	resp := kmsg.NewPtrDeleteGroupsResponse()
	resp.Version = q.Version
	ids := distinct(q.Groups)
	waits := make([]func(context.Context) (any, error), len(ids))
	for i, id := range ids {
		if c.Granted.Has(authz.Delete, authz.Group, id) {
			waits[i] = g.Coordinator.SendGroup(ctx, id, group.Delete{Group: id})
		}
	}
	for i, id := range ids {
		code := wire.GroupAuthorizationFailed
		if waits[i] != nil {
			_, code = awaitGroup[any](ctx, waits[i])
		}
		resp.Groups = append(resp.Groups, deletedGroup(id, code))
	}
	return api.Now(resp)
}

func deletedGroup(id string, code int16) kmsg.DeleteGroupsResponseGroup {
	one := kmsg.NewDeleteGroupsResponseGroup()
	one.Group, one.ErrorCode = id, code
	return one
}

// distinct keeps the first of each name.
func distinct(names []string) []string {
	seen := make(map[string]struct{}, len(names))
	list := make([]string, 0, len(names))
	for _, name := range names {
		if _, twice := seen[name]; !twice {
			seen[name] = struct{}{}
			list = append(list, name)
		}
	}
	return list
}
