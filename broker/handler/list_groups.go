package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
)

// groupFilters bounds each filter of a ListGroups request: every coordinator compares every group with it, and there are fewer
// states and types than this.
const groupFilters = 64

// listedGroups are the groups that are here, before anybody asks who may see them.
type listedGroups struct {
	groups []kmsg.ListGroupsResponseGroup
	code   int16
}

// listGroups is API 16, versions 0-5. DESCRIBE on the cluster shows all groups, DESCRIBE on a group shows that one.
func (g *Groups) listGroups() api.Row {
	return api.Spec[*kmsg.ListGroupsRequest, listedGroups]{
		Row:     api.Row{Key: 16, Name: "ListGroups", Min: 0, Max: 5, Gate: api.Authenticated, MaxBytes: groupFrame, Recheck: true},
		Resolve: func(_ *api.Call, q *kmsg.ListGroupsRequest) listedGroups { return g.allGroups(q) },
		Needs: func(_ *api.Call, _ *kmsg.ListGroupsRequest, all listedGroups) authz.Needs {
			needs := authz.Needs{Each: make([]authz.Need, 0, len(all.groups)+1)}
			needs.Each = append(needs.Each, authz.Need{Op: authz.Describe, On: authz.TheCluster(), Probe: true})
			for i := range all.groups {
				needs.Each = append(needs.Each, probe(authz.Describe, authz.Group, all.groups[i].Group))
			}
			return needs
		},
		Refuse: func(_ *api.Call, q *kmsg.ListGroupsRequest, code int16) kmsg.Response {
			resp := kmsg.NewPtrListGroupsResponse()
			resp.Version, resp.ErrorCode = q.Version, code
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.ListGroupsRequest, all listedGroups) api.Answer {
			resp := kmsg.NewPtrListGroupsResponse()
			resp.Version, resp.ErrorCode = q.Version, all.code
			every := c.Granted.Has(authz.Describe, authz.Cluster, authz.ClusterName)
			for _, one := range all.groups {
				if every || c.Granted.Has(authz.Describe, authz.Group, one.Group) {
					resp.Groups = append(resp.Groups, one)
				}
			}
			return api.Now(resp)
		},
	}.Build()
}

// allGroups asks every coordinator that is here. One that is still being loaded makes the client ask again.
func (g *Groups) allGroups(q *kmsg.ListGroupsRequest) listedGroups {
	if len(q.StatesFilter) > groupFilters || len(q.TypesFilter) > groupFilters {
		return listedGroups{code: wire.InvalidRequest}
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	var all listedGroups
	waits := g.Coordinator.SendEach(ctx, group.List{States: q.StatesFilter, Types: q.TypesFilter})
	all.groups, all.code = gather[kmsg.ListGroupsResponseGroup](ctx, waits)
	return all
}
