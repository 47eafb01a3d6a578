package meta

import (
	"maps"
	"slices"
	"strings"
)

// The parts of an entity, by Apache Kafka's names (org.apache.kafka.common.quota.ClientQuotaEntity).
const (
	QuotaUser     = "user"
	QuotaClientID = "client-id"
	QuotaIP       = "ip"
)

// The keys of quotas (org.apache.kafka.server.config.QuotaConfig).
const (
	// ProducerByteRate and ConsumerByteRate are bytes per second.
	ProducerByteRate = "producer_byte_rate"
	ConsumerByteRate = "consumer_byte_rate"
	// RequestPercentage is the time spent on requests, in percent of one processor.
	RequestPercentage = "request_percentage"
	// ControllerMutationRate is partitions created and deleted per second.
	ControllerMutationRate = "controller_mutation_rate"
	// ConnectionCreationRate is connections per second, of an address.
	ConnectionCreationRate = "connection_creation_rate"
)

// QuotaMatch says how a part of an entity is named.
type QuotaMatch uint8

// The ways; zero says that the entity has no such part.
const (
	// QuotaDefault is the part of all that are not named.
	QuotaDefault QuotaMatch = iota + 1
	QuotaNamed
)

// QuotaPart is one part of an entity.
type QuotaPart struct {
	Match QuotaMatch `json:"match"`
	// Name is there where Match is QuotaNamed.
	Name string `json:"name,omitempty"`
}

// QuotaEntity is whom quotas hold for: users, client ids, the client ids of users, or addresses. It can be a map's key.
type QuotaEntity struct {
	User     QuotaPart `json:"user,omitzero"`
	ClientID QuotaPart `json:"clientId,omitzero"`
	IP       QuotaPart `json:"ip,omitzero"`
}

// Named is a part with a name.
func Named(name string) QuotaPart { return QuotaPart{Match: QuotaNamed, Name: name} }

// Part returns a part of the entity by its type, the zero value where it has none.
func (e QuotaEntity) Part(kind string) QuotaPart {
	switch kind {
	case QuotaUser:
		return e.User
	case QuotaClientID:
		return e.ClientID
	case QuotaIP:
		return e.IP
	default:
		return QuotaPart{}
	}
}

// Parts lists the types of the parts that the entity has.
func (e QuotaEntity) Parts() []string {
	var out []string
	for _, kind := range []string{QuotaUser, QuotaClientID, QuotaIP} {
		if e.Part(kind).Match != 0 {
			out = append(out, kind)
		}
	}
	return out
}

// String is the entity for people, such as user=alice,client-id=<default>.
func (e QuotaEntity) String() string {
	var out []string
	for _, kind := range e.Parts() {
		name := "<default>"
		if p := e.Part(kind); p.Match == QuotaNamed {
			name = p.Name
		}
		out = append(out, kind+"="+name)
	}
	return strings.Join(out, ",")
}

// Quotas are the quotas of one entity.
type Quotas struct {
	Entity QuotaEntity        `json:"entity"`
	Values map[string]float64 `json:"values"`
}

// Quotas returns the quotas of an entity by key; nil where it has none. It must not be changed.
func (img *Image) Quotas(e QuotaEntity) map[string]float64 {
	q, found := img.quotas.Get(e.bytes())
	if !found {
		return nil
	}
	return q.Values
}

// AllQuotas calls yield for each entity that has quotas, in an order that is the same on every node.
func (img *Image) AllQuotas(yield func(*Quotas) bool) {
	img.quotas.Root().Walk(func(_ []byte, q *Quotas) bool { return !yield(q) })
}

// bytes is the entity's key: each part in turn, so that no two entities have the same.
func (e QuotaEntity) bytes() []byte {
	var key []byte
	for _, p := range []QuotaPart{e.User, e.ClientID, e.IP} {
		key = appendField(append(key, byte(p.Match)), p.Name)
	}
	return key
}

// putQuotas replaces the quotas of an entity; none removes it.
func (d *draft) putQuotas(e QuotaEntity, values map[string]float64) {
	d.delta.QuotasChanged = append(d.delta.QuotasChanged, e)
	if len(values) == 0 {
		d.img.quotas, _, _ = d.img.quotas.Delete(e.bytes())
		return
	}
	d.img.quotas, _, _ = d.img.quotas.Insert(e.bytes(), &Quotas{Entity: e, Values: values})
}

// eitherQuotas lists the entities that have quotas in one image or the other.
func eitherQuotas(old, next *Image) []QuotaEntity {
	either := map[QuotaEntity]bool{}
	collect := func(q *Quotas) bool { either[q.Entity] = true; return true }
	old.AllQuotas(collect)
	next.AllQuotas(collect)
	return slices.Collect(maps.Keys(either))
}
