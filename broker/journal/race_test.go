//go:build race

package journal

// raceDetector makes everything many times slower.
const raceDetector = true
