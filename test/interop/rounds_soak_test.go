//go:build interop && soak

package interop

import "time"

// killRounds is how often the broker is killed in a soak run.
const killRounds = 200

// bankTime is how long money moves in a soak run.
const bankTime = 30 * time.Minute

// authorizerBatches is how many batches of sets of ACLs, 10,000 each, are asked about in a soak run.
const authorizerBatches = 100
