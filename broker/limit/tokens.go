package limit

// Bounds on delegation tokens. Apache Kafka has none: a user who may create them could fill the metadata of the cluster.
const (
	// TokensPerOwner is how many one principal may own. Jobs that take one each, for a day, are hundreds.
	TokensPerOwner = 1000
	// Tokens is how many there may be in all: to derive their credentials at a start takes one core four minutes.
	Tokens = 50_000
	// TokenRenewers is how many principals may renew one token. There is one, as a rule: the scheduler of the owner's jobs.
	TokenRenewers = 100
	// TokenRenewersBytes caps the names of one token's renewers together: each audit event of the token has them, and 1,000 tokens of whoever
	// may log in must not fill the memory.
	TokenRenewersBytes = 8 << 10
	// TokenPrincipalBytes caps the name of an owner or a renewer, in bytes. A distinguished name can be a few hundred long.
	TokenPrincipalBytes = 1 << 10
	// TokenChanges is how many changes of tokens (made, renewed, ended) one principal may make at once, and TokenChangesPerSecond in the
	// long run. They ask for no ACL, and each is an entry of the metadata log and an audit event of some 1 KB: a scheduler that renews the tokens
	// of 50,000 jobs every day makes one in two seconds.
	TokenChanges          = 2 * TokensPerOwner
	TokenChangesPerSecond = 5
	// TokenChangers are the principals whose changes are remembered, 100 bytes and a name each.
	TokenChangers = 10_000
	// TokensPerSweep is how many expired tokens one entry of the metadata log removes, with an audit record each.
	TokensPerSweep = 1000
)
