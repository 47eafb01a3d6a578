package replay

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/authz"
)

// request is what was recorded of the requests.
type request authz.RequestFacts

var _ authz.Request = request{}

// RequestFacts implements authz.Request.
func (r request) RequestFacts() authz.RequestFacts { return authz.RequestFacts(r) }

func (r *Replay) requestOf(d *audit.Decided) request {
	facts := request{API: d.API, Key: r.keys[strings.ToLower(d.API)], ClientID: d.Client.ClientID}
	if d.Version != nil {
		facts.Version = *d.Version
	}
	return facts
}

// keysOfAPIs are the numbers of all APIs by their names. In lower case, since kmsg writes SASL where Apache Kafka writes Sasl.
func keysOfAPIs() map[string]int16 {
	keys := map[string]int16{}
	for key := range int16(kmsg.MaxKey + 1) {
		if name := kmsg.NameForKey(key); name != "" {
			keys[strings.ToLower(name)] = key
		}
	}
	return keys
}
