package authz

import "github.com/chronik-stream/chronik/auth"

const (
	// memoRoom is how many answers a Memo has: a producer writes to a few topics in turn. A question that is not among them has been compared
	// with each in vain.
	memoRoom = 4
	// memoName is the longest name of a resource that a Memo keeps, in bytes: the longest that a topic can have.
	memoName = 249
)

// Generation tells the rules of one Lasting view from all others, for as long as anybody has it. It is compared by its address.
type Generation struct {
	_ byte // what has no size may have the address of another
}

// Lasting is a View whose decisions depend on nothing but the rules, the operation, the resource, and of the subject its principal, host and
// listener: asked again it answers the same. A view that looks at the time or the request is none.
type Lasting interface {
	View
	// Generation is the same for no other rules. It keeps none of them in memory.
	Generation() *Generation
}

// Memo has the last answers of a Lasting view that allowed something to one session, so that a session that does the same again and again
// is not looked up each time. What is denied is asked anew, and other rules or another subject find nothing. It is for one goroutine.
// The zero value is empty.
type Memo struct {
	rules *Generation
	who   sameness
	kept  [memoRoom]memorized
	// at is where an answer was found last, or put.
	at int
}

// sameness is what has to be equal for subjects to be the same.
type sameness struct {
	principal      auth.Principal
	host, listener string
	session        *auth.Session
}

type memorized struct {
	on       Resource
	op       Operation
	decision Decision
}

// of returns the memo for so many questions of a subject to a view, or nil where it is of no use.
func (m *Memo) of(view View, who *Subject, questions int) *Memo {
	lasting, is := view.(Lasting)
	if m == nil || !is || who.Session == nil || questions > memoRoom {
		return nil
	}
	rules, by := lasting.Generation(), sameness{principal: who.Principal, host: who.Host, listener: who.Listener, session: who.Session}
	if m.rules != rules || m.who != by {
		*m = Memo{rules: rules, who: by}
	}
	return m
}

// decide decides as the view does that the memo, if there is one, is of.
func (m *Memo) decide(view View, who *Subject, op Operation, on Resource) Decision {
	if m == nil {
		return view.Decide(*who, op, on)
	}
	for i := range m.kept {
		at := (m.at + i) % memoRoom
		if k := &m.kept[at]; k.op == op && k.on == on && k.decision.Allowed {
			m.at = at
			return k.decision
		}
	}
	d := view.Decide(*who, op, on)
	if d.Allowed && len(on.Name) <= memoName {
		m.at = (m.at + 1) % memoRoom
		m.kept[m.at] = memorized{on: on, op: op, decision: d}
	}
	return d
}
