package embedded

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
)

// Assignment is what the leader tells a member.
type Assignment struct {
	Topics []TopicPartitions
	// UserData is the assignor's own; nil where there is none.
	UserData []byte
}

// ReadAssignment reads a member's assignment. No bytes at all, which stand for a member that the leader has left out, are malformed.
func ReadAssignment(b []byte) (Assignment, error) {
	r := reader{kbin.Reader{Src: b}}
	version := r.Int16()
	a := Assignment{r.topicPartitions(), r.userData()}
	if version < 0 || !r.Ok() {
		return Assignment{}, fmt.Errorf("%w: assignment of version %d, %d bytes", ErrMalformed, version, len(b))
	}
	return a, nil
}

// Bytes is the assignment for a member whose subscription has that version.
func (a Assignment) Bytes(version int16) []byte {
	dst := kbin.AppendInt16(nil, min(version, newest))
	dst = kbin.AppendArrayLen(dst, len(a.Topics))
	for _, t := range a.Topics {
		dst = kbin.AppendArrayLen(kbin.AppendString(dst, t.Topic), len(t.Partitions))
		for _, p := range t.Partitions {
			dst = kbin.AppendInt32(dst, p)
		}
	}
	return kbin.AppendNullableBytes(dst, a.UserData)
}
