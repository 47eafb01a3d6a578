package broker

import (
	"context"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/server"
)

// Used records what a session was allowed and has asked for. A log that does not take the events holds the connection up for
// limit.UsesPatience at the most; what it has not taken by then is a gap.
func (r *recorder) Used(conn api.Conn, session *auth.Session, clientID string, uses []server.Use) {
	client := clientOf(conn, session)
	client.ClientID = clientID
	ctx, cancel := context.WithTimeout(context.Background(), limit.UsesPatience)
	defer cancel()
	for _, a := range accessesOf(client, uses) {
		if err := r.audit.Record(ctx, a); err != nil {
			r.logger.Debug("audit event not recorded", "error", err)
		}
	}
}

// accessesSaid is what the event of a start says of the record of accesses.
func accessesSaid(interval time.Duration) string {
	if interval <= 0 {
		return audit.AccessesNone
	}
	return audit.AccessesSummary
}

// accessKind is what the uses of one event have in common.
type accessKind struct {
	api     string
	version int16
	need    authz.Need
	rule    authz.Binding
}

// accessesOf puts uses of one kind together, which differ in the resource's name.
func accessesOf(client audit.Client, uses []server.Use) (out []audit.Access) {
	open := map[accessKind]int{}
	for i := range uses {
		u := &uses[i]
		kind := accessKind{api: u.API, version: u.Version, need: u.Need}
		kind.need.On.Name = ""
		if u.Decision.Rule != nil {
			kind.rule = *u.Decision.Rule
		}
		at, found := open[kind]
		if !found || len(out[at].Resources) == audit.AccessNames {
			at = len(out)
			open[kind] = at
			out = append(out, audit.Access{Client: client, API: u.API, Version: u.Version, Need: u.Need, Or: u.Or, Decision: u.Decision})
		}
		out[at].Resources = append(out[at].Resources, audit.Accessed{Name: nameOf(u.Need), Count: u.Count, First: u.First, Last: u.Last})
	}
	return out
}

// nameOf is the name of what was asked for; a question about any resource of a type has none of its own.
func nameOf(n authz.Need) string {
	if n.AnyOfType {
		return authz.Wildcard
	}
	return n.On.Name
}
