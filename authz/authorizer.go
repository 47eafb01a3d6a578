package authz

import "github.com/chronik-stream/chronik/auth"

// Subject is who asks, and from where.
type Subject struct {
	Principal auth.Principal
	// Host is the client's address in text form.
	Host string
	// Listener is the name of this broker's listener that the client came in by; "" for whoever another broker speaks for, so that what
	// a listener gives is not given by way of another.
	Listener string
}

// Decision is an answer and its reason. The zero value is a denial.
type Decision struct {
	Allowed bool
	// Reason says which rule decided: "super user", "default deny", "ACL", ...
	Reason string
	// Rule is the ACL that decided, where one did.
	Rule *Binding
}

// Authorizer decides. Implementations are safe for concurrent use and take no lock to decide.
type Authorizer interface {
	// Pin returns the rules as they are now; a view never changes.
	Pin() View
	// Epoch is the epoch of the view that Pin would return.
	Epoch() uint64
}

// View is one immutable state of the rules.
type View interface {
	// Epoch grows with each change of the rules.
	Epoch() uint64
	// Decide answers for one operation on one resource.
	Decide(who Subject, op Operation, on Resource) Decision
	// DecideAny answers whether who may do op on at least one resource of type t, existing or not
	// (Apache Kafka's authorizeByResourceType).
	DecideAny(who Subject, op Operation, t ResourceType) Decision
}
