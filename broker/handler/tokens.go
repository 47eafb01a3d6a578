package handler

import (
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	// tokenFrame caps the requests of this area, in bytes: room for limit.TokenRenewers long names, twice over.
	tokenFrame = 256 << 10
	// noTimestamp is what a refused request has for each time (DelegationTokenManager.ErrorTimestamp).
	noTimestamp = -1
)

// TokenKeys derives the secrets of delegation tokens.
type TokenKeys interface {
	// HMAC is the secret of the token with an id.
	HMAC(id string) []byte
	// Find returns the id of the token with a secret.
	Find(hmac []byte) (id string, found bool)
}

// Tokens answers the APIs on delegation tokens (KIP-48, KIP-373).
type Tokens struct {
	Metadata MetadataLog
	// Keys is nil where there are no tokens.
	Keys TokenKeys
	// MaxLifetime and Expiry are delegation.token.max.lifetime.ms and delegation.token.expiry.time.ms.
	MaxLifetime, Expiry time.Duration
	Clock               func() time.Time
	// Withhold keeps the secret of a token from whom it is not theirs to have, whatever they are allowed: something takes two persons.
	Withhold bool
	// Refused, where set, is told of a change that was refused since its principal makes too many.
	Refused func()

	pace tokenPace
}

// Rows are the rows of this area.
func (s *Tokens) Rows() []api.Row {
	return []api.Row{s.createDelegationToken(), s.renewDelegationToken(), s.expireDelegationToken(), s.describeDelegationToken()}
}

// now is the time in milliseconds since 1970.
func (s *Tokens) now() int64 { return s.Clock().UnixMilli() }

// mayAsk is the code of a request about tokens that a session may not send, whatever it asks: by a token nobody gets another one, and
// over a channel on which nobody has proved who he is there is nobody to own one (KafkaApis.allowTokenRequests).
func mayAsk(session *auth.Session) int16 {
	switch {
	case session.Token != "", session.Protocol == "PLAINTEXT", session.Protocol == "SSL" && session.Principal == auth.Anonymous():
		return wire.DelegationTokenRequestNotAllowed
	default:
		return wire.None
	}
}

// served is mayAsk, and the code where there are no tokens.
func (s *Tokens) served(session *auth.Session) int16 {
	if code := mayAsk(session); code != wire.None {
		return code
	}
	if s.Keys == nil {
		return wire.DelegationTokenAuthDisabled
	}
	return wire.None
}

// mayChange is the code of one change too many of a principal.
func (s *Tokens) mayChange(session *auth.Session) int16 {
	if s.pace.take(session.Principal, s.Clock()) {
		return wire.None
	}
	if s.Refused != nil {
		s.Refused()
	}
	return wire.ThrottlingQuotaExceeded
}

// named is the id of the token whose HMAC a session shows, or the code of what is in the way.
func (s *Tokens) named(session *auth.Session, hmac []byte) (id string, code int16) {
	if code := s.served(session); code != wire.None {
		return "", code
	}
	id, found := s.Keys.Find(hmac)
	if !found {
		return "", wire.DelegationTokenNotFound
	}
	return id, wire.None
}

// checkUser says what is wrong with a principal that is to own or to renew a token. Nobody logs in as another type than User.
func checkUser(p auth.Principal) int16 {
	switch {
	case p.Type != auth.UserType:
		return wire.InvalidPrincipalType
	case p.Name == "" || len(p.Name) > limit.TokenPrincipalBytes || !utf8.ValidString(p.Name):
		return wire.InvalidRequest
	default:
		return wire.None
	}
}

// tokenOf is the token that a command was about, as it is now, or the code of its refusal.
func tokenOf(result meta.Result, err error) (*meta.Token, int16) {
	if err != nil {
		return nil, wire.CodeOf(err)
	}
	return result.Token, result.Items[0].Code
}

// parsed is a principal of the image as responses have it.
func parsed(text string) auth.Principal {
	p, err := auth.ParsePrincipal(text)
	if err != nil {
		return auth.Principal{}
	}
	return p
}

func respond[R kmsg.Response](q kmsg.Request) R { return q.ResponseKind().(R) }
