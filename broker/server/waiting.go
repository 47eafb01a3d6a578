package server

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/chronik-stream/chronik/authz"
)

// waiting is what lets others end the wait of a request that a connection serves: a fetch without records, or a member of a group that
// rebalances, may wait for minutes, and is to be answered at once when it loses its right. It costs those that lose none no lock and no memory.
type waiting struct {
	// granted is what the request was granted; nil between requests, and while one is served that reveals nothing. Whoever finds a
	// right of it lost puts here what is granted now, and then ends the turn.
	granted atomic.Pointer[authz.Granted]
	// turn does not change while granted is set.
	turn atomic.Pointer[turn]
}

// turn is the context of handlers. As long as none is ended, all of a connection's requests have the same.
type turn struct {
	ctx context.Context
	end context.CancelCauseFunc
}

var errLost = errors.New("the rules have changed, and the request has lost a right")

// beginTurn is called where no request is being served.
func (c *conn) beginTurn() {
	ctx, end := context.WithCancelCause(c.ctx)
	c.waiting.turn.Store(&turn{ctx: c.idle.In(ctx), end: end})
}

// handle has a call answered by its row. When the call loses a right meanwhile, its handler gives up, and the answer is a refusal.
func (c *conn) handle(x *exchange) {
	row, call := x.row, x.call
	ctx := c.waiting.turn.Load().ctx
	if !row.Recheck {
		x.answer = row.Handle(ctx, call)
		return
	}
	c.waiting.granted.Store(call.Granted)
	if c.server.cfg.Authorizer.Epoch() != call.Granted.Epoch() { // whoever tells of that change may have looked before
		c.waiting.holdTo(c.server.cfg.Authorizer.Pin())
	}
	x.answer = row.Handle(ctx, call)
	now := c.waiting.granted.Swap(nil)
	if now == call.Granted {
		return
	}
	c.beginTurn()
	x.answer.Later, x.answer.Response = nil, c.refuseLost(x, now)
}

// holdTo ends the wait when something that was granted is lost in a view. It may be called by anyone.
func (w *waiting) holdTo(view authz.View) {
	granted := w.granted.Load()
	if granted == nil || granted.Epoch() >= view.Epoch() || !granted.LostIn(view) {
		return
	}
	turn := w.turn.Load()
	if w.granted.CompareAndSwap(granted, granted.Regrant(view)) {
		turn.end(errLost)
	}
}
