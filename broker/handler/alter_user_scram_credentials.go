package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// alterUserSCRAMCredentials is API 51, version 0 (KIP-554). The client sends the salted password; what is kept of it is
// derived here, so that no password, salted or not, reaches the metadata log.
func (s *Security) alterUserSCRAMCredentials() api.Row {
	return api.Spec[*kmsg.AlterUserSCRAMCredentialsRequest, struct{}]{
		Row: api.Row{
			Key: 51, Name: "AlterUserScramCredentials", Min: 0, Max: 0, Gate: api.Authenticated, MaxBytes: securityFrame,
		},
		Needs: func(*api.Call, *kmsg.AlterUserSCRAMCredentialsRequest, struct{}) authz.Needs {
			return onCluster(authz.Alter)
		},
		Refuse: func(_ *api.Call, q *kmsg.AlterUserSCRAMCredentialsRequest, code int16) kmsg.Response {
			return alteredNone(q, code, nil)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.AlterUserSCRAMCredentialsRequest, _ struct{}) api.Answer {
			return api.Now(s.alterUsers(ctx, c, q))
		},
	}.Build()
}

func alteredNone(q *kmsg.AlterUserSCRAMCredentialsRequest, code int16, message *string) kmsg.Response {
	resp := q.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	var users []string
	for i := range q.Deletions {
		users = append(users, q.Deletions[i].Name)
	}
	for i := range q.Upsertions {
		users = append(users, q.Upsertions[i].Name)
	}
	for _, u := range distinct(users) {
		resp.Results = append(resp.Results, alteredUser(u, code, message))
	}
	return resp
}

func alteredUser(user string, code int16, message *string) kmsg.AlterUserSCRAMCredentialsResponseResult {
	r := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
	r.User, r.ErrorCode, r.ErrorMessage = user, code, message
	return r
}

// alterations are what a request asks for, by user.
type alterations struct {
	users []string
	// failed holds the first thing that is wrong with a user's change, nil for nothing.
	failed map[string]*wire.Error
	// credentials holds what is to be kept of the valid ones that are set.
	credentials map[string]meta.ScramCredential
}

// ask notes a change of a user. He may stand in a request once, whatever the mechanism; of several failures the first is
// told, and none of his changes is made (ScramControlManager.alterCredentials).
func (a *alterations) ask(user string, invalid *wire.Error) {
	before, again := a.failed[user]
	switch {
	case !again:
		a.users = append(a.users, user)
		a.failed[user] = invalid
	case before == nil:
		a.failed[user] = wire.Errorf(wire.DuplicateResource, "A user credential cannot be altered twice in the same request")
	}
}

func (s *Security) alterUsers(ctx context.Context, c *api.Call, q *kmsg.AlterUserSCRAMCredentialsRequest) kmsg.Response {
	if len(q.Deletions)+len(q.Upsertions) > usersPerRequest {
		return alteredNone(q, wire.PolicyViolation, kmsg.StringPtr(excessive))
	}
	asked := s.checkAlterations(q)
	command := &meta.AlterScram{Origin: originOf(c), Approval: s.Approvals.rule(c, s.Metadata.Image())}
	for i := range q.Deletions {
		if d := &q.Deletions[i]; asked.failed[d.Name] == nil {
			command.Deletes = append(command.Deletes, meta.ScramName{User: d.Name, Mechanism: enum[meta.ScramMechanism](d.Mechanism)})
		}
	}
	for i := range q.Upsertions {
		if u := &q.Upsertions[i]; asked.failed[u.Name] == nil {
			command.Upserts = append(command.Upserts, asked.credentials[u.Name])
		}
	}
	resp := q.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	if len(command.Deletes)+len(command.Upserts) > 0 {
		result, err := s.Metadata.Propose(ctx, command)
		if err != nil {
			code, message := proposalFailure(err)
			return alteredNone(q, code, message)
		}
		for _, item := range result.Items {
			resp.Results = append(resp.Results, alteredUser(item.Name, item.Code, textOrNil(item.Message)))
		}
	}
	for _, user := range asked.users {
		if failed := asked.failed[user]; failed != nil {
			resp.Results = append(resp.Results, alteredUser(user, failed.Code, kmsg.StringPtr(failed.Message)))
		}
	}
	return resp
}

func (s *Security) checkAlterations(q *kmsg.AlterUserSCRAMCredentialsRequest) *alterations {
	asked := &alterations{failed: make(map[string]*wire.Error), credentials: make(map[string]meta.ScramCredential)}
	img := s.Metadata.Image()
	for i := range q.Deletions {
		d := &q.Deletions[i]
		invalid := invalidScramName(d.Name, d.Mechanism)
		if invalid == nil && img.Scram(d.Name, enum[meta.ScramMechanism](d.Mechanism)) == nil {
			invalid = wire.Errorf(wire.ResourceNotFound, "Attempt to delete a user credential that does not exist")
		}
		asked.ask(d.Name, invalid)
	}
	for i := range q.Upsertions {
		u := &q.Upsertions[i]
		credential, invalid := credentialOf(u)
		asked.ask(u.Name, invalid)
		asked.credentials[u.Name] = credential
	}
	return asked
}

func invalidScramName(user string, mechanism int8) *wire.Error {
	switch {
	case user == "":
		return wire.Errorf(wire.UnacceptableCredential, "Username must not be empty")
	case !isText(user) || len(user) > auth.MaxNameBytes:
		return wire.Errorf(wire.UnacceptableCredential, "Username must be UTF-8 of at most %d bytes", auth.MaxNameBytes)
	case scram.Hash(mechanism).Size() == 0:
		return wire.Errorf(wire.UnsupportedSASLMechanism, "Unknown SCRAM mechanism")
	default:
		return nil
	}
}

// credentialOf derives what the broker keeps of a salted password. It also refuses what no client computes: without a
// salt, or with a salted password of the wrong size, anybody could log in.
func credentialOf(u *kmsg.AlterUserSCRAMCredentialsRequestUpsertion) (meta.ScramCredential, *wire.Error) {
	if invalid := invalidScramName(u.Name, u.Mechanism); invalid != nil {
		return meta.ScramCredential{}, invalid
	}
	switch {
	case u.Iterations < scram.MinIterations:
		return meta.ScramCredential{}, wire.Errorf(wire.UnacceptableCredential, "Too few iterations")
	case u.Iterations > scram.MaxIterations:
		return meta.ScramCredential{}, wire.Errorf(wire.UnacceptableCredential, "Too many iterations")
	}
	c, err := scram.FromSaltedPassword(u.SaltedPassword, u.Salt, int(u.Iterations), scram.Hash(u.Mechanism))
	if err != nil {
		return meta.ScramCredential{}, wire.Errorf(wire.UnacceptableCredential, "Not the credential of a password: %w", err)
	}
	return meta.ScramCredential{
		User: u.Name, Mechanism: enum[meta.ScramMechanism](u.Mechanism), Salt: c.Salt, StoredKey: c.StoredKey, ServerKey: c.ServerKey,
		Iterations: c.Iterations,
	}, nil
}
