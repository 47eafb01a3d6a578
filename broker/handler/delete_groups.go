package handler

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// deleteGroups is API 42, versions 0-3. The intent is in the audit log before a group goes.
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

// deletedAtOnce is how many groups go behind one intent, so that the audit records of a request are never all in memory.
const deletedAtOnce = 256

func (g *Groups) delete(ctx context.Context, c *api.Call, q *kmsg.DeleteGroupsRequest, _ struct{}) api.Answer {
	ids := distinct(q.Groups)
	allowed := make([]string, 0, len(ids))
	for _, id := range ids {
		if c.Granted.Has(authz.Delete, authz.Group, id) {
			allowed = append(allowed, id)
		}
	}
	origin, codes := originOf(c), make(map[string]int16, len(allowed))
	for some := range slices.Chunk(allowed, deletedAtOnce) {
		g.deleteSome(ctx, origin, some, codes)
	}
	resp := kmsg.NewPtrDeleteGroupsResponse()
	resp.Version = q.Version
	for _, id := range ids {
		code, deleted := codes[id]
		if !deleted {
			code = wire.GroupAuthorizationFailed
		}
		resp.Groups = append(resp.Groups, deletedGroup(id, code))
	}
	return api.Now(resp)
}

// deleteSome deletes groups, with an intent before and the outcome behind it, and notes what became of each.
func (g *Groups) deleteSome(ctx context.Context, origin meta.Origin, ids []string, codes map[string]int16) {
	records := g.deletedGroups(ctx, origin, ids)
	if code := intend(ctx, g.Changes, records); code != wire.None {
		for _, id := range ids {
			codes[id] = code
		}
	} else {
		g.deleteNow(ctx, ids, codes)
	}
	for i := range records {
		records[i].Outcome = codes[ids[i]]
	}
	g.Changes.Done(context.WithoutCancel(ctx), records)
}

func (g *Groups) deleteNow(ctx context.Context, ids []string, codes map[string]int16) {
	waits := make([]waiting, len(ids))
	for i, id := range ids {
		waits[i] = g.Coordinator.SendGroup(ctx, id, group.Delete{Group: id})
	}
	for i, id := range ids {
		codes[id] = awaitConsent(ctx, waits[i])
	}
}

func deletedGroup(id string, code int16) kmsg.DeleteGroupsResponseGroup {
	one := kmsg.NewDeleteGroupsResponseGroup()
	one.Group, one.ErrorCode = id, code
	return one
}

// distinct keeps the first of each value.
func distinct[T comparable](values []T) []T {
	seen := make(map[T]struct{}, len(values))
	list := make([]T, 0, len(values))
	for _, v := range values {
		if _, twice := seen[v]; !twice {
			seen[v] = struct{}{}
			list = append(list, v)
		}
	}
	return list
}
