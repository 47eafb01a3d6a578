package authz

import "cmp"

// Need is one thing that a request has to be allowed to do.
type Need struct {
	Op Operation
	On Resource
	// AnyOfType asks for op on at least one resource of On.Type instead of the named one.
	AnyOfType bool
	// OrOn, where set, is a second resource: the same operation on it will do as well, as CREATE on the cluster stands for CREATE
	// on every topic.
	OrOn Resource
	// OrOp, where set, is the operation that will do on OrOn, as CLUSTER_ACTION on the cluster stands for DESCRIBE on every topic where
	// brokers ask.
	OrOp Operation
	// Probe marks a question whose denial is not an event: filters, alternatives, authorized-operations fields.
	Probe bool
}

// Needs is all that one request has to be allowed to do.
type Needs struct {
	// All must be granted, each of them, or the request is refused whole with the code of the first that is not.
	All []Need
	// Any is refused whole when none is granted; empty asks nothing. Denials are events only when all are denied.
	Any []Need
	// Each is decided one by one; the answer carries a code per item, or leaves the item out.
	Each []Need
	// Operations asks for every operation that makes sense on each of these resources, for the authorized-operations fields
	// (KIP-430). No denial of them is an event. A resource takes a fraction of what as many needs would.
	Operations []Resource
}

// Len is how many questions the needs are: how much memory their answers take.
func (n *Needs) Len() int { return len(n.All) + len(n.Any) + len(n.Each) + len(n.Operations) }

// Second is what will do as well: the need of OrOn, where it is set.
func (n Need) Second() Need { return Need{Op: cmp.Or(n.OrOp, n.Op), On: n.OrOn} }

// Key identifies a need within one request.
func (n Need) key() needKey {
	return needKey{op: n.Op, on: n.On, or: n.OrOn, orOp: n.OrOp, any: n.AnyOfType}
}

type needKey struct {
	op, orOp Operation
	on, or   Resource
	any      bool
}
