package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// expireDelegationToken is API 40, versions 1-2. It is for a token's owner and renewers; no ACL is asked for.
func (s *Tokens) expireDelegationToken() api.Row {
	return api.Spec[*kmsg.ExpireDelegationTokenRequest, struct{}]{
		Row: api.Row{
			Key: 40, Name: "ExpireDelegationToken", Min: 1, Max: 2, Gate: api.Authenticated, MaxBytes: tokenFrame,
		},
		Needs: api.NoNeeds[*kmsg.ExpireDelegationTokenRequest, struct{}],
		Refuse: func(_ *api.Call, q *kmsg.ExpireDelegationTokenRequest, code int16) kmsg.Response {
			return expiredToken(q, noTimestamp, code)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.ExpireDelegationTokenRequest, _ struct{}) api.Answer {
			expires, code := s.expireToken(ctx, c, q)
			return api.Now(expiredToken(q, expires, code))
		},
	}.Build()
}

func expiredToken(q *kmsg.ExpireDelegationTokenRequest, expires int64, code int16) kmsg.Response {
	resp := respond[*kmsg.ExpireDelegationTokenResponse](q)
	resp.ErrorCode, resp.ExpiryTimestamp = code, expires
	return resp
}

// expireToken moves a token's end, or removes it at once where the period is negative; then the answer's time is now.
func (s *Tokens) expireToken(ctx context.Context, c *api.Call, q *kmsg.ExpireDelegationTokenRequest) (expires int64, code int16) {
	id, code := s.named(c.Session, q.HMAC)
	if code == wire.None {
		code = s.mayChange(c.Session)
	}
	if code != wire.None {
		return noTimestamp, code
	}
	now := s.now()
	token, code := tokenOf(s.Metadata.Propose(ctx, &meta.ExpireToken{
		Origin: originOf(c), ID: id, Principal: c.Session.Principal.String(), Now: now, Period: q.ExpiryPeriodMillis,
	}))
	switch {
	case code != wire.None:
		return noTimestamp, code
	case token == nil:
		return now, wire.None
	default:
		return token.Expires, wire.None
	}
}
