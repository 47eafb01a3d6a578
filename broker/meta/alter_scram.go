package meta

import (
	"slices"
	"strconv"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
)

// AlterScram removes and sets SCRAM credentials (KIP-554). The keys are derived before it is proposed: a password never
// reaches the log. With the last credential of a user his delegation tokens go.
type AlterScram struct {
	Origin  Origin            `json:"origin"`
	Deletes []ScramName       `json:"deletes,omitempty"`
	Upserts []ScramCredential `json:"upserts,omitempty"`
	// Approval, where set, says what takes two persons.
	Approval *ApprovalRule `json:"approval,omitempty"`
}

// ScramName names one credential.
type ScramName struct {
	User      string         `json:"user"`
	Mechanism ScramMechanism `json:"mechanism"`
}

func (*AlterScram) kind() string { return "AlterScram" }

func (c *AlterScram) apply(d *draft) {
	for _, n := range c.Deletes {
		before := d.img.Scram(n.User, n.Mechanism)
		if before == nil {
			d.item(n.User, wire.ResourceNotFound, "Attempt to delete a user credential that does not exist")
			d.audit(c.Origin, "USER", n.User, wire.ResourceNotFound, nil, nil)
			continue
		}
		d.item(n.User, wire.None, "")
		d.audit(c.Origin, "USER", n.User, wire.None, scramFields(*before), nil)
		d.img.scram, _, _ = d.img.scram.Delete(scramKey(n.User, n.Mechanism))
		d.scramChanged(n.User)
	}
	for _, u := range c.Upserts {
		if s := c.Approval.password(d, u); s != nil {
			if refused := d.passes(c.Approval, c.Origin, s); refused.code != wire.None {
				d.item(u.User, refused.code, "%s", refused.message)
				d.audit(c.Origin, "USER", u.User, refused.code, nil, refused.after())
				continue
			}
		}
		var before map[string]string
		if old := d.img.Scram(u.User, u.Mechanism); old != nil {
			before = scramFields(*old)
		}
		d.item(u.User, wire.None, "")
		d.audit(c.Origin, "USER", u.User, wire.None, before, scramFields(u))
		d.img.scram, _, _ = d.img.scram.Insert(scramKey(u.User, u.Mechanism), u)
		d.scramChanged(u.User)
	}
	for _, n := range c.Deletes {
		if d.img.Scram(n.User, ScramSHA256) == nil && d.img.Scram(n.User, ScramSHA512) == nil {
			d.removeTokensOf(auth.User(n.User).String(), c.Origin)
		}
	}
}

func (d *draft) scramChanged(user string) {
	if !slices.Contains(d.delta.ScramChanged, user) {
		d.delta.ScramChanged = append(d.delta.ScramChanged, user)
	}
}

func scramFields(c ScramCredential) map[string]string {
	return map[string]string{"mechanism": c.Mechanism.String(), "iterations": strconv.Itoa(c.Iterations)}
}
