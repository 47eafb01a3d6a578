package rego

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Why a question was not decided; each comes wrapped with what. It is denied then.
var (
	ErrTimeout = errors.New("it took too long")
	ErrPanic   = errors.New("the evaluator failed")
)

// Outcome is what a policy says. The zero value is a denial.
type Outcome struct {
	Allowed bool
	// Reason is what the policy says of why, "" where it says nothing.
	Reason string
}

// policy is one state of the policies, ready to decide.
type policy struct {
	allow  oparego.PreparedEvalQuery
	reason *oparego.PreparedEvalQuery
	sight  sight
	cache  *cache
	limits Limits
	// turns holds a place for each evaluation at once. One that can not be stopped keeps its place: such policies end up with
	// denying everything, and not with taking the processors from everybody else.
	turns chan struct{}
}

// newPolicy compiles files to a policy, within the bounds of time.
func newPolicy(ctx context.Context, files *Files, allowed []string, limits Limits) (*policy, error) {
	type compiled struct {
		policy *policy
		err    error
	}
	done := make(chan compiled, 1)
	go func() {
		var c compiled
		defer func() { done <- c }()
		defer contain(&c.err)
		c.policy, c.err = compilePolicy(ctx, files, allowed, limits)
	}()
	timer := time.NewTimer(limits.Compilation)
	defer timer.Stop()
	select {
	case c := <-done:
		return c.policy, c.err
	case <-timer.C:
		return nil, fmt.Errorf("compile policies: %w: more than %s", ErrTimeout, limits.Compilation)
	}
}

// contain makes an error of a panic on the way to a policy. It is to be deferred.
func contain(err *error) {
	if fault := recover(); fault != nil {
		*err = fmt.Errorf("compile policies: %w: %v", ErrPanic, fault)
	}
}

func compilePolicy(ctx context.Context, files *Files, allowed []string, limits Limits) (*policy, error) {
	program, err := compile(ctx, files, allowed, false)
	if err != nil {
		return nil, err
	}
	if !program.has(decision) {
		return nil, ErrNoDecision
	}
	p := &policy{sight: sightOf(program.compiler.Modules, program.impure), limits: limits, turns: make(chan struct{}, limits.AtOnce)}
	if p.allow, err = program.prepare(ctx, decision); err != nil {
		return nil, err
	}
	if program.has(reason) {
		why, err := program.prepare(ctx, reason)
		if err != nil {
			return nil, err
		}
		p.reason = &why
	}
	if !p.sight.never {
		p.cache = newCache(limits.CacheEntries)
	}
	return p, nil
}

// decide answers a question. fresh says that it was evaluated, and did not come from the cache. An error is a denial.
func (p *policy) decide(q *Question) (o Outcome, fresh bool, err error) {
	if p.cache == nil {
		o, err = p.evaluate(q)
		return o, true, err
	}
	var room keyRoom
	key := p.sight.keyOf(q, &room)
	if o, found := p.cache.get(key); found {
		return o, false, nil
	}
	if o, err = p.evaluate(q); err == nil {
		p.cache.put(key, o)
	}
	return o, true, err
}

// answer is what comes of an evaluation.
type answer struct {
	outcome Outcome
	err     error
}

// evaluate evaluates within the bounds of time. What does not end by then is told to, and nobody waits for it.
func (p *policy) evaluate(q *Question) (Outcome, error) {
	timer := time.NewTimer(p.limits.Timeout)
	defer timer.Stop()
	select {
	case p.turns <- struct{}{}:
	case <-timer.C:
		return Outcome{}, fmt.Errorf("%w: all %d evaluations at once were taken for %s", ErrTimeout, cap(p.turns), p.limits.Timeout)
	}
	stop := topdown.NewCancel()
	answers := make(chan answer, 1)
	input, now := document(p.sight.leaves, q), q.Now // the evaluation may last longer than the question
	go func() {
		defer func() { <-p.turns }()
		answers <- p.run(stop, input, now)
	}()
	select {
	case a := <-answers:
		return a.outcome, a.err
	case <-timer.C:
		stop.Cancel()
		return Outcome{}, fmt.Errorf("%w: more than %s", ErrTimeout, p.limits.Timeout)
	}
}

func (p *policy) run(stop topdown.Cancel, input ast.Value, now time.Time) (a answer) {
	defer func() {
		switch fault := recover(); fault {
		case nil:
		case ErrTooManySteps, ErrTimeout:
			a = answer{err: fmt.Errorf("evaluate: %w", fault.(error))} //nolint:forcetypeassert // they are
		default:
			a = answer{err: fmt.Errorf("%w: %v", ErrPanic, fault)}
		}
	}()
	options := []oparego.EvalOption{
		oparego.EvalParsedInput(input), oparego.EvalExternalCancel(stop), oparego.EvalTime(now),
		oparego.EvalQueryTracer(&steps{left: MaxSteps, stop: stop}),
	}
	allowed, err := valueOf(context.Background(), p.allow, options)
	if err != nil {
		return answer{err: err}
	}
	a.outcome.Allowed = allowed == true
	if p.reason == nil {
		return a
	}
	why, err := valueOf(context.Background(), *p.reason, options)
	if err != nil {
		return answer{err: err}
	}
	if text, is := why.(string); is {
		a.outcome.Reason = clip(text)
	}
	return a
}

// valueOf is the value of a query, nil where it is undefined.
func valueOf(ctx context.Context, query oparego.PreparedEvalQuery, options []oparego.EvalOption) (any, error) {
	results, err := query.Eval(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return nil, nil
	}
	return results[0].Expressions[0].Value, nil
}

// clip cuts a text to what the audit log takes.
func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), MaxReasonBytes)], "")
}
