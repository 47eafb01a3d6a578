//go:build race

package record

// The race detector lets pools forget at random: encoders and decoders, with their windows, are made anew.
const (
	mostAllocs          = 100
	mostConversionBytes = FreeUncompressed / 2
)
