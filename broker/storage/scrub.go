package storage

import "sync/atomic"

// scrubbing is what is known of the checksums at rest.
type scrubbing struct {
	// uncovered is how many segments were found without a valid side-car, damaged how many blocks were not as they were written.
	uncovered, damaged atomic.Int64
}
