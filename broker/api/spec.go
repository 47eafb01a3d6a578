package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
)

// Spec is a row with the types of its request and of what resolving it gives.
type Spec[Q kmsg.Request, R any] struct {
	// Row holds the plain fields; Before, Resolve, Needs, Refuse and Handle of it are filled by Build.
	Row Row
	// Before may be nil where Resolve takes little.
	Before func(c *Call, q Q) authz.Needs
	// Resolve may be nil where there is nothing to resolve.
	Resolve func(c *Call, q Q) R
	Needs   func(c *Call, q Q, r R) authz.Needs
	Refuse  func(c *Call, q Q, code int16) kmsg.Response
	Handle  func(ctx context.Context, c *Call, q Q, r R) Answer
}

// Build returns the row. What is missing from the spec is missing from the row, so that NewTable refuses it.
func (s Spec[Q, R]) Build() Row {
	row := s.Row
	if s.Before != nil {
		row.Before = func(c *Call) authz.Needs { return s.Before(c, c.Request.(Q)) }
	}
	row.Resolve = func(c *Call) any {
		if s.Resolve == nil {
			var nothing R
			return nothing
		}
		return s.Resolve(c, c.Request.(Q))
	}
	if s.Needs != nil {
		row.Needs = func(c *Call) authz.Needs { return s.Needs(c, c.Request.(Q), resolved[R](c)) }
	}
	if s.Refuse != nil {
		row.Refuse = func(c *Call, code int16) kmsg.Response { return s.Refuse(c, c.Request.(Q), code) }
	}
	if s.Handle != nil {
		row.Handle = func(ctx context.Context, c *Call) Answer { return s.Handle(ctx, c, c.Request.(Q), resolved[R](c)) }
	}
	return row
}

func resolved[R any](c *Call) R {
	r, _ := c.Resolved.(R)
	return r
}

// NoNeeds is for rows that anyone at their gate may call.
func NoNeeds[Q kmsg.Request, R any](*Call, Q, R) authz.Needs { return authz.Needs{} }
