package quota

import (
	"net/netip"

	"github.com/chronik-stream/chronik/broker/meta"
)

// kind is what a quota of users and client ids limits.
type kind int

const (
	produce kind = iota
	fetch
	request
	mutation
	kinds
)

// String is Apache Kafka's name (org.apache.kafka.server.quota.QuotaType), as metrics have it.
func (k kind) String() string {
	return [kinds]string{"Produce", "Fetch", "Request", "ControllerMutation"}[k]
}

func (k kind) key() string {
	return [kinds]string{meta.ProducerByteRate, meta.ConsumerByteRate, meta.RequestPercentage, meta.ControllerMutationRate}[k]
}

// limits are the quotas of an image, by what they limit; a nil map for what nothing limits. They never change.
type limits struct {
	clients [kinds]map[meta.QuotaEntity]float64
	hosts   map[netip.Addr]float64
	// anyHost is the default of addresses, 0 for none.
	anyHost float64
}

func limitsOf(img *meta.Image) *limits {
	l := &limits{}
	img.AllQuotas(func(q *meta.Quotas) bool {
		for k := range kinds {
			if value, set := q.Values[k.key()]; set {
				if l.clients[k] == nil {
					l.clients[k] = map[meta.QuotaEntity]float64{}
				}
				l.clients[k][q.Entity] = value
			}
		}
		if value, set := q.Values[meta.ConnectionCreationRate]; set {
			l.addHost(q.Entity.IP, value)
		}
		return true
	})
	return l
}

// addHost notes the limit of an address. Of two spellings of one address the lower limit holds.
func (l *limits) addHost(p meta.QuotaPart, value float64) {
	if p.Match == meta.QuotaDefault {
		l.anyHost = value
		return
	}
	addr, err := netip.ParseAddr(p.Name)
	if err != nil {
		return // the metadata has none such
	}
	if l.hosts == nil {
		l.hosts = map[netip.Addr]float64{}
	}
	addr = addr.Unmap().WithZone("")
	if other, twice := l.hosts[addr]; !twice || value < other {
		l.hosts[addr] = value
	}
}

// host returns the limit of an address, 0 for none.
func (l *limits) host(addr netip.Addr) float64 {
	if limit, found := l.hosts[addr]; found {
		return limit
	}
	return l.anyHost
}

// client is who is measured together: a user, a client id, or a user's client id. The other part is empty.
type client struct{ user, id string }

// of returns the limit of a user's client and who is measured for it; ok is false where it has none. The most specific quota holds, the
// user before the client id (ClientQuotaManager.DefaultQuotaCallback). A default gives each user and client id its own measure.
func (l *limits) of(k kind, user, id string) (c client, limit float64, ok bool) {
	table := l.clients[k]
	if table == nil {
		return client{}, 0, false
	}
	anyone := meta.QuotaPart{Match: meta.QuotaDefault}
	for _, u := range [2]meta.QuotaPart{meta.Named(user), anyone} {
		for _, i := range [2]meta.QuotaPart{meta.Named(id), anyone} {
			if limit, ok = table[meta.QuotaEntity{User: u, ClientID: i}]; ok {
				return client{user, id}, limit, true
			}
		}
		if limit, ok = table[meta.QuotaEntity{User: u}]; ok {
			return client{user: user}, limit, true
		}
	}
	for _, i := range [2]meta.QuotaPart{meta.Named(id), anyone} {
		if limit, ok = table[meta.QuotaEntity{ClientID: i}]; ok {
			return client{id: id}, limit, true
		}
	}
	return client{}, 0, false
}
