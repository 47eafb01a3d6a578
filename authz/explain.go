package authz

// Explanation is a decision with what led to it.
type Explanation struct {
	// Decision is what View.Decide answers.
	Decision Decision
	// ACLs is what the ACLs say by themselves.
	ACLs Decision
	// Policies is what policies say, nil where they were not asked.
	Policies *Decision
}

// Explainer is a View that decides by more than one rulebook.
type Explainer interface {
	// Explain decides as Decide does and says who said what. It leaves no trace: nothing is recorded, counted or kept, since nobody does
	// what is asked about.
	Explain(who Subject, op Operation, on Resource) Explanation
}

// Explain decides by the view and says who said what.
func Explain(view View, who Subject, op Operation, on Resource) Explanation {
	if e, is := view.(Explainer); is {
		return e.Explain(who, op, on)
	}
	d := view.Decide(who, op, on)
	return Explanation{Decision: d, ACLs: d}
}
