package rego

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/chronik-stream/chronik/policies"
)

const (
	// decision is the rule that decides; reason is the one that may say why.
	decision = "data.kafka.authz.allow"
	reason   = "data.kafka.authz.reason"
	// nowNanos is the one function of the time.
	nowNanos = "time.now_ns"
)

// Errors of policies; each comes wrapped with what and where.
var (
	// ErrNoDecision says that no module has the rule that decides: everything would be denied.
	ErrNoDecision = errors.New("no module has the rule " + decision)
	ErrNoModules  = errors.New("there is no module, a file whose name ends in .rego")
)

// program is compiled modules with their data.
type program struct {
	compiler *ast.Compiler
	store    storage.Store
	// impure are the functions that give no two times the same.
	impure map[string]bool
	// tests are the rules of test modules, by the path of their document.
	tests []string
}

// compile makes a program of files. allowed are functions of the language that policies may use beside those that are pure; tests says
// whether test modules belong to it.
func compile(ctx context.Context, files *Files, allowed []string, tests bool) (*program, error) {
	caps, err := capabilities(allowed)
	if err != nil {
		return nil, err
	}
	modules, err := parse(files.Modules, caps, tests)
	if err != nil {
		return nil, err
	}
	if len(modules) == 0 {
		return nil, ErrNoModules
	}
	if err := addShipped(modules, caps); err != nil {
		return nil, err
	}
	p := &program{impure: map[string]bool{nowNanos: true}, store: inmem.NewFromObjectWithOpts(files.Data, inmem.OptReturnASTValuesOnRead(true))}
	for _, name := range allowed {
		p.impure[name] = true
	}
	p.compiler = ast.NewCompiler().WithCapabilities(caps)
	err = storage.Txn(ctx, p.store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		p.compiler.WithPathConflictsCheck(storage.NonEmpty(ctx, p.store, txn)).Compile(modules)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compile policies: %w", err)
	}
	if p.compiler.Failed() {
		return nil, fmt.Errorf("compile policies: %w", p.compiler.Errors)
	}
	p.tests = testsOf(p.compiler.Modules)
	return p, nil
}

func parse(sources map[string]string, caps *ast.Capabilities, tests bool) (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	for name, source := range sources {
		if isTest(name) && !tests {
			continue
		}
		m, err := parseModule(name, source, caps)
		if err != nil {
			return nil, err
		}
		if m != nil {
			modules[name] = m
		}
	}
	return modules, nil
}

// parseModule reads a module in either version of the language. What is right in both means the same in both.
func parseModule(name, source string, caps *ast.Capabilities) (*ast.Module, error) {
	m, old := ast.ParseModuleWithOpts(name, source, ast.ParserOptions{RegoVersion: ast.RegoV0, Capabilities: caps})
	if old != nil {
		var err error
		if m, err = ast.ParseModuleWithOpts(name, source, ast.ParserOptions{RegoVersion: ast.RegoV1, Capabilities: caps}); err != nil {
			return nil, fmt.Errorf("%s is not Rego: as of version 1: %w; as of version 0: %w", name, err, old)
		}
	}
	if m == nil {
		return nil, nil // there is nothing in it
	}
	return m, bindPrinters(m)
}

// addShipped adds those of the shipped policies that modules refer to, and what these refer to.
func addShipped(modules map[string]*ast.Module, caps *ast.Capabilities) error {
	names, err := policies.Names()
	if err != nil {
		return err
	}
	for again := true; again; {
		again = false
		for _, name := range names {
			path := "chronik/" + name + ".rego"
			if modules[path] != nil || !refersTo(modules, "data.chronik."+name) {
				continue
			}
			source, err := policies.Source(name)
			if err != nil {
				return err
			}
			m, err := parseModule(path, source, caps)
			if err != nil {
				return err
			}
			modules[path], again = m, true
		}
	}
	return nil
}

func refersTo(modules map[string]*ast.Module, path string) bool {
	wanted := ast.MustParseRef(path)
	found := false
	for _, m := range modules {
		ast.WalkRefs(m, func(r ast.Ref) bool {
			constant := r.ConstantPrefix()
			found = found || constant.HasPrefix(wanted) || len(constant) > 1 && wanted.HasPrefix(constant)
			return found
		})
	}
	return found
}

func testsOf(modules map[string]*ast.Module) []string {
	var tests []string
	for name, m := range modules {
		if !isTest(name) {
			continue
		}
		for _, r := range m.Rules {
			if rule := r.Head.Ref().String(); strings.HasPrefix(rule, "test_") {
				tests = append(tests, m.Package.Path.String()+"."+rule)
			}
		}
	}
	slices.Sort(tests)
	return slices.Compact(tests)
}

// has reports whether there is a rule.
func (p *program) has(rule string) bool {
	return len(p.compiler.GetRulesExact(ast.MustParseRef(rule))) > 0
}

// prepare makes a query ready to be evaluated many times.
func (p *program) prepare(ctx context.Context, query string) (oparego.PreparedEvalQuery, error) {
	options := []func(*oparego.Rego){
		oparego.Compiler(p.compiler), oparego.Store(p.store), oparego.Query(query), oparego.StrictBuiltinErrors(true),
	}
	for _, b := range bounded() {
		options = append(options, b.option())
	}
	prepared, err := oparego.New(options...).PrepareForEval(ctx)
	if err != nil {
		return prepared, fmt.Errorf("prepare %s: %w", query, err)
	}
	return prepared, nil
}
