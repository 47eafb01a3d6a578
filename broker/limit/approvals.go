package limit

// Bounds on requests that take two persons. They stand in the metadata until they are used or over, whoever asks.
const (
	// Approvals is how many there may be at a time: a person has to look at each.
	Approvals = 2000
	// ApprovalsOf is how many one requester may have, so that he does not take the room of all others.
	ApprovalsOf = 200
	// ApprovalBytes caps what one says of its resource before and after, in bytes: 2,000 must not fill the memory, and the approver has to read it.
	ApprovalBytes = 16 << 10
)
