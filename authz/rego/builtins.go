package rego

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// ErrBuiltin says that a function is not one of the language's.
var ErrBuiltin = errors.New("there is no built-in function of that name")

// printing is the package of the functions that stand for those of the language that turn values into text.
const printing = "chronik_printing"

var errTooMuchText = errors.New("the text would be too long")

// pureBuiltins are the names of the functions that policies may use, or of a group of them with a dot at the end. Each gives the same result
// for the same arguments, reaches nothing outside, and takes no more than in proportion to its arguments or can be stopped.
func pureBuiltins() []string {
	return []string{
		"abs", "all", "and", "any", "array.", "assign", "base64.", "base64url.", "bits.and", "bits.negate", "bits.or", "bits.rsh", "bits.xor",
		"cast_array", "cast_boolean", "cast_null", "cast_object", "cast_set", "cast_string", "ceil", "concat", "contains", "count",
		"crypto.hmac.equal", "crypto.hmac.sha256", "crypto.hmac.sha512", "crypto.sha256", "div", "endswith", "eq", "equal", "floor", "format_int",
		"glob.", "graph.reachable", "gt", "gte", "hex.", "indexof", "indexof_n", "internal.", "intersection", "is_array", "is_boolean", "is_null",
		"is_number", "is_object", "is_set", "is_string", "json.filter", "json.is_valid", "json.marshal", "json.patch", "json.remove", "json.unmarshal",
		"lower", "lt", "lte", "max", "min", "minus", "mul", "neq", "net.cidr_contains", "net.cidr_contains_matches", "net.cidr_intersects",
		"net.cidr_is_valid", "net.cidr_merge", "net.cidr_overlap", "numbers.", "object.", "or", "plus", "print", "product", "re_match", "regex.",
		"rem", "replace", "round", "semver.", "set_diff", "sort", "split", "sprintf", "startswith", "strings.any_prefix_match",
		"strings.any_suffix_match", "strings.count", "strings.replace_n", "strings.reverse", "strings.split_n", "substring", "sum",
		"time.", "to_number", "trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix", "type_name", "union", "units.",
		"upper", "uri.", "urlquery.", "uuid.parse", "walk",
	}
}

// capabilities are what modules may use: the pure functions, and those that the operator allows by name.
func capabilities(allowed []string) (*ast.Capabilities, error) {
	all := ast.CapabilitiesForThisVersion()
	names := append(pureBuiltins(), allowed...)
	for _, name := range allowed {
		if !slices.ContainsFunc(all.Builtins, func(b *ast.Builtin) bool { return b.Name == name }) {
			return nil, fmt.Errorf("%w: %q", ErrBuiltin, name)
		}
	}
	all.Builtins = slices.DeleteFunc(all.Builtins, func(b *ast.Builtin) bool { return !slices.ContainsFunc(names, allows(b.Name)) })
	for _, b := range bounded() {
		all.Builtins = append(all.Builtins, b.builtin())
	}
	return all, nil
}

func allows(name string) func(string) bool {
	return func(allowed string) bool {
		return allowed == name || strings.HasSuffix(allowed, ".") && strings.HasPrefix(name, allowed)
	}
}

// printer stands for a function that turns values into text, and does so within bounds.
type printer struct {
	original *ast.Builtin
	// named is how modules that call the original are made to call it.
	named string
}

func bounded() []printer {
	return []printer{
		{original: ast.Sprintf, named: printing + ".sprintf"},
		{original: ast.JSONMarshal, named: printing + ".json_marshal"},
	}
}

func (p printer) builtin() *ast.Builtin { return &ast.Builtin{Name: p.named, Decl: p.original.Decl} }

func (p printer) ref() ast.Ref {
	_, name, _ := strings.Cut(p.named, ".")
	return ast.Ref{ast.VarTerm(printing), ast.StringTerm(name)}
}

// option makes the function known to evaluations.
func (p printer) option() func(*oparego.Rego) {
	decl := &oparego.Function{Name: p.named, Decl: p.original.Decl}
	original := topdown.GetBuiltin(p.original.Name)
	return oparego.FunctionDyn(decl, func(b oparego.BuiltinContext, args []*ast.Term) (*ast.Term, error) {
		if err := printable(args[:p.original.Decl.Arity()]); err != nil { // what follows is for the result
			return nil, err
		}
		var out *ast.Term
		err := original(b, args, func(t *ast.Term) error { out = t; return nil })
		return out, err
	})
}

// wide finds what makes a number in a format of sprintf wide: digits of which there are many, or a width that comes as an argument.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*(\*|[0-9]{4,})`)

// printable refuses what would be too long as a text.
func printable(args []*ast.Term) error {
	m := measure{nodes: MaxPrintedNodes, bytes: MaxPrintedBytes}
	for _, t := range args {
		if !m.fits(t) {
			return errTooMuchText
		}
	}
	if format, is := args[0].Value.(ast.String); is && len(args) == 2 {
		if wide.MatchString(string(format)) || strings.Count(string(format), "%")*maxWidth > MaxPrintedBytes {
			return errTooMuchText
		}
	}
	return nil
}

// measure is how much may still come.
type measure struct{ nodes, bytes int }

// fits walks a value, as it would be printed, for as long as there is room.
func (m *measure) fits(t *ast.Term) bool {
	if m.nodes--; m.nodes < 0 {
		return false
	}
	switch v := t.Value.(type) {
	case ast.String:
		m.bytes -= len(v)
	case ast.Number:
		m.bytes -= len(v)
	case *ast.Array:
		return !v.Until(func(e *ast.Term) bool { return !m.fits(e) })
	case ast.Set:
		return !v.Until(func(e *ast.Term) bool { return !m.fits(e) })
	case ast.Object:
		return !v.Until(func(k, e *ast.Term) bool { return !m.fits(k) || !m.fits(e) })
	}
	return m.bytes >= 0
}

// bindPrinters makes a module call the bounded functions in place of their originals.
func bindPrinters(m *ast.Module) error {
	_, err := ast.TransformRefs(m, func(r ast.Ref) (ast.Value, error) {
		for _, p := range bounded() {
			if r.Equal(p.original.Ref()) {
				return p.ref(), nil
			}
		}
		return r, nil
	})
	return err
}
