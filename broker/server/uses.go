package server

import (
	"slices"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
)

// Use is something that a session was allowed and has asked for: how often, and when first and last.
type Use struct {
	// API is the request's name, such as Produce, and Version the one that it has in its header.
	API     string
	Version int16
	// Need is what was asked. Where Or has others, any of all of them was enough.
	Need authz.Need
	Or   []authz.Need
	// Decision is the last one. Uses by different ACLs are different uses.
	Decision    authz.Decision
	Count       uint64
	First, Last time.Time
}

// uses gathers what a session does with its rights until it is told. It belongs to the goroutine that reads.
type uses struct {
	session  *auth.Session
	clientID string
	began    time.Time
	list     []use
	// index finds uses in the list.
	index map[useKey]int
	// at is the use that was found last.
	at int
	// pooled are those that were taken from the pool of all connections.
	pooled int64
}

// useKey is what tells uses apart.
type useKey struct {
	api     string
	version int16
	need    authz.Need
	rule    *authz.Binding
}

type use struct {
	key         useKey
	or          []authz.Need
	decision    authz.Decision
	count       uint64
	first, last time.Time
	// next is the use that followed this one the last time, and is looked at first: clients repeat themselves.
	next int
}

// gatherUses remembers what a request that was granted has asked for. What has been asked for lately costs no allocation and no lock.
func (c *conn) gatherUses(call *api.Call) {
	interval := c.server.cfg.UsesInterval
	if interval <= 0 || call.Session == nil {
		return
	}
	u := &c.uses
	if u.session != call.Session || call.Received.Sub(u.began) >= interval {
		c.tellUses()
	}
	call.Granted.Uses(func(need *authz.Need, or []authz.Need, decision *authz.Decision) {
		key := useKey{api: call.API, version: call.Version, need: *need, rule: decision.Rule}
		at, found := u.find(&key)
		if !found {
			at = c.addUse(&key, or, call)
		}
		seen := &u.list[at]
		seen.decision, seen.last = *decision, call.Received
		seen.count++
	})
	u.clientID = call.ClientID
}

// find returns where a use stands in the list.
func (u *uses) find(key *useKey) (at int, found bool) {
	if len(u.list) == 0 {
		return 0, false
	}
	before := &u.list[u.at]
	if u.list[before.next].key == *key {
		u.at = before.next
		return u.at, true
	}
	if at, found = u.index[*key]; found {
		before.next, u.at = at, at
	}
	return at, found
}

// addUse puts a new use into the list. Where there is no room the list is told early.
func (c *conn) addUse(key *useKey, or []authz.Need, call *api.Call) int {
	u := &c.uses
	if !c.roomForUse() {
		c.server.cfg.Metrics.usesEarly.Inc()
		c.tellUses()
	}
	if len(u.list) == 0 {
		u.session, u.began, u.index = call.Session, call.Received, map[useKey]int{}
	}
	at := len(u.list)
	u.list = append(u.list, use{key: *key, or: slices.Clone(or), first: call.Received})
	u.index[*key] = at
	u.list[u.at].next = at
	u.at = at
	return at
}

// roomForUse reports whether the connection may remember one use more.
func (c *conn) roomForUse() bool {
	have := len(c.uses.list)
	switch {
	case have < limit.UsesPerSession:
		return true
	case have >= limit.UsesPerSessionMost:
		return false
	case c.server.pooledUses.Add(1) > limit.UsesInPool:
		c.server.pooledUses.Add(-1)
		return false
	default:
		c.uses.pooled++
		return true
	}
}

// tellUses tells what has been gathered, and begins anew.
func (c *conn) tellUses() {
	gathered := c.uses
	c.uses = uses{}
	if len(gathered.list) == 0 {
		return
	}
	c.server.pooledUses.Add(-gathered.pooled)
	told := make([]Use, len(gathered.list))
	for i := range gathered.list {
		u := &gathered.list[i]
		told[i] = Use{
			API: u.key.api, Version: u.key.version, Need: u.key.need, Or: u.or, Decision: u.decision, Count: u.count, First: u.first, Last: u.last,
		}
	}
	c.server.cfg.Recorder.Used(c.id, gathered.session, gathered.clientID, told)
}
