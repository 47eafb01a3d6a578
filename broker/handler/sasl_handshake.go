package handler

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// saslHandshake is API 17, versions 0-1; never flexible. After version 0 raw SASL frames follow, after version 1
// SaslAuthenticate requests.
func (e *Entry) saslHandshake() api.Row {
	return api.Spec[*kmsg.SASLHandshakeRequest, struct{}]{
		Row:   api.Row{Key: 17, Name: "SaslHandshake", Min: 0, Max: 1, Gate: api.BeforeLogin, MaxBytes: entryFrame},
		Needs: api.NoNeeds[*kmsg.SASLHandshakeRequest, struct{}],
		Refuse: func(_ *api.Call, q *kmsg.SASLHandshakeRequest, code int16) kmsg.Response {
			resp := q.ResponseKind().(*kmsg.SASLHandshakeResponse)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.SASLHandshakeRequest, _ struct{}) api.Answer {
			resp := q.ResponseKind().(*kmsg.SASLHandshakeResponse)
			if c.Login == nil {
				resp.ErrorCode = wire.IllegalSASLState
				return api.Answer{Response: resp, Close: true}
			}
			resp.ErrorCode = c.Login.Choose(q.Mechanism, q.Version)
			resp.SupportedMechanisms = c.Login.Mechanisms()
			return api.Answer{Response: resp, Close: resp.ErrorCode != wire.None}
		},
	}.Build()
}
