package plain

import (
	"runtime"
	"time"
)

const (
	// maxFileBytes bounds a file of users.
	maxFileBytes = 4 << 20
	// maxClearUsers bounds the users of a file whose passwords stand there in clear: each is hashed when the file is read,
	// about 2 ms of one processor. Hashed entries have no such bound but the file's size.
	maxClearUsers = 1000
	// maxRemembered bounds the log-ins that a verifier remembers, 100 bytes each.
	maxRemembered = 10_000
	// minIterations and maxIterations are what Apache Kafka's ScramMechanism allows; a larger count is time that every
	// stranger can make the broker spend.
	minIterations = 4096
	maxIterations = 16384
	// minFIPSSalt is the least length of a salt in bytes in FIPS 140-3 mode (NIST SP 800-132 section 5.1).
	minFIPSSalt = 16
	// maxWait bounds how long a log-in waits for its turn to be hashed, so that a flood of log-ins is refused instead of
	// piling up. It is under the request time-out of every client.
	maxWait = 10 * time.Second
)

// defaultConcurrent is how many derivations run at once: half of the processors, so that strangers who guess passwords
// leave the other half to those who are known.
func defaultConcurrent() int { return max(1, runtime.GOMAXPROCS(0)/2) }
