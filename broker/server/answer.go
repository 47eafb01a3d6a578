package server

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// flushAt is how many bytes of answers are gathered before they are sent anyway.
const flushAt = 64 << 10

// writeAnswers sends answers in the order of their requests until there are no more. Answers that are ready together go
// out together.
func (c *conn) writeAnswers() {
	defer c.survive()
	var buf wire.Buffer
	defer buf.Release()
	for x := range c.out {
		c.write(x, &buf)
		if x.awaited {
			c.written <- struct{}{}
		}
	}
	c.flush(&buf)
}

// write takes one exchange to its end, or to where its answer waits to be sent with the next ones.
func (c *conn) write(x *exchange, buf *wire.Buffer) {
	defer x.sent() // after a fault too
	c.answer(x, buf)
	if x.awaited || x.answer.Close || x.answer.Sent != nil || len(c.out) == 0 || len(buf.Bytes()) >= flushAt {
		c.flush(buf)
	}
	if x.answer.Close {
		c.note(reasonHandler, nil)
	}
}

// answer encodes the answer of one exchange behind those that wait to be sent, and lets go of the request.
func (c *conn) answer(x *exchange, buf *wire.Buffer) {
	defer c.letGo(x)
	if c.ctx.Err() != nil {
		return
	}
	if x.isToken {
		if x.token != nil {
			c.encoded(buf.Token(x.token, limit.Response))
		}
		return
	}
	if x.row == nil {
		return
	}
	response := x.answer.Response
	if x.answer.Later != nil {
		c.flush(buf)
		response = x.answer.Later(c.ctx)
	}
	response = c.recheck(x, response)
	if response != nil && c.ctx.Err() == nil {
		response.SetVersion(x.call.Version)
		tellThrottle(response, x.answer.Throttle)
		c.encoded(buf.Response(x.call.CorrelationID, response, limit.Response))
	}
	c.server.rows[x.row.Key].answered(response, time.Since(x.began))
	x.answer.Response, x.answer.Later = nil, nil // its bytes are in the buffer now, and a slow client takes long to read them
}

// sent tells the handler that its answer is out, or dropped.
func (x *exchange) sent() {
	if x.answer.Sent != nil {
		x.answer.Sent()
		x.answer.Sent = nil
	}
}

func (c *conn) encoded(err error) {
	if err == nil {
		return
	}
	c.log.Error("answer cannot be sent", "error", err)
	c.end(reasonUnsent, err)
}

// recheck asks for a revealing answer's grants again when the rules have changed since, and refuses it when one is lost.
func (c *conn) recheck(x *exchange, response kmsg.Response) kmsg.Response {
	old := x.call.Granted
	if !x.row.Recheck || old == nil || response == nil || c.server.cfg.Authorizer.Epoch() == old.Epoch() {
		return response
	}
	view := c.server.cfg.Authorizer.Pin()
	if !old.LostIn(view) {
		return response
	}
	return c.refuseLost(x, old.Regrant(view))
}

// refuseLost is the answer to a request that has lost what it was granted.
func (c *conn) refuseLost(x *exchange, now *authz.Granted) kmsg.Response {
	old := x.call.Granted
	x.call.Granted = now
	c.recordDenials(x.call)
	need := now.Refused()
	if need == nil {
		need = lost(now, old)
	}
	code := wire.ClusterAuthorizationFailed
	if need != nil {
		code = refusalCode(need.On.Type)
	}
	c.server.cfg.Metrics.refused.WithLabelValues(x.row.Name).Inc()
	return x.row.Refuse(x.call, code)
}

// lost is the first need that is denied now and was granted before, nil when only probes are.
func lost(now, old *authz.Granted) (need *authz.Need) {
	now.Denials(func(n authz.Need, _ authz.Decision) bool {
		if n.AnyOfType && old.HasAny(n.Op, n.On.Type) || !n.AnyOfType && old.Has(n.Op, n.On.Type, n.On.Name) {
			need = &n
		}
		return need == nil
	})
	return need
}

// letGo returns what a request held. Only the frames of overlapping rows that came to their answer are reused: they are the
// large ones, and of others a handler may have kept a slice. Frames of log-ins are wiped, as they may hold passwords.
func (c *conn) letGo(x *exchange) {
	switch {
	case x.isToken || x.row != nil && isSASL(x.row.Key):
		x.frame.Wipe()
	case x.row != nil && x.row.Overlap && c.ctx.Err() == nil:
		x.frame.Release()
	}
	if x.from != nil {
		x.from.giveBack(x.charged)
	}
}

// flush sends what has been encoded. Each step has its own deadline, so that a slow client is told from a stalled one.
func (c *conn) flush(buf *wire.Buffer) {
	b := buf.Bytes()
	defer buf.Reset()
	for len(b) > 0 && c.ctx.Err() == nil {
		step := min(len(b), limit.WriteStep)
		c.flushed = time.Now()
		err := c.raw.SetWriteDeadline(c.flushed.Add(limit.WriteProgress))
		if err == nil {
			_, err = c.nc.Write(b[:step])
		}
		if err != nil {
			c.end(reasonUnsent, err)
			return
		}
		c.server.cfg.Metrics.sent.Add(float64(step))
		b = b[step:]
	}
}
