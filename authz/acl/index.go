package acl

import (
	"hash/maphash"
	"math/bits"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// index is the set of ACLs, by principal and resource type, then host, then pattern. It is immutable: a change shares all that it does not
// touch with the old index.
type index struct {
	// seed makes the hashes of this authorizer unlike those of any other.
	seed maphash.Seed
	held table[holder, holding]
	// everybody is what User:* holds by resource type, kept at hand because every decision asks for it.
	everybody [resourceTypes]*holding
	// spoken counts the bindings of each pattern by resource type, whoever holds them; nil unless allow.everyone.if.no.acl.found asks.
	spoken *[resourceTypes]patterns[int]
}

// holder is somebody whom bindings on resources of a type name.
type holder struct {
	principal auth.Principal
	of        authz.ResourceType
}

// hash is made of the principal's parts, so that nobody has to put them together.
func (h *holder) hash(seed maphash.Seed) uint64 {
	return maphash.String(seed, h.principal.Name) ^ bits.RotateLeft64(maphash.String(seed, h.principal.Type), int(h.of))
}

// holding is what a holder holds: what counts from any host, nil if nothing does, and what counts from one.
type holding struct {
	anywhere *scope
	at       table[host, *scope]
}

func (h *holding) empty() bool { return h.anywhere == nil && h.at.root == nil }

// scopeAt returns the scope of bindings that name a host so, nil if there is none.
func (h *holding) scopeAt(seed maphash.Seed, where *host) *scope {
	if where.form == anyHost {
		return h.anywhere
	}
	if s := h.at.get(maphash.Comparable(seed, *where), *where); s != nil {
		return *s
	}
	return nil
}

// put sets the scope of a host; an empty one goes.
func (h *holding) put(seed maphash.Seed, where *host, s *scope) {
	next := &s
	if s.empty() {
		s, next = nil, nil
	}
	if where.form == anyHost {
		h.anywhere = s
		return
	}
	h.at = h.at.put(maphash.Comparable(seed, *where), *where, next)
}

func emptyIndex(countPatterns bool) index {
	x := index{seed: maphash.MakeSeed()}
	if countPatterns {
		x.spoken = new([resourceTypes]patterns[int])
	}
	return x
}

// holdingOf returns what the holder holds, nil if nothing.
func (x *index) holdingOf(h *holder) *holding { return x.held.get(h.hash(x.seed), *h) }

// editor makes the next index out of one.
type editor struct {
	index index
	open  map[place]*scope
}

// place is where a scope belongs.
type place struct {
	holder holder
	host   host
}

func edit(from index) *editor { return &editor{index: from, open: make(map[place]*scope)} }

func (e *editor) add(b authz.Binding) { e.change(b, 1) }

func (e *editor) remove(b authz.Binding) { e.change(b, -1) }

// change adds (by 1) or removes (by -1) a binding.
func (e *editor) change(b authz.Binding, by int32) {
	who, err := auth.ParsePrincipal(b.Principal)
	if err != nil || b.Validate() != nil {
		return
	}
	s := e.scope(place{holder{who, b.Type}, parseHost(b.Host)})
	if s.change(e.index.seed, b, by) && e.index.spoken != nil {
		e.count(b, int(by))
	}
}

// scope returns a scope to be changed.
func (e *editor) scope(of place) *scope {
	if s := e.open[of]; s != nil {
		return s
	}
	s := &scope{}
	if h := e.index.holdingOf(&of.holder); h != nil {
		if old := h.scopeAt(e.index.seed, &of.host); old != nil {
			*s = *old
		}
	}
	e.open[of] = s
	return s
}

func (e *editor) count(b authz.Binding, by int) {
	spoken, seed := *e.index.spoken, e.index.seed
	p := &spoken[b.Type]
	if old := p.get(seed, b.Pattern, b.Name); old != nil {
		by += *old
	}
	n := &by
	if by == 0 {
		n = nil
	}
	p.put(seed, b.Pattern, b.Name, n)
	e.index.spoken = &spoken
}

func (e *editor) finish() index {
	x := &e.index
	for of, s := range e.open {
		var h holding
		if old := x.holdingOf(&of.holder); old != nil {
			h = *old
		}
		h.put(x.seed, &of.host, s)
		next := &h
		if h.empty() {
			next = nil
		}
		x.held = x.held.put(of.holder.hash(x.seed), of.holder, next)
	}
	for t := range x.everybody {
		x.everybody[t] = x.holdingOf(&holder{everybody, authz.ResourceType(t)})
	}
	return *x
}
