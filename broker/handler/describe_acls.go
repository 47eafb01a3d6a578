package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeACLs is API 29, versions 1-3.
func (s *Security) describeACLs() api.Row {
	return api.Spec[*kmsg.DescribeACLsRequest, struct{}]{
		Row: api.Row{Key: 29, Name: "DescribeAcls", Min: 1, Max: 3, Gate: api.Authenticated, MaxBytes: securityFrame},
		Needs: func(*api.Call, *kmsg.DescribeACLsRequest, struct{}) authz.Needs {
			return onCluster(authz.Describe)
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeACLsRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.DescribeACLsResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, _ *api.Call, q *kmsg.DescribeACLsRequest, _ struct{}) api.Answer {
			return api.Now(s.describe(q))
		},
	}.Build()
}

func (s *Security) describe(q *kmsg.DescribeACLsRequest) *kmsg.DescribeACLsResponse {
	resp := q.ResponseKind().(*kmsg.DescribeACLsResponse)
	f := filterOf(q.ResourceType, q.ResourceName, q.ResourcePatternType, q.Principal, q.Host, q.Operation, q.PermissionType)
	switch {
	case s.NoAuthorizer:
		resp.ErrorCode, resp.ErrorMessage = wire.SecurityDisabled, kmsg.StringPtr(noAuthorizer)
		return resp
	case !f.Known():
		resp.ErrorCode, resp.ErrorMessage = wire.InvalidRequest, kmsg.StringPtr("The filter has unknown elements.")
		return resp
	}
	resp.Resources = byResource(s.Metadata.Image(), f)
	return resp
}

// byResource lists the matching ACLs under their resource patterns, which is how the response has them.
func byResource(img *meta.Image, f authz.Filter) []kmsg.DescribeACLsResponseResource {
	type pattern struct {
		t    authz.ResourceType
		kind authz.PatternType
		name string
	}
	var list []kmsg.DescribeACLsResponseResource
	at := make(map[pattern]int)
	img.MatchingACLs(f, func(b authz.Binding) bool {
		p := pattern{t: b.Type, kind: b.Pattern, name: b.Name}
		i, listed := at[p]
		if !listed {
			i = len(list)
			at[p] = i
			r := kmsg.NewDescribeACLsResponseResource()
			r.ResourceType, r.ResourceName = number[kmsg.ACLResourceType](b.Type), b.Name
			r.ResourcePatternType = number[kmsg.ACLResourcePatternType](b.Pattern)
			list = append(list, r)
		}
		a := kmsg.NewDescribeACLsResponseResourceACL()
		a.Principal, a.Host = b.Principal, b.Host
		a.Operation, a.PermissionType = number[kmsg.ACLOperation](b.Operation), number[kmsg.ACLPermissionType](b.Permission)
		list[i].ACLs = append(list[i].ACLs, a)
		return true
	})
	return list
}
