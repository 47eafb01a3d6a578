package rego

import (
	"errors"

	"github.com/open-policy-agent/opa/v1/topdown"
)

// ErrTooManySteps says that an evaluation has done more than MaxSteps.
var ErrTooManySteps = errors.New("it took too many steps")

// steps counts what an evaluation does, and ends it where the evaluator itself does not look whether it should: it compares values
// without a break, and on the stack, which a value whose parts are shared many times over would overflow. That ends a process.
type steps struct {
	left int
	stop topdown.Cancel
}

var _ topdown.QueryTracer = (*steps)(nil)

// Enabled implements topdown.QueryTracer.
func (s *steps) Enabled() bool { return true }

// Config implements topdown.QueryTracer.
func (s *steps) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent implements topdown.QueryTracer. It has no other way to end the evaluation than to panic; policy.run recovers.
func (s *steps) TraceEvent(topdown.Event) {
	switch s.left--; {
	case s.left < 0:
		panic(ErrTooManySteps)
	case s.stop.Cancelled():
		panic(ErrTimeout)
	}
}
