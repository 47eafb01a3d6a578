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
	// Session is what the log-in established, nil where nobody has logged in. It must not be changed.
	Session *auth.Session
	// Request is what is being asked, nil where no request is.
	Request Request
}

// Request tells of the request that is decided about. It is asked only by who decides by more than the principal.
type Request interface {
	RequestFacts() RequestFacts
}

// RequestFacts are the parts of a request that a rule may look at. All but the numbers are what the client says of itself.
type RequestFacts struct {
	// API is Apache Kafka's name of what is asked; Key, Version and CorrelationID are as in the request's header.
	API           string
	Key, Version  int16
	CorrelationID int32
	// ClientID, SoftwareName and SoftwareVersion are "" where the client sent none.
	ClientID, SoftwareName, SoftwareVersion string
	// Connection is the connection's number, unique within this run of the broker.
	Connection uint64
	// TopicsAsked is how many topics the request is to create; 0 where it creates none. TopicsCreated is how many others its principal has
	// created in the last hour, or is about to by requests under way.
	TopicsAsked, TopicsCreated int
}

// Decision is an answer and its reason. The zero value is a denial.
type Decision struct {
	Allowed bool
	// Final says that it stands above all rules, as a super user's: whoever combines several rulebooks asks no other.
	Final bool
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
