package handler

import (
	"context"
	"sync"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
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

// log is the metadata log for the command of a call that begin has begun. Whoever has it calls end when there is nothing to propose any more.
func (k *Creations) log(c *api.Call, validateOnly bool, log MetadataLog) *creating {
	if k == nil || c.Creates.Asked == 0 || validateOnly {
		return &creating{MetadataLog: log, over: func() {}}
	}
	principal, asked := c.Session.Principal.String(), c.Creates.Asked
	return &creating{MetadataLog: log, over: func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.under[principal] -= asked; k.under[principal] == 0 {
			delete(k.under, principal)
		}
	}}
}

// creating is the metadata log for one command that creates topics. They are under way until the outcome is known, also where nobody waits
// for it any more: a client that names a short time, or leaves, creates no more than others.
type creating struct {
	MetadataLog
	over     func()
	proposed bool
}

// Propose implements MetadataLog. It is called once.
func (l *creating) Propose(ctx context.Context, command meta.Command) (meta.Result, error) {
	type outcome struct {
		result meta.Result
		err    error
	}
	l.proposed = true
	known := make(chan outcome, 1)
	go func() { //nolint:gosec // it is to outlast the request, and not to count as its wait
		result, err := l.MetadataLog.Propose(context.Background(), command)
		l.over()
		known <- outcome{result, err}
	}()
	defer api.BeginWait(ctx).End()
	select {
	case o := <-known:
		return o.result, o.err
	case <-ctx.Done():
		return meta.Result{}, wire.Errorf(wire.RequestTimedOut, "the topics are under way, the outcome is not known: %w", ctx.Err())
	}
}

// end ends what begin has begun where nothing was proposed.
func (l *creating) end() {
	if !l.proposed {
		l.over()
	}
}
