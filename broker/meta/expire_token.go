package meta

import "github.com/chronik-stream/chronik/broker/wire"

// ExpireToken moves the end of a delegation token, as RenewToken does, or removes it at once where the period is negative, even if it
// has expired (DelegationTokenControlManager.expireDelegationToken).
type ExpireToken struct {
	Origin Origin `json:"origin"`
	ID     string `json:"id"`
	// Principal asks for it.
	Principal string `json:"principal"`
	// Now and Period are in milliseconds.
	Now    int64 `json:"now"`
	Period int64 `json:"period"`
}

func (*ExpireToken) kind() string { return "ExpireToken" }

func (c *ExpireToken) apply(d *draft) {
	t := d.img.Token(c.ID)
	var code int16
	switch {
	case t == nil:
		code = wire.DelegationTokenNotFound
	case !t.OwnerOrRenewer(c.Principal):
		code = wire.DelegationTokenOwnerMismatch
	case c.Period < 0:
		d.removeToken(t)
		d.item(c.ID, wire.None, "")
		d.auditToken(c.Origin, "", c.ID, wire.None, t, nil)
		return
	case t.Expired(c.Now):
		code = wire.DelegationTokenExpired
	default:
		d.endTokenAt(c.Origin, t, Later(c.Now, c.Period))
		return
	}
	d.item(c.ID, code, "")
	d.auditToken(c.Origin, "", c.ID, code, nil, nil)
}
