//go:build interop && !soak

package interop

import "time"

// killRounds is how often the broker is killed in one run; `make soak` does more.
const killRounds = 10

// bankTime is how long money moves in one run; `make soak` takes longer.
const bankTime = 10 * time.Second
