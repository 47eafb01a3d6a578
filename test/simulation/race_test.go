//go:build race

package simulation

// raceDetector makes everything many times slower.
const raceDetector = true
