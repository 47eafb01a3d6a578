package ldap

const (
	// maxConnections bounds the connections of one purpose to the directory, and with them the log-ins that are checked at once. The
	// others wait for their turn.
	maxConnections = 16
	// maxAnswerBytes bounds what comes after a message to the directory: far more than an entry with all groups that a session may have.
	maxAnswerBytes = 4 << 20
	// maxRemembered bounds the log-ins that are remembered, 100 bytes each beside their groups.
	maxRemembered = 10_000
	// sizeLimit is how many entries a search asks for: with two it is known that a name is ambiguous.
	sizeLimit = 2
)
