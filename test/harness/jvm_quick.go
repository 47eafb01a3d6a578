//go:build !bench

package harness

// quick has JVMs start classes fast and never optimise them fully: most of them run for seconds.
const quick = true
