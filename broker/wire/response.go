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

// Reset empties the buffer; it keeps its memory unless that is more than is pooled.
func (b *Buffer) Reset() {
	if cap(b.buf) > 1<<largestPooled {
		b.buf = nil
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
	if b.buf == nil {
		b.buf = grab(1 << smallestPooled)
	}
	start := len(b.buf)
	b.buf = append(b.buf, 0, 0, 0, 0)
	b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(correlationID)) //nolint:gosec // the bits are meant
	if r.IsFlexible() && r.Key() != apiVersionsKey {
		b.buf = append(b.buf, 0)
	}
	b.buf = r.AppendTo(b.buf)
	return b.seal(start, most)
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
