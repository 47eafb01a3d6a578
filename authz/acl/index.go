package acl

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"

	"github.com/chronik-stream/chronik/authz"
)

// index is the set of ACLs, by holder, then resource type, then pattern. It is immutable: a change shares all that it does
// not touch with the old index.
type index struct {
	holders *iradix.Tree[*holder]
	// everybody is the holder User:* from any host, kept at hand because every decision asks it.
	everybody *holder
	// hostBound counts the bindings that name a host; when there is none nobody's host is looked at.
	hostBound int
	// patterns counts the bindings of each pattern, whoever holds them; nil unless allow.everyone.if.no.acl.found asks.
	patterns *iradix.Tree[int]
}

func emptyIndex() index { return index{holders: iradix.New[*holder]()} }

// editor makes the next index out of one.
type editor struct {
	index    index
	holders  *iradix.Txn[*holder]
	patterns *iradix.Txn[int]
	open     map[string]*openHolder
}

// openHolder is a holder under change.
type openHolder struct {
	next     holder
	literal  [resourceTypes]*iradix.Txn[*rules]
	prefixed [resourceTypes]*iradix.Txn[*rules]
}

func edit(from index, countPatterns bool) *editor {
	e := &editor{index: from, holders: from.holders.Txn(), open: make(map[string]*openHolder)}
	if !countPatterns {
		return e
	}
	if from.patterns == nil {
		from.patterns = iradix.New[int]()
	}
	e.patterns = from.patterns.Txn()
	return e
}

func (e *editor) add(b authz.Binding) { e.change(b, 1) }

func (e *editor) remove(b authz.Binding) { e.change(b, -1) }

// change adds (by 1) or removes (by -1) a binding.
func (e *editor) change(b authz.Binding, by int) {
	if b.Validate() != nil {
		return
	}
	where := parseHost(b.Host)
	h := e.holder(string(append(where.appendKey(nil), b.Principal...)))
	if !h.change(b, by) {
		return
	}
	if where.form != anyHost {
		e.index.hostBound += by
	}
	if e.patterns != nil {
		e.count(b, by)
	}
}

func (e *editor) count(b authz.Binding, by int) {
	key := appendPattern(nil, b.Type, b.Pattern, b.Name)
	n, _ := e.patterns.Get(key)
	if n += by; n > 0 {
		e.patterns.Insert(key, n)
		return
	}
	e.patterns.Delete(key)
}

func (e *editor) holder(key string) *openHolder {
	if h := e.open[key]; h != nil {
		return h
	}
	h := &openHolder{}
	if old, found := e.holders.Get([]byte(key)); found {
		h.next = *old
	}
	e.open[key] = h
	return h
}

// change reports whether the set of bindings is another one now.
func (h *openHolder) change(b authz.Binding, by int) bool {
	apply := (*rules).with
	if by < 0 {
		apply = (*rules).without
	}
	s := &h.next.scopes[b.Type]
	if b.Pattern == authz.Literal && b.Name == authz.Wildcard {
		next, changed := apply(s.wildcard, b)
		s.wildcard = next
		return changed
	}
	tree, txn := s.literal, &h.literal[b.Type]
	if b.Pattern == authz.Prefixed {
		tree, txn = s.prefixed, &h.prefixed[b.Type]
	}
	if *txn == nil {
		if tree == nil {
			tree = iradix.New[*rules]()
		}
		*txn = tree.Txn()
	}
	old, _ := (*txn).Get([]byte(b.Name))
	next, changed := apply(old, b)
	switch {
	case !changed:
	case next == nil:
		(*txn).Delete([]byte(b.Name))
	default:
		(*txn).Insert([]byte(b.Name), next)
	}
	return changed
}

func (h *openHolder) finish() *holder {
	for t := range h.next.scopes {
		s := &h.next.scopes[t]
		s.literal = commit(s.literal, h.literal[t])
		s.prefixed = commit(s.prefixed, h.prefixed[t])
	}
	return &h.next
}

// commit returns the tree after the transaction, nil for an empty one.
func commit(tree *iradix.Tree[*rules], txn *iradix.Txn[*rules]) *iradix.Tree[*rules] {
	if txn == nil {
		return tree
	}
	if next := txn.Commit(); next.Len() > 0 {
		return next
	}
	return nil
}

func (e *editor) finish() index {
	for key, open := range e.open {
		h := open.finish()
		if h.empty() {
			e.holders.Delete([]byte(key))
			continue
		}
		e.holders.Insert([]byte(key), h)
	}
	e.index.holders = e.holders.Commit()
	anywhere := host{form: anyHost}
	e.index.everybody, _ = e.index.holders.Get(append(anywhere.appendKey(nil), everybody...))
	if e.patterns != nil {
		e.index.patterns = e.patterns.Commit()
	}
	return e.index
}
