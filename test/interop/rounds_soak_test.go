//go:build interop && soak

package interop

import "time"

// killRounds is how often the broker is killed in a soak run.
const killRounds = 200

// bankTime is how long money moves in a soak run.
const bankTime = 30 * time.Minute
