package authz

import "slices"

// linearNeeds is how many decisions are searched in a row before a map pays.
const linearNeeds = 8

// keptAnswers is how many answers' memory Forget keeps at the most.
const keptAnswers = 8

// Granted is the capability that a request carries: what was asked of one pinned view, and the answers. What was not
// declared as a need is denied. It does not change once Grant has returned it, but for Renew and Forget.
type Granted struct {
	view    View
	who     Subject
	needs   Needs
	answers []answer
	index   map[needKey]int
	refused *Need
	// operations has a bit for each operation that is granted on a resource of needs.Operations.
	operations map[Resource]uint32
}

type answer struct {
	need     Need
	decision Decision
}

// Grant decides all needs against the view. refused is the need that refuses the request whole, or nil.
func Grant(view View, who Subject, needs Needs) (granted *Granted, refused *Need) {
	g := &Granted{}
	refused = g.Renew(view, who, needs, nil)
	return g, refused
}

// Renew decides needs as Grant does, in the memory of answers that nobody looks at any more. Whoever may still look has to have others.
// A memo, which may be nil, spares it from asking the view what it was asked lately.
func (g *Granted) Renew(view View, who Subject, needs Needs, memo *Memo) (refused *Need) {
	questions := len(needs.All) + len(needs.Any) + len(needs.Each)
	*g = Granted{view: view, who: who, needs: needs, answers: slices.Grow(g.answers[:0], questions)}
	memo = memo.of(view, &g.who, questions)
	for i := range needs.All {
		if !g.decide(&needs.All[i], memo) && refused == nil {
			refused = &needs.All[i]
		}
	}
	some := len(needs.Any) == 0
	for i := range needs.Any {
		some = g.decide(&needs.Any[i], memo) || some
	}
	if !some && refused == nil {
		refused = &needs.Any[0]
	}
	for i := range needs.Each {
		g.decide(&needs.Each[i], memo)
	}
	g.buildIndex()
	g.decideOperations()
	g.refused = refused
	return refused
}

// Forget denies everything, and keeps no more than a little memory for Renew: neither the request, nor the answers to many needs.
func (g *Granted) Forget() {
	room := g.answers
	if cap(room) > keptAnswers {
		room = nil
	}
	clear(room)
	*g = Granted{answers: room[:0]}
}

func (g *Granted) decideOperations() {
	if len(g.needs.Operations) == 0 {
		return
	}
	g.operations = make(map[Resource]uint32, len(g.needs.Operations))
	for _, on := range g.needs.Operations {
		g.operations[on] = operationsIn(g.view, g.who, on)
	}
}

func operationsIn(view View, who Subject, on Resource) (bits uint32) {
	for _, op := range OperationsOn(on.Type) {
		if view.Decide(who, op, on).Allowed {
			bits |= 1 << op
		}
	}
	return bits
}

// Operations has bit n set for each operation n that is granted on a resource of Needs.Operations (KIP-430); 0 for any other.
func (g *Granted) Operations(on Resource) uint32 { return g.operations[on] }

func (g *Granted) decide(n *Need, memo *Memo) bool {
	d := n.decideIn(g.view, &g.who, memo)
	g.answers = append(g.answers, answer{need: *n, decision: d})
	return d.Allowed
}

func (n *Need) decideIn(view View, who *Subject, memo *Memo) Decision {
	var d Decision
	if n.AnyOfType {
		d = view.DecideAny(*who, n.Op, n.On.Type)
	} else {
		d = memo.decide(view, who, n.Op, n.On)
	}
	if !d.Allowed && n.OrOn != (Resource{}) {
		second := n.Second()
		if other := memo.decide(view, who, second.Op, second.On); other.Allowed {
			return other
		}
	}
	return d
}

func (g *Granted) buildIndex() {
	if len(g.answers) <= linearNeeds {
		return
	}
	g.index = make(map[needKey]int, len(g.answers))
	for i := range g.answers {
		g.index[g.answers[i].need.key()] = i
	}
}

// Has reports whether op on the named resource was declared and granted.
func (g *Granted) Has(op Operation, t ResourceType, name string) bool {
	return g.lookup(needKey{op: op, on: Resource{Type: t, Name: name}})
}

// Met reports whether a need was declared, as it stands, and granted.
func (g *Granted) Met(n Need) bool { return g.lookup(n.key()) }

// HasAny reports whether op on some resource of the type was declared and granted.
func (g *Granted) HasAny(op Operation, t ResourceType) bool {
	return g.lookup(needKey{op: op, on: Resource{Type: t}, any: true})
}

func (g *Granted) lookup(k needKey) bool {
	if g.index != nil {
		i, found := g.index[k]
		return found && g.answers[i].decision.Allowed
	}
	for i := range g.answers {
		if g.answers[i].need.key() == k {
			return g.answers[i].decision.Allowed
		}
	}
	return false
}

// Epoch is the epoch of the view that the answers come from.
func (g *Granted) Epoch() uint64 { return g.view.Epoch() }

// Regrant asks the same questions of a newer view.
func (g *Granted) Regrant(view View) *Granted {
	again, _ := Grant(view, g.who, g.needs)
	return again
}

// Refused is the need that refuses the request whole, or nil.
func (g *Granted) Refused() *Need { return g.refused }

// LostIn reports whether something that is granted would be denied in another view. It allocates nothing.
func (g *Granted) LostIn(view View) bool {
	for i := range g.answers {
		if a := &g.answers[i]; a.decision.Allowed && !a.need.decideIn(view, &g.who, nil).Allowed {
			return true
		}
	}
	for on, bits := range g.operations {
		if bits&^operationsIn(view, g.who, on) != 0 {
			return true
		}
	}
	return false
}

// Uses calls yield for each need that was granted and lets the request do something: no probe. Of Any, which one grant meets, it is the
// first need with the others as or, and the decision that met it. The pointers are good for the call only.
func (g *Granted) Uses(yield func(need *Need, or []Need, decision *Decision)) {
	all, anyEnd := len(g.needs.All), len(g.needs.All)+len(g.needs.Any)
	for i := all; i < anyEnd; i++ {
		if g.answers[i].decision.Allowed {
			yield(&g.needs.Any[0], g.needs.Any[1:], &g.answers[i].decision)
			break
		}
	}
	for i := range g.answers {
		a := &g.answers[i]
		if i >= all && i < anyEnd || a.need.Probe || !a.decision.Allowed {
			continue
		}
		yield(&a.need, nil, &a.decision)
	}
}

// Denials calls yield for each denied need that is an event: no probe, and of Any only when all of it is denied.
func (g *Granted) Denials(yield func(Need, Decision) bool) {
	all, anyEnd := len(g.needs.All), len(g.needs.All)+len(g.needs.Any)
	anyDenied := true
	for i := all; i < anyEnd; i++ {
		anyDenied = anyDenied && !g.answers[i].decision.Allowed
	}
	for i := range g.answers {
		a := &g.answers[i]
		isAny := i >= all && i < anyEnd
		if a.decision.Allowed || a.need.Probe || isAny && !anyDenied {
			continue
		}
		if !yield(a.need, a.decision) {
			return
		}
	}
}
