package rego

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/chronik-stream/chronik/policies"
)

// TestResult is what came of one test of policies.
type TestResult struct {
	// Name is the path of the rule, such as data.kafka.authz.test_reader.
	Name string
	Err  error
	// Passed says that the rule is true.
	Passed bool
}

// testTimeout bounds one test.
const testTimeout = 10 * time.Second

// Test runs the tests of the policies in a source: the rules whose names begin with test_ in files whose names end in _test.rego.
func Test(ctx context.Context, source Source, allowed []string) ([]TestResult, error) {
	snapshot, err := source.Read()
	if err != nil {
		return nil, err
	}
	files, err := snapshot.Files()
	if err != nil {
		return nil, err
	}
	p, err := compile(ctx, files, allowed, true)
	if err != nil {
		return nil, err
	}
	var results []TestResult
	for _, name := range p.tests {
		value, err := p.once(ctx, name, nil, nil)
		results = append(results, TestResult{Name: name, Err: err, Passed: err == nil && value == true})
	}
	return results, nil
}

// TestShipped runs the tests of a shipped policy.
func TestShipped(ctx context.Context, name string) ([]TestResult, error) {
	source, err := policies.Source(name)
	if err != nil {
		return nil, err
	}
	tests, err := policies.Tests(name)
	if err != nil {
		return nil, err
	}
	return Test(ctx, fixed{Modules: map[string]string{"chronik/" + name + ".rego": source, name + "_test.rego": tests}, Data: map[string]any{}}, nil)
}

// fixed is a source that never changes.
type fixed Files

// Read implements Source.
func (f fixed) Read() (Snapshot, error) {
	return Snapshot{Files: func() (*Files, error) { return (*Files)(&f), nil }}, nil
}

// once evaluates a query once, with an input as JSON where there is one.
func (p *program) once(ctx context.Context, query string, input ast.Value, tracer topdown.QueryTracer) (any, error) {
	prepared, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	options := []oparego.EvalOption{oparego.EvalParsedInput(input)}
	if tracer != nil {
		options = append(options, oparego.EvalQueryTracer(tracer), oparego.EvalRuleIndexing(false)) // so that each rule is seen to fail
	}
	value, err := valueOf(ctx, prepared, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return value, nil
}

// Try decides once by the policies in a source, about an input document as JSON. Where trace is set, it is written each step of why.
func Try(ctx context.Context, source Source, allowed []string, input string, trace io.Writer) (Outcome, error) {
	var o Outcome
	value, err := ast.ValueFromReader(strings.NewReader(input))
	if err != nil {
		return o, fmt.Errorf("the input is not JSON: %w", err)
	}
	snapshot, err := source.Read()
	if err != nil {
		return o, err
	}
	files, err := snapshot.Files()
	if err != nil {
		return o, err
	}
	p, err := compile(ctx, files, allowed, false)
	if err != nil {
		return o, err
	}
	if !p.has(decision) {
		return o, ErrNoDecision
	}
	var tracer topdown.QueryTracer
	steps := topdown.NewBufferTracer()
	if trace != nil {
		tracer = steps
	}
	allow, err := p.once(ctx, decision, value, tracer)
	if err != nil {
		return o, err
	}
	if trace != nil {
		topdown.PrettyTraceWithLocation(trace, *steps)
	}
	o.Allowed = allow == true
	if p.has(reason) {
		why, err := p.once(ctx, reason, value, nil)
		if err != nil {
			return o, err
		}
		if text, is := why.(string); is {
			o.Reason = clip(text)
		}
	}
	return o, nil
}
