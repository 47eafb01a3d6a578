package adopt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
)

// Why a token is left out.
const (
	noSecret      = "delegation.token.secret.key is not set here"
	overAlready   = "expired"
	outOfBounds   = "not as a broker here makes them: the id, the names of principals, or the number of renewers"
	knownRevoked  = "known to a principal who was revoked here after it was made"
	tooManyTokens = "above the number of tokens that there may be, of one owner or in all"
)

// chooseTokens takes the delegation tokens that are of use here. Their secrets are in no log: they are those of the source where both have the
// same delegation.token.secret.key.
func (j *job) chooseTokens() {
	if j.without(Tokens) {
		return
	}
	img, leftOut := j.to.Image(), map[string]int{}
	ofOwner := map[string]int{}
	img.Tokens(func(t *meta.Token) bool { ofOwner[t.Owner]++; return true })
	all := j.source.cluster.Tokens
	for _, id := range slices.Sorted(maps.Keys(all)) {
		t := all[id]
		reason := j.unusable(img, t)
		switch {
		case img.Token(id) != nil: // an import that was interrupted has brought it
			continue
		case reason == "" && (ofOwner[t.Owner] >= limit.TokensPerOwner || img.TokenCount()+len(j.tokens) >= limit.Tokens):
			reason = tooManyTokens
		}
		if reason != "" {
			leftOut[reason]++
			continue
		}
		ofOwner[t.Owner]++
		j.tokens = append(j.tokens, t)
	}
	for _, reason := range slices.Sorted(maps.Keys(leftOut)) {
		j.leaveOut(fmt.Sprintf("%d delegation token(s): %s", leftOut[reason], reason))
	}
	if j.report.Tokens = len(j.tokens); len(j.tokens) > 0 {
		j.note("Delegation tokens are good with the delegation.token.secret.key that they were made with, which has to be this broker's, too.")
	}
}

// unusable says why a token is of no use here, "" where it is.
func (j *job) unusable(img *meta.Image, t *meta.Token) string {
	size := 0
	for _, r := range t.Renewers {
		size += len(r)
	}
	known := append([]string{t.Owner, t.Requester}, t.Renewers...)
	switch {
	case !j.to.Tokens:
		return noSecret
	case t.Expired(j.to.Clock().UnixMilli()):
		return overAlready
	case t.ID == "" || len(t.ID) > auth.MaxNameBytes || !utf8.ValidString(t.ID) || len(t.Renewers) > limit.TokenRenewers || size > limit.TokenRenewersBytes || slices.ContainsFunc(known, isNoUser):
		return outOfBounds
	case slices.ContainsFunc(known, func(p string) bool { return img.RevokedBefore(p).UnixMilli() >= t.Issued }):
		return knownRevoked
	default:
		return ""
	}
}

func isNoUser(principal string) bool {
	p, err := auth.ParsePrincipal(principal)
	return err != nil || p.Type != auth.UserType || len(p.Name) > limit.TokenPrincipalBytes || !utf8.ValidString(p.Name)
}

func (j *job) commitTokens(ctx context.Context) error {
	for _, t := range j.tokens {
		create := &meta.CreateToken{Origin: j.origin("CreateDelegationToken"), Token: *t, Most: limit.TokensPerOwner, MostInAll: limit.Tokens}
		create.Standing = j.to.Image().Standing(t.Requester)
		if err := j.propose(ctx, create); err != nil {
			return fmt.Errorf("import the delegation token %s: %w", t.ID, err)
		}
	}
	return nil
}
