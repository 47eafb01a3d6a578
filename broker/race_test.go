//go:build race

package broker

// raceDetector makes everything many times slower.
const raceDetector = true
