package handler

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const noAuthorizer = "No Authorizer is configured."

// createACLs is API 30, versions 1-3.
func (s *Security) createACLs() api.Row {
	return api.Spec[*kmsg.CreateACLsRequest, struct{}]{
		Row: api.Row{Key: 30, Name: "CreateAcls", Min: 1, Max: 3, Gate: api.Authenticated, MaxBytes: securityFrame},
		Needs: func(*api.Call, *kmsg.CreateACLsRequest, struct{}) authz.Needs {
			return onCluster(authz.Alter)
		},
		Refuse: func(_ *api.Call, q *kmsg.CreateACLsRequest, code int16) kmsg.Response {
			return createdNone(q, code, nil)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.CreateACLsRequest, _ struct{}) api.Answer {
			return api.Now(s.create(ctx, c, q))
		},
	}.Build()
}

func createdNone(q *kmsg.CreateACLsRequest, code int16, message *string) *kmsg.CreateACLsResponse {
	resp := q.ResponseKind().(*kmsg.CreateACLsResponse)
	for range q.Creations {
		r := kmsg.NewCreateACLsResponseResult()
		r.ErrorCode, r.ErrorMessage = code, message
		resp.Results = append(resp.Results, r)
	}
	return resp
}

// create answers each ACL by itself: those that are valid are created, whatever becomes of the others.
func (s *Security) create(ctx context.Context, c *api.Call, q *kmsg.CreateACLsRequest) *kmsg.CreateACLsResponse {
	switch {
	case s.NoAuthorizer:
		return createdNone(q, wire.SecurityDisabled, kmsg.StringPtr(noAuthorizer))
	case len(q.Creations) > aclsPerRequest:
		return createdNone(q, wire.PolicyViolation, kmsg.StringPtr(excessive))
	}
	resp := createdNone(q, wire.None, nil)
	command := &meta.CreateACLs{Origin: originOf(c), Approval: s.Approvals.rule(c, s.Metadata.Image())}
	var places []int
	for i := range q.Creations {
		b := bindingOf(&q.Creations[i])
		if why := invalidACL(b); why != "" {
			resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage = wire.InvalidRequest, kmsg.StringPtr(why)
			continue
		}
		command.Bindings = append(command.Bindings, b)
		places = append(places, i)
	}
	if len(places) == 0 {
		return resp
	}
	result, err := s.Metadata.Propose(ctx, command)
	code, message := proposalFailure(err)
	for item, i := range places {
		r := &resp.Results[i]
		r.ErrorCode, r.ErrorMessage = code, message
		if err == nil {
			r.ErrorCode, r.ErrorMessage = result.Items[item].Code, textOrNil(result.Items[item].Message)
		}
	}
	return resp
}

func bindingOf(q *kmsg.CreateACLsRequestCreation) authz.Binding {
	return authz.Binding{
		Type: enum[authz.ResourceType](q.ResourceType), Name: q.ResourceName, Pattern: enum[authz.PatternType](q.ResourcePatternType),
		Principal: q.Principal, Host: q.Host, Operation: enum[authz.Operation](q.Operation),
		Permission: enum[authz.Permission](q.PermissionType),
	}
}

// invalidACL says what is wrong with a new ACL, "" for nothing, in the words of Apache Kafka's broker (AclApis,
// AclControlManager.validateNewAcl) where it has some.
func invalidACL(b authz.Binding) string {
	switch {
	case !isText(b.Name, b.Principal, b.Host):
		return "Resource name, principal and host have to be UTF-8"
	case b.Type == authz.Cluster && b.Name != authz.ClusterName:
		return "The only valid name for the CLUSTER resource is " + authz.ClusterName
	case b.Name == "":
		return "Invalid empty resource name"
	case !b.Type.Concrete():
		return "Invalid resourceType " + b.Type.String()
	case !b.Pattern.Concrete():
		return "Invalid patternType " + b.Pattern.String()
	case !b.Operation.Concrete():
		return "Invalid operation " + b.Operation.String()
	case !b.Permission.Concrete():
		return "Invalid permissionType " + b.Permission.String()
	case !strings.Contains(b.Principal, ":"):
		return "Could not parse principal from `" + b.Principal +
			"` (no colon is present separating the principal type from the principal name)"
	}
	if err := b.Validate(); err != nil {
		return err.Error()
	}
	return ""
}
