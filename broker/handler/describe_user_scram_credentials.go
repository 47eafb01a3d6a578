package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeUserSCRAMCredentials is API 50, version 0 (KIP-554). It tells mechanisms and iterations; salts and keys never
// leave the broker.
func (s *Security) describeUserSCRAMCredentials() api.Row {
	return api.Spec[*kmsg.DescribeUserSCRAMCredentialsRequest, struct{}]{
		Row: api.Row{
			Key: 50, Name: "DescribeUserScramCredentials", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: securityFrame,
		},
		Needs: func(*api.Call, *kmsg.DescribeUserSCRAMCredentialsRequest, struct{}) authz.Needs {
			return onCluster(authz.Describe)
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeUserSCRAMCredentialsRequest, code int16) kmsg.Response {
			return describedNone(q, code, nil)
		},
		Handle: func(_ context.Context, _ *api.Call, q *kmsg.DescribeUserSCRAMCredentialsRequest, _ struct{}) api.Answer {
			return api.Now(s.describeUsers(q))
		},
	}.Build()
}

// describedNone is the answer to a request that is refused whole: as many results as users, which name nobody
// (DescribeUserScramCredentialsRequest.getErrorResponse).
func describedNone(q *kmsg.DescribeUserSCRAMCredentialsRequest, code int16, message *string) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	resp.ErrorCode, resp.ErrorMessage = code, message
	for range q.Users {
		r := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
		r.ErrorCode, r.ErrorMessage = code, message
		resp.Results = append(resp.Results, r)
	}
	return resp
}

// describeUsers answers for all users when the request names none (ScramImage.describe).
func (s *Security) describeUsers(q *kmsg.DescribeUserSCRAMCredentialsRequest) kmsg.Response {
	if len(q.Users) > usersPerRequest {
		return describedNone(q, wire.PolicyViolation, kmsg.StringPtr(excessive))
	}
	resp := q.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	img := s.Metadata.Image()
	if len(q.Users) == 0 {
		img.ScramUsers(func(user string, credentials []meta.ScramCredential) bool {
			resp.Results = append(resp.Results, describedUser(user, credentials))
			return true
		})
		return resp
	}
	times := make(map[string]int, len(q.Users))
	for _, u := range q.Users {
		times[u.Name]++
	}
	for _, u := range q.Users {
		switch times[u.Name] {
		case 0:
			continue
		case 1:
			resp.Results = append(resp.Results, describedUser(u.Name, credentialsOf(img, u.Name)))
		default:
			r := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
			r.User, r.ErrorCode = u.Name, wire.DuplicateResource
			r.ErrorMessage = kmsg.StringPtr("Cannot describe SCRAM credentials for the same user twice in a single request: " + u.Name)
			resp.Results = append(resp.Results, r)
		}
		times[u.Name] = 0
	}
	return resp
}

func credentialsOf(img *meta.Image, user string) []meta.ScramCredential {
	var list []meta.ScramCredential
	for _, m := range [...]meta.ScramMechanism{meta.ScramSHA256, meta.ScramSHA512} {
		if c := img.Scram(user, m); c != nil {
			list = append(list, *c)
		}
	}
	return list
}

func describedUser(user string, credentials []meta.ScramCredential) kmsg.DescribeUserSCRAMCredentialsResponseResult {
	r := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
	r.User = user
	if len(credentials) == 0 {
		r.ErrorCode = wire.ResourceNotFound
		r.ErrorMessage = kmsg.StringPtr("Attempt to describe a user credential that does not exist: " + user)
		return r
	}
	for i := range credentials {
		info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
		info.Mechanism = number[int8](credentials[i].Mechanism)
		info.Iterations = int32(credentials[i].Iterations) //nolint:gosec // at most 16384
		r.CredentialInfos = append(r.CredentialInfos, info)
	}
	return r
}
