package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Type says what a frame changes. The zero value is invalid.
type Type uint8

// The types of frames.
const (
	// Append adds a record batch, the payload, at the end of a log.
	Append Type = iota + 1
	// Truncate cuts a log back to BaseOffset.
	Truncate
	// LogStart raises a log's first offset to BaseOffset.
	LogStart
	// EpochStart says that LeaderEpoch starts at BaseOffset.
	EpochStart
	// PartitionDeleted ends a log.
	PartitionDeleted
	// Checkpoint says that all frames up to the LSN in its payload are durable in the logs.
	Checkpoint
	// PartitionCreated starts a log of the topic whose name is the payload.
	PartitionCreated
	// Reference adds a record batch that is durable in the log's own file; the payload says where.
	Reference
)

// Frame is one change to one log.
type Frame struct {
	Type        Type
	TopicID     [16]byte
	Partition   int32
	LeaderEpoch int32
	BaseOffset  int64
	// PreviousEnd is the log's end before the change.
	PreviousEnd int64
	// Payload depends on the type. In a replay it is valid during the call only.
	Payload []byte
	// Sync says that the frame is brought to disk whatever the flush policy.
	Sync bool
	// Admitted says that Admit has kept room for the payload.
	Admitted bool
	// LSN is the frame's place in the journal, set by the journal; 0 while the frame is held back.
	LSN uint64

	// Sources are what has to be durable before the frame is written. It needs an Order.
	Sources []Source
	// Referenced is how many bytes the sources hold that were not durable, about.
	Referenced int64
	// Order, where not nil, is that of all frames which must not overtake each other; they are given one at a time.
	Order *Order
}

// The layout; docs/formats.md.
const (
	blockBytes       = 4096
	frameHeaderBytes = 80
	firstFrame       = 2 * blockBytes

	frameMagic   = 0x43484a46 // CHJF
	frameVersion = 1
)

// ErrCorrupt is wrapped by the errors that say that something durable is not as it was written.
var ErrCorrupt = errors.New("the journal is corrupt")

// ErrNewer is wrapped by the errors that say that a newer version wrote the journal.
var ErrNewer = errors.New("the journal was written by a newer version")

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errFrame   = errors.New("no valid frame")
)

// appendFrame appends the frame without generation, synced-through LSN and checksum, which seal sets when its file is known.
func appendFrame(dst []byte, f *Frame) []byte {
	dst = binary.BigEndian.AppendUint32(dst, frameMagic)
	dst = append(dst, frameVersion, byte(f.Type), 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.Payload))) //nolint:gosec // bounded by the file's size
	dst = binary.BigEndian.AppendUint32(dst, 0)
	dst = binary.BigEndian.AppendUint64(dst, f.LSN)
	dst = append(dst, make([]byte, 16)...)
	dst = append(dst, f.TopicID[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.Partition))   //nolint:gosec // bits
	dst = binary.BigEndian.AppendUint32(dst, uint32(f.LeaderEpoch)) //nolint:gosec // bits
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.BaseOffset))  //nolint:gosec // bits
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.PreviousEnd)) //nolint:gosec // bits
	return append(dst, f.Payload...)
}

// seal completes the frames of a commit for the file that they go to.
func seal(commit []byte, h *fileHeader, syncedThrough uint64) {
	seed := h.seed()
	for len(commit) > 0 {
		size := frameHeaderBytes + int(binary.BigEndian.Uint32(commit[8:]))
		frame := commit[:size]
		binary.BigEndian.PutUint64(frame[24:], h.generation)
		binary.BigEndian.PutUint64(frame[32:], syncedThrough)
		binary.BigEndian.PutUint32(frame[12:], checksum(seed, frame))
		commit = commit[size:]
	}
}

// checksum is that of a frame or a file header: all bytes but the checksum's own.
func checksum(seed uint32, b []byte) uint32 {
	return crc32.Update(crc32.Update(seed, castagnoli, b[:12]), castagnoli, b[16:])
}

// parseFrame reads the frame at the start of b and returns its size and its synced-through LSN.
func parseFrame(b []byte, h *fileHeader, f *Frame) (size int, syncedThrough uint64, err error) {
	if len(b) < frameHeaderBytes || binary.BigEndian.Uint32(b) != frameMagic {
		return 0, 0, errFrame
	}
	length := binary.BigEndian.Uint32(b[8:])
	if uint64(length) > uint64(len(b)-frameHeaderBytes) || //nolint:gosec // b holds a header
		binary.BigEndian.Uint64(b[24:]) != h.generation {
		return 0, 0, errFrame
	}
	size = frameHeaderBytes + int(length)
	if checksum(h.seed(), b[:size]) != binary.BigEndian.Uint32(b[12:]) {
		return 0, 0, errFrame
	}
	if b[4] != frameVersion {
		return 0, 0, fmt.Errorf("%w: frame version %d", ErrNewer, b[4])
	}
	if b[5] < byte(Append) || b[5] > byte(Reference) {
		return 0, 0, fmt.Errorf("%w: frame type %d", ErrNewer, b[5])
	}
	*f = Frame{
		Type:        Type(b[5]),
		TopicID:     [16]byte(b[40:56]),
		Partition:   int32(binary.BigEndian.Uint32(b[56:])), //nolint:gosec // bits
		LeaderEpoch: int32(binary.BigEndian.Uint32(b[60:])), //nolint:gosec // bits
		BaseOffset:  int64(binary.BigEndian.Uint64(b[64:])), //nolint:gosec // bits
		PreviousEnd: int64(binary.BigEndian.Uint64(b[72:])), //nolint:gosec // bits
		Payload:     b[frameHeaderBytes:size:size],
		LSN:         binary.BigEndian.Uint64(b[16:]),
	}
	return size, binary.BigEndian.Uint64(b[32:]), nil
}
