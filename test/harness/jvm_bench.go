//go:build bench

package harness

// quick is false here: what is measured has to be as fast as it can.
const quick = false
