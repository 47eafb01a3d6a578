package server

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// The APIs that the server itself has to know.
const (
	keySASLHandshake    = 17
	keyAPIVersions      = 18
	keySASLAuthenticate = 36
	keyAlterSCRAM       = 51

	keyIncrementalAlterConfigs = 44
)

// exchange is one request and its answer.
type exchange struct {
	row    *api.Row
	call   *api.Call
	answer api.Answer
	frame  wire.Frame
	// charged is what from is to be given back.
	charged int64
	from    *account
	began   time.Time
	// token is sent as it is, where raw tokens are exchanged and not requests; nil is not sent.
	token   []byte
	isToken bool
	// awaited says that the reader waits until the answer has been sent.
	awaited bool
}

// serveRequest takes one frame through the pipeline: header, row, gate, bounds, authorization, handler. It reports whether
// the connection goes on.
func (c *conn) serveRequest(frame wire.Frame) bool {
	x := &exchange{frame: frame, charged: c.arriving.charged, from: c.arriving.from, began: time.Now()}
	header, rest, err := wire.DecodePrefix(frame.Bytes())
	if err != nil {
		c.malformed("header", err)
		return false
	}
	row, served := c.admitRequest(&header)
	switch {
	case !served:
		return false
	case header.Version < row.Min || header.Version > row.Max:
		return c.unsupported(x, row, &header)
	case len(frame.Bytes()) > int(row.MaxBytes):
		c.malformed("frame", fmt.Errorf("%w: %s of %d bytes, at most %d are taken", errRowSize, row.Name, len(frame.Bytes()), row.MaxBytes))
		return false
	}
	x.row = row
	if err := c.decode(x, header, rest); err != nil {
		return false
	}
	if c.login != nil && isSASL(row.Key) {
		// What came before a re-authentication ends before it.
		if !c.send(&exchange{awaited: true}) || !c.keepApart(row.Key) {
			return false
		}
		x.call.Login = c.login
		c.login.renewable = row.Key == keySASLAuthenticate && header.Version > 0
	}
	waited := c.idle.Total()
	c.carryOut(x)
	c.charge(x, c.idle.Total()-waited)
	if c.login != nil && c.login.over {
		x.answer.Close = true
	}
	if c.login != nil && c.login.silent {
		x.answer.Response = nil
	}
	x.awaited = !row.Overlap || x.answer.Close
	closes, throttle := x.answer.Close, x.answer.Throttle // once it is sent, the answer is the writer's
	return c.send(x) && !closes && c.holdBack(throttle)
}

func isSASL(key int16) bool { return key == keySASLHandshake || key == keySASLAuthenticate }

// admitRequest finds the row of a request and checks that it may come now. It closes the connection when not.
func (c *conn) admitRequest(h *wire.Header) (*api.Row, bool) {
	row, found := c.server.cfg.Table.Row(h.Key)
	session := c.session.Load()
	switch {
	case !found:
		c.end(reasonVersion, fmt.Errorf("%w: %d", errNoRow, h.Key))
	case session == nil && row.Gate != api.BeforeLogin:
		c.server.cfg.Metrics.malformed.WithLabelValues("before_login").Inc()
		c.end(reasonGate, fmt.Errorf("%w: %s", errNeedsLogin, row.Name))
	case session != nil && c.isOver(session, h.Key):
		c.server.cfg.Metrics.expired.WithLabelValues(c.listener.Name).Inc()
		c.end(reasonExpired, errSessionOver)
	default:
		return row, true
	}
	return nil, false
}

// isOver reports whether a session's time was over before this request, which is not one that renews it (KIP-368).
func (c *conn) isOver(session *auth.Session, key int16) bool {
	if session.Expires.IsZero() || c.server.cfg.Clock().Before(session.Expires) {
		return false
	}
	renews := c.login != nil && (key == keySASLHandshake || key == keySASLAuthenticate && c.login.underWay())
	return !renews
}

// unsupported answers an ApiVersions request of an unknown version, in version 0 with the range that is known (KIP-511), so
// that the client can ask again. As in Apache Kafka the unknown version of any other API closes the connection.
func (c *conn) unsupported(x *exchange, row *api.Row, h *wire.Header) bool {
	if row.Key != keyAPIVersions {
		c.end(reasonVersion, fmt.Errorf("%w: %s version %d", errNoRow, row.Name, h.Version))
		return false
	}
	response := kmsg.NewPtrApiVersionsResponse()
	response.ErrorCode = wire.UnsupportedVersion
	known := kmsg.NewApiVersionsResponseApiKey()
	known.ApiKey, known.MinVersion, known.MaxVersion = row.Key, row.Lowest(), row.Max
	response.ApiKeys = append(response.ApiKeys, known)
	x.row = row
	x.call = &api.Call{Conn: c.id, Key: row.Key, CorrelationID: h.CorrelationID}
	x.answer = api.Now(response)
	x.awaited = true
	return c.send(x)
}

