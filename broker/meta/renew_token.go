package meta

import "github.com/chronik-stream/chronik/broker/wire"

// RenewToken moves the end of a delegation token to as long after now as is asked, but not beyond its longest life
// (DelegationTokenControlManager.renewDelegationToken).
type RenewToken struct {
	Origin Origin `json:"origin"`
	ID     string `json:"id"`
	// Principal asks for it.
	Principal string `json:"principal"`
	// Now and Period are in milliseconds; Period is positive.
	Now    int64 `json:"now"`
	Period int64 `json:"period"`
}

func (*RenewToken) kind() string { return "RenewToken" }

func (c *RenewToken) apply(d *draft) {
	t := d.img.Token(c.ID)
	var code int16
	switch {
	case t == nil:
		code = wire.DelegationTokenNotFound
	case t.Expired(c.Now):
		code = wire.DelegationTokenExpired
	case !t.OwnerOrRenewer(c.Principal):
		code = wire.DelegationTokenOwnerMismatch
	}
	if code != wire.None {
		d.item(c.ID, code, "")
		d.auditToken(c.Origin, "", c.ID, code, nil, nil)
		return
	}
	d.endTokenAt(c.Origin, t, Later(c.Now, c.Period))
}

// endTokenAt moves the end of a token, not beyond its longest life.
func (d *draft) endTokenAt(o Origin, t *Token, end int64) {
	changed := *t
	changed.Expires = min(t.MaxTime, end)
	d.putToken(&changed)
	d.item(t.ID, wire.None, "")
	d.auditToken(o, "", t.ID, wire.None, t, &changed)
	d.result.Token = &changed
}
