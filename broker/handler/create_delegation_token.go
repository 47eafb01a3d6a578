package handler

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// createDelegationToken is API 38, versions 1-3. Everybody may create tokens of his own; those of others take CREATE_TOKENS on them
// (KIP-373).
func (s *Tokens) createDelegationToken() api.Row {
	return api.Spec[*kmsg.CreateDelegationTokenRequest, auth.Principal]{
		Row: api.Row{
			Key: 38, Name: "CreateDelegationToken", Min: 1, Max: 3, Gate: api.Authenticated, MaxBytes: tokenFrame,
		},
		Resolve: func(c *api.Call, q *kmsg.CreateDelegationTokenRequest) auth.Principal { return ownerIn(c, q) },
		Needs: func(c *api.Call, _ *kmsg.CreateDelegationTokenRequest, owner auth.Principal) authz.Needs {
			if mayAsk(c.Session) != wire.None || owner == c.Session.Principal {
				return authz.Needs{}
			}
			on := authz.Resource{Type: authz.UserResource, Name: owner.String()}
			return authz.Needs{All: []authz.Need{{Op: authz.CreateTokens, On: on}}}
		},
		Refuse: func(c *api.Call, q *kmsg.CreateDelegationTokenRequest, code int16) kmsg.Response {
			return createdToken(c, q, ownerIn(c, q), code)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.CreateDelegationTokenRequest, owner auth.Principal) api.Answer {
			return api.Now(s.createToken(ctx, c, q, owner))
		},
	}.Build()
}

// ownerIn is whose token a request asks for: the requester's own where it names nobody.
func ownerIn(c *api.Call, q *kmsg.CreateDelegationTokenRequest) auth.Principal {
	if q.OwnerPrincipalName == nil || *q.OwnerPrincipalName == "" {
		return c.Session.Principal
	}
	owner := auth.Principal{Name: *q.OwnerPrincipalName}
	if q.OwnerPrincipalType != nil {
		owner.Type = *q.OwnerPrincipalType
	}
	return owner
}

// createdToken is an answer without a token.
func createdToken(c *api.Call, q *kmsg.CreateDelegationTokenRequest, owner auth.Principal, code int16) *kmsg.CreateDelegationTokenResponse {
	resp := respond[*kmsg.CreateDelegationTokenResponse](q)
	resp.ErrorCode = code
	resp.PrincipalType, resp.PrincipalName = owner.Type, owner.Name
	resp.TokenRequesterPrincipalType, resp.TokenRequesterPrincipalName = c.Session.Principal.Type, c.Session.Principal.Name
	resp.IssueTimestamp, resp.ExpiryTimestamp, resp.MaxTimestamp = noTimestamp, noTimestamp, noTimestamp
	return resp
}

func (s *Tokens) createToken(
	ctx context.Context, c *api.Call, q *kmsg.CreateDelegationTokenRequest, owner auth.Principal,
) *kmsg.CreateDelegationTokenResponse {
	standing := s.Metadata.Image().Standing(c.Session.Principal.String())
	if code := mayAsk(c.Session); code != wire.None {
		return createdToken(c, q, owner, code)
	}
	renewers, code := renewersIn(q)
	if code == wire.None {
		code = checkUser(owner)
	}
	if code == wire.None {
		code = s.served(c.Session)
	}
	if code == wire.None {
		code = s.mayChange(c.Session)
	}
	if code != wire.None {
		return createdToken(c, q, owner, code)
	}
	token := meta.Token{ID: newTokenID(), Owner: owner.String(), Requester: c.Session.Principal.String(), Renewers: renewers}
	s.setTimes(&token, q.MaxLifetimeMillis)
	created, code := tokenOf(s.Metadata.Propose(ctx, &meta.CreateToken{
		Origin: originOf(c), Token: token, Most: limit.TokensPerOwner, MostInAll: limit.Tokens, Standing: standing,
	}))
	resp := createdToken(c, q, owner, code)
	if code == wire.None {
		resp.IssueTimestamp, resp.ExpiryTimestamp, resp.MaxTimestamp = created.Issued, created.Expires, created.MaxTime
		resp.TokenID, resp.HMAC = created.ID, s.Keys.HMAC(created.ID)
	}
	return resp
}

// renewersIn are the principals who may renew a new token, each once.
func renewersIn(q *kmsg.CreateDelegationTokenRequest) (renewers []string, code int16) {
	for _, r := range q.Renewers {
		p := auth.Principal{Type: r.PrincipalType, Name: r.PrincipalName}
		if code := checkUser(p); code != wire.None {
			return nil, code
		}
		renewers = append(renewers, p.String())
	}
	renewers = distinct(renewers)
	size := 0
	for _, r := range renewers {
		size += len(r)
	}
	if len(renewers) > limit.TokenRenewers || size > limit.TokenRenewersBytes {
		return nil, wire.PolicyViolation
	}
	return renewers, wire.None
}

// setTimes gives a new token its times. A life is that of the configuration where none is asked for.
func (s *Tokens) setTimes(t *meta.Token, life int64) {
	most := s.MaxLifetime.Milliseconds()
	if life > 0 {
		most = min(most, life)
	}
	t.Issued = s.now()
	t.MaxTime = meta.Later(t.Issued, most)
	t.Expires = min(t.MaxTime, meta.Later(t.Issued, s.Expiry.Milliseconds()))
}

// newTokenID draws an id in the form of Apache Kafka's: 22 characters, of which the first is no dash, since ids stand in command lines.
func newTokenID() string {
	var id [16]byte
	for {
		_, _ = rand.Read(id[:]) // never fails
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text
		}
	}
}
