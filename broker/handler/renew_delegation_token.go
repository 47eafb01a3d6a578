package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// renewDelegationToken is API 39, versions 1-2. It is for a token's owner and renewers; no ACL is asked for.
func (s *Tokens) renewDelegationToken() api.Row {
	return api.Spec[*kmsg.RenewDelegationTokenRequest, struct{}]{
		Row: api.Row{
			Key: 39, Name: "RenewDelegationToken", Min: 1, Max: 2, Gate: api.Authenticated, MaxBytes: tokenFrame,
		},
		Needs: api.NoNeeds[*kmsg.RenewDelegationTokenRequest, struct{}],
		Refuse: func(_ *api.Call, q *kmsg.RenewDelegationTokenRequest, code int16) kmsg.Response {
			return renewedToken(q, noTimestamp, code)
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.RenewDelegationTokenRequest, _ struct{}) api.Answer {
			expires, code := s.renewToken(ctx, c, q)
			return api.Now(renewedToken(q, expires, code))
		},
	}.Build()
}

func renewedToken(q *kmsg.RenewDelegationTokenRequest, expires int64, code int16) kmsg.Response {
	resp := respond[*kmsg.RenewDelegationTokenResponse](q)
	resp.ErrorCode, resp.ExpiryTimestamp = code, expires
	return resp
}

// renewToken moves a token's end, as far as the configuration lets it where no period is asked for.
func (s *Tokens) renewToken(ctx context.Context, c *api.Call, q *kmsg.RenewDelegationTokenRequest) (expires int64, code int16) {
	id, code := s.named(c.Session, q.HMAC)
	if code == wire.None {
		code = s.mayChange(c.Session)
	}
	if code != wire.None {
		return noTimestamp, code
	}
	period := s.Expiry.Milliseconds()
	if q.RenewTimeMillis > 0 {
		period = min(period, q.RenewTimeMillis)
	}
	token, code := tokenOf(s.Metadata.Propose(ctx, &meta.RenewToken{
		Origin: originOf(c), ID: id, Principal: c.Session.Principal.String(), Now: s.now(), Period: period,
	}))
	if code != wire.None {
		return noTimestamp, code
	}
	return token.Expires, wire.None
}
