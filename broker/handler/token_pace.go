package handler

import (
	"sync"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/limit"
)

// tokenPace bounds how fast one principal may change delegation tokens: that asks for no ACL, and each change is an entry of the metadata log and
// an audit event, which is never merged. The zero value is ready.
type tokenPace struct {
	mu sync.Mutex
	// paid is the time up to which the rate has paid for a principal's changes: as far as it lies ahead of now, as much of the burst is used.
	paid map[auth.Principal]time.Time
}

// take counts a change, and reports whether it may be made.
func (p *tokenPace) take(who auth.Principal, now time.Time) bool {
	const each = time.Second / limit.TokenChangesPerSecond
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paid == nil {
		p.paid = map[auth.Principal]time.Time{}
	}
	if _, known := p.paid[who]; !known && len(p.paid) >= limit.TokenChangers && !p.forget(now) {
		who = auth.Principal{} // those that find no room share one
	}
	from := p.paid[who]
	if from.Before(now) {
		from = now
	}
	if from.Sub(now) > (limit.TokenChanges-1)*each {
		return false
	}
	p.paid[who] = from.Add(each)
	return true
}

// forget drops the principals whose burst is whole again, and reports whether there were any.
func (p *tokenPace) forget(now time.Time) (room bool) {
	for who, until := range p.paid {
		if !until.After(now) {
			delete(p.paid, who)
			room = true
		}
	}
	return room
}
