package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// apiVersionsKey is the one API whose response header is never flexible, so that any client can read it (KIP-511).
const apiVersionsKey = 18

// ErrResponseSize says that a response is larger than the cap.
var ErrResponseSize = errors.New("response is too large")

// Buffer is a pooled buffer that responses are encoded into.
type Buffer struct{ buf []byte }

// Bytes returns what has been encoded. It is valid until the next call of Reset or Release.
func (b *Buffer) Bytes() []byte { return b.buf }

// Reset empties the buffer. A large one goes back to the pool: ten thousand connections must not each keep their largest answer.
func (b *Buffer) Reset() {
	if cap(b.buf) > 1<<largestKept {
		b.Release()
		return
	}
	b.buf = b.buf[:0]
}

// Release gives the memory back.
func (b *Buffer) Release() {
	giveBack(b.buf)
	b.buf = nil
}

// Response appends a whole response frame: size, header version 0 or 1, body. A response larger than most bytes is not
// appended and fails with ErrResponseSize.
func (b *Buffer) Response(correlationID int32, r kmsg.Response, most int) error {
	b.reserve(sizeHint(r))
	start := len(b.buf)
	b.buf = append(b.buf, 0, 0, 0, 0)
	b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(correlationID)) //nolint:gosec // the bits are meant
	if r.IsFlexible() && r.Key() != apiVersionsKey {
		b.buf = append(b.buf, 0)
	}
	b.buf = r.AppendTo(b.buf)
	return b.seal(start, most)
}

// reserve makes room for n more bytes, so that a large answer is not copied each time that its buffer grows.
func (b *Buffer) reserve(n int) {
	if cap(b.buf)-len(b.buf) >= n && b.buf != nil {
		return
	}
	larger := append(grab(len(b.buf)+n), b.buf...)
	b.Release()
	b.buf = larger
}

// fetchOverhead is about what a fetched partition takes besides its records.
const fetchOverhead = 128

// sizeHint is about how large an answer becomes. Only Fetch answers are large as a rule.
func sizeHint(r kmsg.Response) int {
	n := 1 << smallestPooled
	fetch, ok := r.(*kmsg.FetchResponse)
	if !ok {
		return n
	}
	for i := range fetch.Topics {
		for j := range fetch.Topics[i].Partitions {
			n += len(fetch.Topics[i].Partitions[j].RecordBatches) + fetchOverhead
		}
	}
	return n
}

// Token appends a frame that holds nothing but a token, as SASL after a SaslHandshake of version 0 has it.
func (b *Buffer) Token(token []byte, most int) error {
	start := len(b.buf)
	b.buf = append(b.buf, 0, 0, 0, 0)
	b.buf = append(b.buf, token...)
	return b.seal(start, most)
}

func (b *Buffer) seal(start, most int) error {
	size := len(b.buf) - start - 4
	if size > most {
		b.buf = b.buf[:start]
		return fmt.Errorf("%w: %d bytes, at most %d are sent", ErrResponseSize, size, most)
	}
	binary.BigEndian.PutUint32(b.buf[start:], uint32(size)) //nolint:gosec // bounded by most
	return nil
}
