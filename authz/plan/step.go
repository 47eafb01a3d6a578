package plan

import (
	"slices"

	"github.com/chronik-stream/chronik/authz"
)

// Step is one request: ACLs that are added, or else removed, all at once.
type Step struct {
	Add  bool
	ACLs []authz.Binding
}

// Steps are a plan's, with at most so many ACLs each. Additions come before removals, so that whoever keeps a right has it all the time; and of the
// additions those that deny come first, of the removals last, so that nobody gets in between what he has neither before nor after.
func (p *Plan) Steps(most int) []Step {
	var steps []Step
	for _, part := range []struct {
		add   bool
		of    []authz.Binding
		first authz.Permission
	}{{true, p.Add, authz.Deny}, {false, p.Remove, authz.Allow}} {
		order := slices.Clone(part.of)
		slices.SortStableFunc(order, func(a, b authz.Binding) int { return place(a, part.first) - place(b, part.first) })
		for chunk := range slices.Chunk(order, most) {
			steps = append(steps, Step{Add: part.add, ACLs: chunk})
		}
	}
	return steps
}

func place(b authz.Binding, first authz.Permission) int {
	if b.Permission == first {
		return 0
	}
	return 1
}
