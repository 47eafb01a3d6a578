package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// deleteACLs is API 31, versions 1-3.
func (s *Security) deleteACLs() api.Row {
	return api.Spec[*kmsg.DeleteACLsRequest, struct{}]{
		Row: api.Row{Key: 31, Name: "DeleteAcls", Min: 1, Max: 3, Gate: api.Authenticated, MaxBytes: securityFrame},
		Needs: func(*api.Call, *kmsg.DeleteACLsRequest, struct{}) authz.Needs {
			return onCluster(authz.Alter)
		},
		Refuse: func(_ *api.Call, q *kmsg.DeleteACLsRequest, code int16) kmsg.Response {
			return deletedNone(q, code, nil)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.DeleteACLsRequest, _ struct{}) api.Answer {
			return api.Now(s.remove(ctx, c, q))
		},
	}.Build()
}

func deletedNone(q *kmsg.DeleteACLsRequest, code int16, message *string) *kmsg.DeleteACLsResponse {
	resp := q.ResponseKind().(*kmsg.DeleteACLsResponse)
	for range q.Filters {
		r := kmsg.NewDeleteACLsResponseResult()
		r.ErrorCode, r.ErrorMessage = code, message
		resp.Results = append(resp.Results, r)
	}
	return resp
}

// remove answers each filter with the ACLs that it removed. A filter with unknown elements removes nothing.
func (s *Security) remove(ctx context.Context, c *api.Call, q *kmsg.DeleteACLsRequest) *kmsg.DeleteACLsResponse {
	if s.NoAuthorizer {
		return deletedNone(q, wire.SecurityDisabled, kmsg.StringPtr(noAuthorizer))
	}
	command := &meta.DeleteACLs{Origin: originOf(c), Approval: s.Approvals.rule(c, s.Metadata.Image())}
	resp := deletedNone(q, wire.None, nil)
	var places []int
	for i := range q.Filters {
		f := &q.Filters[i]
		filter := filterOf(f.ResourceType, f.ResourceName, f.ResourcePatternType, f.Principal, f.Host, f.Operation, f.PermissionType)
		if !filter.Known() {
			resp.Results[i].ErrorCode = wire.InvalidRequest
			resp.Results[i].ErrorMessage = kmsg.StringPtr(unknownIn(filter))
			continue
		}
		command.Filters = append(command.Filters, filter)
		places = append(places, i)
	}
	if len(places) == 0 {
		return resp
	}
	if len(places) > filtersPerRequest || s.removes(command.Filters) > aclsPerRequest {
		return deletedNone(q, wire.PolicyViolation, kmsg.StringPtr(excessive))
	}
	result, err := s.Metadata.Propose(ctx, command)
	if err != nil {
		code, message := proposalFailure(err)
		return deletedNone(q, code, message)
	}
	for item, i := range places {
		resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage = result.Items[item].Code, textOrNil(result.Items[item].Message)
		resp.Results[i].MatchingACLs = removedACLs(result.RemovedACLs[item])
	}
	return resp
}

// unknownIn says which part of a filter is unknown, in the words of Apache Kafka (AclControlManager.validateFilter).
func unknownIn(f authz.Filter) string {
	f.Operation, f.Permission = authz.AnyOperation, authz.AnyPermission
	if f.Known() {
		return "Unknown entryFilter."
	}
	return "Unknown patternFilter."
}

// removes counts the ACLs that the filters match now, up to one more than a request may remove.
func (s *Security) removes(filters []authz.Filter) int {
	matched, img := map[authz.Binding]struct{}{}, s.Metadata.Image()
	for _, f := range filters {
		img.MatchingACLs(f, func(b authz.Binding) bool {
			matched[b] = struct{}{}
			return len(matched) <= aclsPerRequest
		})
	}
	return len(matched)
}

func removedACLs(bindings []authz.Binding) []kmsg.DeleteACLsResponseResultMatchingACL {
	list := make([]kmsg.DeleteACLsResponseResultMatchingACL, 0, len(bindings))
	for _, b := range bindings {
		m := kmsg.NewDeleteACLsResponseResultMatchingACL()
		m.ResourceType, m.ResourceName = number[kmsg.ACLResourceType](b.Type), b.Name
		m.ResourcePatternType = number[kmsg.ACLResourcePatternType](b.Pattern)
		m.Principal, m.Host = b.Principal, b.Host
		m.Operation, m.PermissionType = number[kmsg.ACLOperation](b.Operation), number[kmsg.ACLPermissionType](b.Permission)
		list = append(list, m)
	}
	return list
}
