package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Why a frame is not read to its end.
var (
	errRowSize    = errors.New("request is larger than its API allows")
	errNoRow      = errors.New("API is not served")
	errMemory     = errors.New("no memory for requests became free in time")
	errTooMany    = errors.New("too many requests before the log-in")
	errNeedsLogin = errors.New("request needs a log-in")
)

// arriving is the state of the frame that is being read.
type arriving struct {
	size    int
	charged int64
	// from is the account that the frame is charged to.
	from *account
	// begun says that the length prefix has come.
	begun bool
}

// readFrame reads the next frame within the limits of the connection's state, and charges it to the server's budget.
func (c *conn) readFrame() (wire.Frame, error) {
	c.arriving = arriving{}
	limits := &c.server.cfg.Limits
	most, step, until := limits.FrameAfterLogin, limit.FrameStep, time.Time{}
	c.arriving.from = &c.own
	switch {
	case c.session.Load() == nil:
		if c.frames >= limit.FramesBeforeLogin {
			return wire.Frame{}, errTooMany
		}
		most, step, until = min(limits.FrameBeforeLogin, limits.FrameAfterLogin), limit.FrameStepBeforeLogin, c.loginBy
		c.arriving.from = &c.stranger
	case limits.Idle > 0:
		until = time.Now().Add(limits.Idle)
	}
	if err := c.readBy(until); err != nil {
		return wire.Frame{}, err
	}
	size, err := wire.ReadSize(c.in, &c.prefix, most)
	if err != nil {
		return wire.Frame{}, err
	}
	c.arriving.begun, c.arriving.size = true, size
	frame, err := wire.ReadBody(c.in, size, step, c.ready)
	if err != nil {
		return wire.Frame{}, err
	}
	c.server.cfg.Metrics.received.Add(float64(size + len(c.prefix)))
	if c.arriving.from == &c.stranger {
		return frame, nil
	}
	more := int64(size) - c.arriving.charged
	c.arriving.charged = int64(size)
	if size <= limit.SmallFrame && c.own.held.Load() == 0 {
		// It is here already, and to wait would save nothing: heartbeats go on while others fill the memory with large frames.
		c.own.overdraw(more)
		return frame, nil
	}
	return frame, c.own.take(c.ctx, more)
}

// allow is asked before a frame takes more memory: it checks the cap of the request's API as soon as it is known, moves the
// deadline, and charges what is beyond the first step: what a client only claims costs nothing.
func (c *conn) allow(have []byte, more int) error {
	isToken := c.login != nil && c.login.takesTokens()
	if len(have) > 0 && !isToken {
		header, _, err := wire.DecodePrefix(have)
		if err != nil {
			return err
		}
		row, found := c.server.cfg.Table.Row(header.Key)
		if !found {
			return fmt.Errorf("%w: %d", errNoRow, header.Key)
		}
		if c.arriving.size > int(row.MaxBytes) {
			return fmt.Errorf("%w: %s of %d bytes, at most %d are taken", errRowSize, row.Name, c.arriving.size, row.MaxBytes)
		}
	}
	if c.session.Load() != nil {
		if err := c.readBy(time.Now().Add(limit.FrameProgress + time.Duration(more)*time.Second/limit.FrameRate)); err != nil {
			return err
		}
	}
	if len(have) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, limit.FrameProgress, errMemory)
	defer cancel()
	n := int64(len(have)+more) - c.arriving.charged
	c.arriving.charged += n
	return c.arriving.from.take(ctx, n)
}

// readFailed says why no further frame could be read. A draining connection is left to its writer; any other is closed.
func (c *conn) readFailed(err error) {
	late := errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case c.isDraining():
		c.note(reasonShutdown, errShutdown)
	case errors.Is(err, wire.ErrFrameSize), errors.Is(err, wire.ErrMalformed), errors.Is(err, errRowSize):
		c.malformed("frame", err)
	case errors.Is(err, errNoRow):
		c.end(reasonVersion, err)
	case errors.Is(err, errMemory):
		c.end(reasonMemory, err)
	case c.session.Load() == nil && (late || errors.Is(err, errTooMany)):
		c.loginFailed(LoginFailure{Method: c.method(), Cause: err})
		c.end(reasonLogin, err)
	case late && c.arriving.begun:
		c.end(reasonSlow, err)
	case late:
		c.end(reasonIdle, err)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		c.end(reasonClient, nil)
	default:
		c.end(reasonClient, err)
	}
}

// method is the SASL mechanism that was chosen last, "" when none was.
func (c *conn) method() string {
	if c.login == nil {
		return ""
	}
	return c.login.mechanism
}

// malformed counts and closes a connection whose input is not the Kafka protocol or beyond its bounds.
func (c *conn) malformed(stage string, err error) {
	c.server.cfg.Metrics.malformed.WithLabelValues(stage).Inc()
	c.end(reasonRequest, err)
}
