package meta

import (
	"maps"
	"math"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/broker/wire"
)

// AlterQuotas sets and removes client quotas (KIP-546). An entity stands in it once.
type AlterQuotas struct {
	Origin  Origin        `json:"origin"`
	Changes []QuotaChange `json:"changes"`
}

// QuotaChange is the change of one entity's quotas, all of it or none.
type QuotaChange struct {
	Entity QuotaEntity `json:"entity"`
	Ops    []QuotaOp   `json:"ops"`
}

// QuotaOp sets one quota, or removes it; to remove what is not there is nothing.
type QuotaOp struct {
	Key    string  `json:"key"`
	Value  float64 `json:"value,omitempty"`
	Remove bool    `json:"remove,omitempty"`
}

func (*AlterQuotas) kind() string { return "AlterQuotas" }

func (c *AlterQuotas) apply(d *draft) {
	for _, change := range c.Changes {
		name := change.Entity.String()
		if err := change.Check(); err != nil {
			d.item(name, err.Code, "%s", err.Message)
			d.audit(c.Origin, "QUOTA", name, err.Code, nil, nil)
			continue
		}
		old := d.img.Quotas(change.Entity)
		next := change.on(old)
		d.item(name, wire.None, "")
		d.audit(c.Origin, "QUOTA", name, wire.None, quotaFields(old), quotaFields(next))
		if !maps.Equal(old, next) {
			d.putQuotas(change.Entity, next)
		}
	}
}

func (c *QuotaChange) on(old map[string]float64) map[string]float64 {
	next := make(map[string]float64, len(old)+len(c.Ops))
	maps.Copy(next, old)
	for _, op := range c.Ops {
		if op.Remove {
			delete(next, op.Key)
		} else {
			next[op.Key] = op.Value
		}
	}
	return next
}

func quotaFields(values map[string]float64) map[string]string {
	out := make(map[string]string, len(values))
	for k, v := range values {
		out[k] = strconv.FormatFloat(v, 'f', -1, 64)
	}
	return out
}

// Check is what ClientQuotaControlManager of Apache Kafka checks, with its messages. Hosts are addresses here: what a name
// resolves to differs from broker to broker, and from day to day.
func (c *QuotaChange) Check() *wire.Error {
	if err := c.Entity.check(); err != nil {
		return err
	}
	for _, op := range c.Ops {
		if op.Remove {
			continue
		}
		if err := op.check(c.Entity.IP.Match != 0); err != nil {
			return err
		}
	}
	return nil
}

func (e QuotaEntity) check() *wire.Error {
	parts := e.Parts()
	if len(parts) == 0 {
		return wire.Errorf(wire.InvalidRequest, "Invalid empty client quota entity")
	}
	for _, kind := range parts {
		switch p := e.Part(kind); {
		case p.Match > QuotaNamed:
			return wire.Errorf(wire.InvalidRequest, "Unknown match of %s", kind)
		case p.Match == QuotaNamed && p.Name == "":
			return wire.Errorf(wire.InvalidRequest, "Empty %s not supported", kind)
		case !utf8.ValidString(p.Name):
			return wire.Errorf(wire.InvalidRequest, "The name of a %s has to be UTF-8", kind)
		}
	}
	if e.IP.Match == 0 {
		return nil
	}
	if len(parts) > 1 {
		return wire.Errorf(wire.InvalidRequest, "Invalid quota entity combination, IP entity should not be combined with User or ClientId")
	}
	if _, err := netip.ParseAddr(e.IP.Name); e.IP.Match == QuotaNamed && err != nil {
		return wire.Errorf(wire.InvalidRequest, "%s is not a valid IP or resolvable host.", e.IP.Name)
	}
	return nil
}

// quotaType is the type of a key's value, by Java's name with its article, and the largest of that type; "" for no key of the entity.
func quotaType(key string, ofIP bool) (name string, most float64) {
	switch {
	case ofIP && key == ConnectionCreationRate:
		return "an INT", math.MaxInt32
	case !ofIP && (key == ProducerByteRate || key == ConsumerByteRate):
		return "a LONG", math.MaxInt64
	case !ofIP && (key == RequestPercentage || key == ControllerMutationRate):
		return "a DOUBLE", math.MaxFloat64
	default:
		return "", 0
	}
}

// check looks at a value for an address, or for a user and a client id.
func (op *QuotaOp) check(ofIP bool) *wire.Error {
	kind, most := quotaType(op.Key, ofIP)
	switch {
	case kind == "":
		return wire.Errorf(wire.InvalidRequest, "Invalid configuration key %s", op.Key)
	case math.IsNaN(op.Value) || op.Value <= 0:
		return wire.Errorf(wire.InvalidRequest, "Quota %s must be greater than 0", op.Key)
	case op.Value > most:
		return wire.Errorf(wire.InvalidRequest, "Proposed value for %s is too large for %s.", op.Key, kind)
	case kind != "a DOUBLE" && math.Mod(op.Value, 1) > 1e-6:
		return wire.Errorf(wire.InvalidRequest, "%s cannot be a fractional value.", op.Key)
	}
	return nil
}
