//go:build interop && !soak

package interop

import "time"

// killRounds is how often the broker is killed in one run; `make soak` does more.
const killRounds = 10

// bankTime is how long money moves in one run; `make soak` takes longer.
const bankTime = 10 * time.Second

// authorizerBatches is how many batches of sets of ACLs, 10,000 each, are asked about in one run; `make soak` asks about more.
const authorizerBatches = 10
