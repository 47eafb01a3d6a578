package meta

import "github.com/chronik-stream/chronik/broker/wire"

// SweepTokens removes delegation tokens that have expired. Result.Items names them.
type SweepTokens struct {
	Origin Origin `json:"origin"`
	// Now is in milliseconds.
	Now int64 `json:"now"`
	// Most bounds how many are removed at once: each is an audit record.
	Most int `json:"most"`
}

func (*SweepTokens) kind() string { return "SweepTokens" }

func (c *SweepTokens) apply(d *draft) {
	var gone []*Token
	d.img.TokensByExpiry(func(t *Token) bool {
		if !t.Expired(c.Now) || len(gone) >= c.Most {
			return false
		}
		gone = append(gone, t)
		return true
	})
	for _, t := range gone {
		d.removeToken(t)
		d.item(t.ID, wire.None, "")
		d.auditToken(c.Origin, "", t.ID, wire.None, t, nil)
	}
}