// decode makes the call of an exchange from its frame. It closes the connection when the frame holds none.
func (c *conn) decode(x *exchange, header wire.Header, rest []byte) error {
	bounds := &c.server.bounds
	body, err := header.DecodeRest(rest, wire.Flexible(header.Key, header.Version), bounds)
	if err != nil {
		c.malformed("header", err)
		return err
	}
	request, cost, err := wire.DecodeBody(header.Key, header.Version, body, bounds)
	if err != nil {
		c.malformed("body", err)
		return err
	}
	x.from.overdraw(int64(cost))
	x.charged += int64(cost)
	is := c.software.Load()
	x.call = &api.Call{
		Conn: c.id, Key: header.Key, Version: header.Version, CorrelationID: header.CorrelationID, ClientID: header.ClientID,
		SoftwareName: is.name, SoftwareVersion: is.version,
		Received: c.server.cfg.Clock(), Bytes: len(x.frame.Bytes()), Session: c.session.Load(), Request: request,
	}
	return nil
}

// carryOut authorizes and handles a call.
func (c *conn) carryOut(x *exchange) {
	row, call := x.row, x.call
	c.serving.Store(int32(row.Key))
	call.API = row.Name
	defer c.takeBack(x)
	if !c.authorize(x) {
		return
	}
	c.handle(x)
	if row.Key == keyAPIVersions {
		c.learnSoftware(call, x.answer.Response)
	}
}

// authorize resolves a call and asks for all that it needs. It reports false, and answers, where the call is refused whole. What is
// denied of it, and what it was granted to do, is recorded.
func (c *conn) authorize(x *exchange) bool {
	row, call := x.row, x.call
	c.lendRoom(x)
	granted := row.Before == nil || c.ask(x, row.Before(call))
	if granted {
		call.Resolved = row.Resolve(call)
		granted = c.ask(x, row.Needs(call))
	}
	c.recordDenials(call)
	if granted {
		c.gatherUses(call)
	}
	return granted
}

// recordDenials tells of what was denied: the first limit.DenialsPerRequest one by one, the last of these for all others too. A
// request of a few bytes must not fill the audit log with megabytes.
func (c *conn) recordDenials(call *api.Call) {
	n := 0
	var last authz.Need
	var why authz.Decision
	call.Granted.Denials(func(need authz.Need, decision authz.Decision) bool {
		switch n++; {
		case n < limit.DenialsPerRequest:
			c.server.cfg.Recorder.Denied(call, need, decision, 0)
		case n == limit.DenialsPerRequest:
			last, why = need, decision
		}
		return true
	})
	if n >= limit.DenialsPerRequest {
		c.server.cfg.Recorder.Denied(call, last, why, n-limit.DenialsPerRequest)
	}
}

// learnSoftware keeps what an accepted ApiVersions request says of the client (KIP-511).
func (c *conn) learnSoftware(call *api.Call, response kmsg.Response) {
	request, isRequest := call.Request.(*kmsg.ApiVersionsRequest)
	answer, isAnswer := response.(*kmsg.ApiVersionsResponse)
	if isRequest && isAnswer && answer.ErrorCode == wire.None && request.Version >= 3 {
		c.software.Store(newSoftware(request.ClientSoftwareName, request.ClientSoftwareVersion))
	}
}

// serveToken takes one raw SASL token, as they follow a SaslHandshake of version 0. A failure closes without an answer, as
// this form has none.
func (c *conn) serveToken(frame wire.Frame) bool {
	x := &exchange{frame: frame, charged: c.arriving.charged, from: c.arriving.from, began: time.Now(), isToken: true, awaited: true}
	step := c.login.Step(c.ctx, frame.Bytes())
	if step.Code != wire.None {
		return false
	}
	x.token = step.Answer
	return c.send(x)
}

// send hands an exchange to the writer, and waits until it is done where it is awaited. It reports false when the
// connection ends first.
func (c *conn) send(x *exchange) bool {
	select {
	case c.out <- x:
	case <-c.ctx.Done():
		x.sent()
		return false
	}
	if !x.awaited {
		return true
	}
	select {
	case <-c.written:
		return c.ctx.Err() == nil
	case <-c.ctx.Done():
		return false
	}
}
