package handler

import (
	"sync"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
)

// Creations counts the topics that requests under way are to create, by principal. Whoever decides about one request is told of all others,
// those that are decided at the same time included: together they can not do what each of them may. The zero value is ready; nil counts
// nothing. A request that does not come to its end counts until a restart: then less is allowed, not more.
type Creations struct {
	mu    sync.Mutex
	under map[string]int
}

// begin tells a call what its principal creates beside it, and counts it as under way; where nothing is made of it, others need not know.
// The newest image is read after that: what is not under way any more is in it.
func (k *Creations) begin(c *api.Call, asked int, validateOnly bool, newest func() *meta.Image) {
	if k == nil || asked == 0 || c.Session == nil {
		return
	}
	principal := c.Session.Principal.String()
	k.mu.Lock()
	others := k.under[principal]
	if !validateOnly {
		if k.under == nil {
			k.under = map[string]int{}
		}
		k.under[principal] += asked
	}
	k.mu.Unlock()
	c.Creates = api.Creates{Asked: asked, Others: others + newest().TopicsCreated(principal, c.Received)}
}

// end ends what begin has begun, when the topics are made or will not be.
func (k *Creations) end(c *api.Call, validateOnly bool) {
	if k == nil || c.Creates.Asked == 0 || validateOnly {
		return
	}
	principal := c.Session.Principal.String()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.under[principal] -= c.Creates.Asked; k.under[principal] == 0 {
		delete(k.under, principal)
	}
}
