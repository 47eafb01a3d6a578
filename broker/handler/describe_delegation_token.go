package handler

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// describeDelegationToken is API 41, versions 1-3. A token is told, with its secret, to its owner, its requester and its renewers, to
// whom DESCRIBE on it is allowed, and to whom DESCRIBE_TOKENS on its owner is (KIP-373). The latter two, and so every super user, are not told the
// secret where something takes two persons: an administrator who has that of another one is both.
func (s *Tokens) describeDelegationToken() api.Row {
	return api.Spec[*kmsg.DescribeDelegationTokenRequest, []*meta.Token]{
		Row: api.Row{
			Key: 41, Name: "DescribeDelegationToken", Min: 1, Max: 3, Gate: api.Authenticated, MaxBytes: tokenFrame, Recheck: true,
		},
		Resolve: s.tokensIn,
		Needs: func(c *api.Call, _ *kmsg.DescribeDelegationTokenRequest, tokens []*meta.Token) authz.Needs {
			return authz.Needs{Each: needsOfTokens(c.Session.Principal.String(), tokens)}
		},
		Refuse: func(_ *api.Call, q *kmsg.DescribeDelegationTokenRequest, code int16) kmsg.Response {
			resp := respond[*kmsg.DescribeDelegationTokenResponse](q)
			resp.ErrorCode = code
			return resp
		},
		Handle: func(_ context.Context, c *api.Call, q *kmsg.DescribeDelegationTokenRequest, tokens []*meta.Token) api.Answer {
			return api.Now(s.describeTokens(c, q, tokens))
		},
	}.Build()
}

// tokensIn are the tokens that a request asks for: those of everybody where it names nobody, else those that somebody owns, has
// requested or may renew whom it names. None of them has expired: Apache Kafka tells of those until it has removed them.
func (s *Tokens) tokensIn(c *api.Call, q *kmsg.DescribeDelegationTokenRequest) []*meta.Token {
	if s.served(c.Session) != wire.None {
		return nil
	}
	named := map[string]bool{}
	for _, o := range q.Owners {
		named[auth.Principal{Type: o.PrincipalType, Name: o.PrincipalName}.String()] = true
	}
	isNamed := func(who string) bool { return q.Owners == nil || named[who] }
	now := s.now()
	var tokens []*meta.Token
	s.Metadata.Image().Tokens(func(t *meta.Token) bool {
		if !t.Expired(now) && (isNamed(t.Owner) || isNamed(t.Requester) || slices.ContainsFunc(t.Renewers, isNamed)) {
			tokens = append(tokens, t)
		}
		return true
	})
	return tokens
}

// needsOfTokens are what somebody would have to be allowed to be told of tokens that are not his. No denial of them is an event.
func needsOfTokens(who string, tokens []*meta.Token) []authz.Need {
	var needs []authz.Need
	owners := map[string]bool{who: true}
	for _, t := range tokens {
		if t.Knows(who) {
			continue
		}
		needs = append(needs, authz.Need{Op: authz.Describe, On: authz.Resource{Type: authz.DelegationToken, Name: t.ID}, Probe: true})
		if !owners[t.Owner] {
			owners[t.Owner] = true
			needs = append(needs, authz.Need{Op: authz.DescribeTokens, On: authz.Resource{Type: authz.UserResource, Name: t.Owner}, Probe: true})
		}
	}
	return needs
}

func (s *Tokens) describeTokens(c *api.Call, q *kmsg.DescribeDelegationTokenRequest, tokens []*meta.Token) kmsg.Response {
	resp := respond[*kmsg.DescribeDelegationTokenResponse](q)
	if resp.ErrorCode = s.served(c.Session); resp.ErrorCode != wire.None {
		return resp
	}
	who := c.Session.Principal.String()
	for _, t := range tokens {
		knows := t.Knows(who)
		told := knows || c.Granted.Has(authz.Describe, authz.DelegationToken, t.ID) ||
			c.Granted.Has(authz.DescribeTokens, authz.UserResource, t.Owner)
		if told {
			resp.TokenDetails = append(resp.TokenDetails, s.describedToken(t, knows || !s.Withhold))
		}
	}
	return resp
}

func (s *Tokens) describedToken(t *meta.Token, withSecret bool) kmsg.DescribeDelegationTokenResponseTokenDetail {
	d := kmsg.NewDescribeDelegationTokenResponseTokenDetail()
	owner, requester := parsed(t.Owner), parsed(t.Requester)
	d.PrincipalType, d.PrincipalName = owner.Type, owner.Name
	d.TokenRequesterPrincipalType, d.TokenRequesterPrincipalName = requester.Type, requester.Name
	d.IssueTimestamp, d.ExpiryTimestamp, d.MaxTimestamp = t.Issued, t.Expires, t.MaxTime
	d.TokenID, d.HMAC = t.ID, []byte{}
	if withSecret {
		d.HMAC = s.Keys.HMAC(t.ID)
	}
	for _, text := range t.Renewers {
		r := kmsg.NewDescribeDelegationTokenResponseTokenDetailRenewer()
		p := parsed(text)
		r.PrincipalType, r.PrincipalName = p.Type, p.Name
		d.Renewers = append(d.Renewers, r)
	}
	return d
}
