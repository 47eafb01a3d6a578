//go:build interop && !soak

package interop

// killRounds is how often the broker is killed in one run; `make soak` does more.
const killRounds = 10
