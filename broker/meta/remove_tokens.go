package meta

import "github.com/chronik-stream/chronik/broker/wire"

// RemoveTokens removes all delegation tokens of an owner: what he may do is taken from him, and from whom he gave it to.
type RemoveTokens struct {
	Origin Origin `json:"origin"`
	Owner  string `json:"owner"`
}

func (*RemoveTokens) kind() string { return "RemoveTokens" }

func (c *RemoveTokens) apply(d *draft) {
	d.removeTokensOf(c.Owner, c.Origin)
	d.item(c.Owner, wire.None, "")
}
