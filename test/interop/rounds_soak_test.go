//go:build interop && soak

package interop

// killRounds is how often the broker is killed in a soak run.
const killRounds = 200
