package rego

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// sight is what policies can see of a question: decisions are cached by exactly that.
type sight struct {
	// leaves are the values of the input document that some module names, or names something above or below of.
	leaves []leaf
	// never says that some module calls a function whose result depends on more than its arguments: no decision is cached.
	never bool
}

// sightOf finds out what compiled modules can see. It takes every mention in any module for a use, so it may see too much, and never too
// little: what a module does with a part of the input that it has a name for needs no following.
func sightOf(modules map[string]*ast.Module, impure map[string]bool) sight {
	var seen [][]string
	var s sight
	for _, m := range modules {
		ast.WalkRefs(m, func(r ast.Ref) bool {
			if impure[r.String()] {
				s.never = true
			}
			if r.HasPrefix(ast.InputRootRef) {
				seen = append(seen, constantPath(r[1:]))
			}
			return false
		})
		// The whole document may be meant by its name alone.
		ast.WalkTerms(m, func(t *ast.Term) bool {
			if v, is := t.Value.(ast.Var); is && v.Equal(ast.InputRootDocument.Value) {
				seen = append(seen, nil)
			}
			_, isRef := t.Value.(ast.Ref)
			return isRef
		})
	}
	for _, l := range leaves() {
		if slices.ContainsFunc(seen, func(path []string) bool { return touches(path, l.path) }) {
			s.leaves = append(s.leaves, l)
		}
	}
	return s
}

// constantPath is the path of a reference up to where it is not constant.
func constantPath(r ast.Ref) []string {
	var path []string
	for _, t := range r {
		name, is := t.Value.(ast.String)
		if !is {
			break
		}
		path = append(path, string(name))
	}
	return path
}

// touches reports whether one path is the other or is above it.
func touches(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// maxKey bounds a key, in bytes: clients choose what is asked, and so what the cache holds.
const maxKey = 256

// keyRoom is room for the key of a question, most of which need no more while it is put together.
type keyRoom [2 * maxKey]byte

// keyOf is the same for two questions only if the policies can not tell them apart. A long one is cut to its SHA-256, and its first byte
// says so.
func (s *sight) keyOf(q *Question, room *keyRoom) []byte {
	b := append(room[:0], 0)
	for i := range s.leaves {
		b = s.leaves[i].appendKey(b, q)
	}
	if len(b) > maxKey {
		sum := sha256.Sum256(b)
		b = append(append(b[:0], 1), sum[:]...)
	}
	return b
}

// tick is the shortest time after which the same question may get another answer, 0 where time changes nothing.
func (s *sight) tick() time.Duration {
	var least time.Duration
	if s.never {
		least = time.Second
	}
	for i := range s.leaves {
		if every := s.leaves[i].every; every > 0 && (least == 0 || every < least) {
			least = every
		}
	}
	return least
}
