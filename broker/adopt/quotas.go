package adopt

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/broker/meta"
)

// quota takes one quota of one entity (ClientQuotaRecord).
func (c *Cluster) quota(d *decoder) {
	var e meta.QuotaEntity
	label, known := "", true
	for range d.count(3) {
		kind := d.text()
		name, named := d.nullableText()
		d.tags(nil)
		part := meta.QuotaPart{Match: meta.QuotaDefault}
		if named {
			part = meta.Named(name)
		}
		switch kind {
		case meta.QuotaUser:
			e.User = part
		case meta.QuotaClientID:
			e.ClientID = part
		case meta.QuotaIP:
			e.IP = part
		default:
			known = false
		}
		label += kind + "=" + name + " "
	}
	key, value, removed := d.text(), math.Float64frombits(uint64(d.int64())), d.boolean() //nolint:gosec // bits
	switch label += key; {
	case d.err != nil:
	case !known && removed:
		delete(c.otherQuotas, label)
	case !known:
		c.otherQuotas[label] = true
	case removed:
		delete(c.Quotas[e], key)
	default:
		if c.Quotas[e] == nil {
			c.Quotas[e] = map[string]float64{}
		}
		c.Quotas[e][key] = value
	}
}

// chooseQuotas takes the quotas of clients that can be set here. One that is set here stays.
func (j *job) chooseQuotas() {
	if j.without(Quotas) {
		return
	}
	all := j.source.cluster.Quotas
	byName := func(a, b meta.QuotaEntity) int { return strings.Compare(a.String(), b.String()) }
	for _, e := range slices.SortedFunc(maps.Keys(all), byName) {
		here, change := j.to.Image().Quotas(e), meta.QuotaChange{Entity: e}
		for _, key := range slices.Sorted(maps.Keys(all[e])) {
			op := meta.QuotaOp{Key: key, Value: all[e][key]}
			one := meta.QuotaChange{Entity: e, Ops: []meta.QuotaOp{op}}
			set, has := here[key]
			err := one.Check()
			switch {
			case err != nil:
				j.leaveOut(fmt.Sprintf("the quota %s of %s: %s", key, e, err.Message))
			case has && set != op.Value:
				j.leaveOut(fmt.Sprintf("the quota %s of %s: it is %v here, and stays", key, e, set))
			case !has:
				change.Ops = append(change.Ops, op)
			}
		}
		if len(change.Ops) > 0 {
			j.quotas = append(j.quotas, change)
			j.report.Quotas += len(change.Ops)
		}
	}
}

func (j *job) commitQuotas(ctx context.Context) error {
	if len(j.quotas) == 0 {
		return nil
	}
	if err := j.propose(ctx, &meta.AlterQuotas{Origin: j.origin("AlterClientQuotas"), Changes: j.quotas}); err != nil {
		return fmt.Errorf("import the quotas: %w", err)
	}
	return nil
}
