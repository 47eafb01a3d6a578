//go:build !race

package record

const (
	// mostAllocs is how often a batch of 1,000 records may allocate.
	mostAllocs = 10
	// mostConversionBytes is what a conversion may allocate, of which most is its result.
	mostConversionBytes = FreeUncompressed / 4
)
