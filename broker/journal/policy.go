package journal

// FlushPolicy says when an append is confirmed (chronik.flush.policy). The zero value is FlushAcks, the safe one.
type FlushPolicy uint8

// The flush policies.
const (
	// FlushAcks confirms what is on disk: written and synced.
	FlushAcks FlushPolicy = iota
	// FlushInterval confirms what is written, and syncs at an interval.
	FlushInterval
	// FlushOS confirms what is written, and leaves it to the operating system when that reaches the disk.
	FlushOS
)

// String returns the policy's name in the configuration.
func (p FlushPolicy) String() string {
	switch p {
	case FlushAcks:
		return "acks"
	case FlushInterval:
		return "interval"
	case FlushOS:
		return "os"
	default:
		return "unknown"
	}
}
