//go:build race

package storage

// raceDetector makes everything many times slower.
const raceDetector = true
