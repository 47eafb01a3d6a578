package rego

import (
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
)

// document is the input document of a question, with these leaves only.
func document(parts []leaf, q *Question) ast.Value {
	root := newBranch()
	for i := range parts {
		if t := parts[i].term(q); t != nil {
			root.put(parts[i].path, t)
		}
	}
	return root.object()
}

// branch is an object of the document while it is made.
type branch struct {
	values   [][2]*ast.Term
	names    []string
	branches []*branch
}

func newBranch() *branch { return &branch{} }

func (b *branch) put(path []string, t *ast.Term) {
	if len(path) == 1 {
		b.values = append(b.values, [2]*ast.Term{ast.StringTerm(path[0]), t})
		return
	}
	for i, name := range b.names {
		if name == path[0] {
			b.branches[i].put(path[1:], t)
			return
		}
	}
	below := newBranch()
	b.names, b.branches = append(b.names, path[0]), append(b.branches, below)
	below.put(path[1:], t)
}

func (b *branch) object() ast.Value {
	pairs := b.values
	for i, name := range b.names {
		pairs = append(pairs, [2]*ast.Term{ast.StringTerm(name), ast.NewTerm(b.branches[i].object())})
	}
	return ast.NewObject(pairs...)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// Document is the whole input document of a question as JSON, as chronik policy shows it.
func Document(q Question) string {
	q.complete()
	return document(leaves(), &q).String()
}
