package acl

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/chronik-stream/chronik/authz"
)

// patterns are the patterns for names of one resource type, with a value each. They never change but by put, which is called of a copy.
type patterns[V any] struct {
	// wildcard is what the literal pattern "*" has, nil where there is none.
	wildcard *V
	literal  table[string, V]
	prefixed table[string, V]
	// lengths are the lengths that prefixes have, the longest first: a name is cut to each of them and looked up. Names are made by rules,
	// so prefixes have few lengths, whatever their number.
	lengths []prefixLength
}

// prefixLength is a length in bytes, and how many prefixes have it.
type prefixLength struct{ length, prefixes int }

// get returns the value of one pattern, nil if it has none.
func (p *patterns[V]) get(seed maphash.Seed, kind authz.PatternType, name string) *V {
	switch {
	case kind == authz.Prefixed:
		return p.prefixed.get(maphash.String(seed, name), name)
	case name == authz.Wildcard:
		return p.wildcard
	default:
		return p.literal.get(maphash.String(seed, name), name)
	}
}

// put gives a pattern another value; nil takes the pattern away.
func (p *patterns[V]) put(seed maphash.Seed, kind authz.PatternType, name string, value *V) {
	switch {
	case kind == authz.Prefixed:
		hash := maphash.String(seed, name)
		had := p.prefixed.get(hash, name) != nil
		p.prefixed = p.prefixed.put(hash, name, value)
		if has := value != nil; has != had {
			p.lengths = countLength(p.lengths, len(name), has)
		}
	case name == authz.Wildcard:
		p.wildcard = value
	default:
		p.literal = p.literal.put(maphash.String(seed, name), name, value)
	}
}

// countLength returns the lengths after one more prefix, or one less, has the length.
func countLength(lengths []prefixLength, length int, more bool) []prefixLength {
	i, found := slices.BinarySearchFunc(lengths, length, func(l prefixLength, wanted int) int { return cmp.Compare(wanted, l.length) })
	lengths = slices.Clone(lengths)
	switch {
	case !found:
		return slices.Insert(lengths, i, prefixLength{length: length, prefixes: 1})
	case more:
		lengths[i].prefixes++
	case lengths[i].prefixes > 1:
		lengths[i].prefixes--
	default:
		return slices.Delete(lengths, i, i+1)
	}
	return lengths
}

// each calls visit for the value of each pattern that matches the name, until it returns false. It returns whether it has come to the end.
func (p *patterns[V]) each(seed maphash.Seed, name string, visit func(*V) bool) bool {
	if p.wildcard != nil && !visit(p.wildcard) {
		return false
	}
	if p.literal.root != nil {
		if v := p.literal.get(maphash.String(seed, name), name); v != nil && !visit(v) {
			return false
		}
	}
	return p.eachPrefix(seed, name, visit)
}

// eachPrefix is each of prefixes alone, the longest first.
func (p *patterns[V]) eachPrefix(seed maphash.Seed, name string, visit func(*V) bool) bool {
	for i := range p.lengths {
		length := p.lengths[i].length
		if length > len(name) {
			continue
		}
		prefix := name[:length]
		if v := p.prefixed.get(maphash.String(seed, prefix), prefix); v != nil && !visit(v) {
			return false
		}
	}
	return true
}
