package meta

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/chronik-stream/chronik/broker/wire"
)

// Token is a delegation token (KIP-48, Apache Kafka's DelegationTokenRecord). It holds no secret: what proves it is derived from its id
// and delegation.token.secret.key, which is in no log. Principals are of the form Type:name, times are milliseconds since 1970. It is
// immutable once it is part of an image.
type Token struct {
	ID string `json:"id"`
	// Owner is whom the token logs in; Requester asked for it.
	Owner     string `json:"owner"`
	Requester string `json:"requester"`
	// Renewers may renew and expire it, as its owner may.
	Renewers []string `json:"renewers,omitempty"`
	Issued   int64    `json:"issued"`
	// Expires is when it ends unless it is renewed, MaxTime when it ends in any case.
	Expires int64 `json:"expires"`
	MaxTime int64 `json:"maxTime"`
}

// Expired reports whether the token is over. As in Apache Kafka it is still good in the millisecond that it expires in.
func (t *Token) Expired(now int64) bool { return t.Expires < now || t.MaxTime < now }

// End is when the token ends, in milliseconds; 0 where that is before 1970.
func (t *Token) End() int64 { return max(0, min(t.Expires, t.MaxTime)) }

// OwnerOrRenewer reports whether a principal may renew and expire the token.
func (t *Token) OwnerOrRenewer(principal string) bool {
	return t.Owner == principal || slices.Contains(t.Renewers, principal)
}

// Knows reports whether a principal may be told of the token, by having to do with it: its requester has seen its secret too
// (Apache Kafka's TokenInformation.ownerOrRenewer).
func (t *Token) Knows(principal string) bool {
	return t.Requester == principal || t.OwnerOrRenewer(principal)
}

// Later is a time so many milliseconds, at least 0, after another; the latest there is where that overflows.
func Later(now, period int64) int64 {
	if now > math.MaxInt64-period {
		return math.MaxInt64
	}
	return now + period
}

// Token returns a delegation token by id, or nil. It may have expired.
func (img *Image) Token(id string) *Token {
	t, _ := img.tokens.Get([]byte(id))
	return t
}

// Tokens calls yield for each delegation token in the order of ids.
func (img *Image) Tokens(yield func(*Token) bool) {
	img.tokens.Root().Walk(func(_ []byte, t *Token) bool { return !yield(t) })
}

// TokenCount is the number of delegation tokens.
func (img *Image) TokenCount() int { return img.tokens.Len() }

// TokensOf calls yield for each delegation token of an owner in the order of ids.
func (img *Image) TokensOf(owner string, yield func(*Token) bool) {
	img.tokensByOwner.Root().WalkPrefix(appendField(nil, owner), func(_ []byte, t *Token) bool { return !yield(t) })
}

// TokensByExpiry calls yield for each delegation token, by rising time of its end.
func (img *Image) TokensByExpiry(yield func(*Token) bool) {
	img.tokensByExpiry.Root().Walk(func(_ []byte, t *Token) bool { return !yield(t) })
}

// NextTokenEnd is when the first of those delegation tokens ends that end at a time or after it, in milliseconds.
func (img *Image) NextTokenEnd(from int64) (end int64, found bool) {
	it := img.tokensByExpiry.Root().Iterator()
	it.SeekLowerBound(binary.BigEndian.AppendUint64(nil, uint64(max(0, from))))
	_, t, found := it.Next()
	if !found {
		return 0, false
	}
	return t.End(), true
}

func tokenOwnerKey(t *Token) []byte { return append(appendField(nil, t.Owner), t.ID...) }

func tokenExpiryKey(t *Token) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(t.End())), t.ID...) //nolint:gosec // not negative
}

// putToken adds a token, or replaces the one with its id.
func (d *draft) putToken(t *Token) {
	d.unlistToken(d.img.Token(t.ID))
	d.img.tokens, _, _ = d.img.tokens.Insert([]byte(t.ID), t)
	d.img.tokensByOwner, _, _ = d.img.tokensByOwner.Insert(tokenOwnerKey(t), t)
	d.img.tokensByExpiry, _, _ = d.img.tokensByExpiry.Insert(tokenExpiryKey(t), t)
	d.delta.TokensChanged = append(d.delta.TokensChanged, t.ID)
}

func (d *draft) removeToken(t *Token) {
	d.unlistToken(t)
	d.img.tokens, _, _ = d.img.tokens.Delete([]byte(t.ID))
	d.delta.TokensChanged = append(d.delta.TokensChanged, t.ID)
}

func (d *draft) unlistToken(t *Token) {
	if t == nil {
		return
	}
	d.img.tokensByOwner, _, _ = d.img.tokensByOwner.Delete(tokenOwnerKey(t))
	d.img.tokensByExpiry, _, _ = d.img.tokensByExpiry.Delete(tokenExpiryKey(t))
}

// removeTokensOf removes all tokens of an owner, each with an audit record.
func (d *draft) removeTokensOf(owner string, o Origin) {
	var gone []*Token
	d.img.TokensOf(owner, func(t *Token) bool { gone = append(gone, t); return true })
	d.removeTokens(gone, o)
}

// removeTokensKnownTo removes all tokens whose secrets a principal may have, those of other owners too.
func (d *draft) removeTokensKnownTo(principal string, o Origin) {
	var gone []*Token
	d.img.Tokens(func(t *Token) bool {
		if t.Knows(principal) {
			gone = append(gone, t)
		}
		return true
	})
	d.removeTokens(gone, o)
}

func (d *draft) removeTokens(gone []*Token, o Origin) {
	for _, t := range gone {
		d.removeToken(t)
		d.auditToken(o, "RemoveDelegationToken", t.ID, wire.None, t, nil)
	}
}
