package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// saslAuthenticate is API 36, versions 0-2. Version 1 adds the session's lifetime (KIP-368). A failed log-in closes the
// connection after its answer.
func (e *Entry) saslAuthenticate() api.Row {
	return api.Spec[*kmsg.SASLAuthenticateRequest, struct{}]{
		Row:   api.Row{Key: 36, Name: "SaslAuthenticate", Min: 0, Max: 2, Gate: api.BeforeLogin, MaxBytes: entryFrame},
		Needs: api.NoNeeds[*kmsg.SASLAuthenticateRequest, struct{}],
		Refuse: func(_ *api.Call, q *kmsg.SASLAuthenticateRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(ctx context.Context, c *api.Call, q *kmsg.SASLAuthenticateRequest, _ struct{}) api.Answer {
			resp := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			if c.Login == nil {
				resp.ErrorCode = wire.IllegalSASLState
				return api.Answer{Response: resp, Close: true}
			}
			step := c.Login.Step(ctx, q.SASLAuthBytes)
			resp.ErrorCode, resp.SASLAuthBytes = step.Code, step.Answer
			resp.SessionLifetimeMillis = step.Lifetime.Milliseconds()
			if step.Message != "" {
				resp.ErrorMessage = &step.Message
			}
			return api.Answer{Response: resp, Close: step.Code != wire.None}
		},
	}.Build()
}
