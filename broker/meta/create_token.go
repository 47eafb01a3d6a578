package meta

import "github.com/chronik-stream/chronik/broker/wire"

// CreateToken adds a delegation token.
type CreateToken struct {
	Origin Origin `json:"origin"`
	Token  Token  `json:"token"`
	// Most bounds the tokens of one owner, MostInAll those of all. They stand here so that a later release, which reads the entry
	// again, comes to the same result.
	Most      int `json:"most"`
	MostInAll int `json:"mostInAll"`
	// Standing is the requester's when the broker was asked. A token that comes after its requester was revoked, or after his last
	// password was deleted, would outlive what both of these take away.
	Standing Standing `json:"standing"`
}

func (*CreateToken) kind() string { return "CreateToken" }

func (c *CreateToken) apply(d *draft) {
	if code, message := c.check(d.img); code != wire.None {
		d.item(c.Token.ID, code, "%s", message)
		d.auditToken(c.Origin, "", c.Token.ID, code, nil, nil)
		return
	}
	t := c.Token
	d.putToken(&t)
	d.item(t.ID, wire.None, "")
	d.auditToken(c.Origin, "", t.ID, wire.None, nil, &t)
	d.result.Token = &t
}

func (c *CreateToken) check(img *Image) (code int16, message string) {
	if img.Standing(c.Token.Requester).lessThan(c.Standing) {
		return wire.DelegationTokenRequestNotAllowed, "The requester was revoked, or has no password any more."
	}
	if img.Token(c.Token.ID) != nil {
		return wire.DuplicateResource, "The id of the delegation token is taken."
	}
	if img.TokenCount() >= c.MostInAll {
		return wire.PolicyViolation, "There are too many delegation tokens."
	}
	n := 0
	img.TokensOf(c.Token.Owner, func(*Token) bool { n++; return n < c.Most })
	if n >= c.Most {
		return wire.PolicyViolation, "The owner has too many delegation tokens."
	}
	return wire.None, ""
}
