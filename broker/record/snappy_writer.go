package record

import (
	"encoding/binary"
	"io"

	"github.com/golang/snappy"
)

// snappyBlock is how many plain bytes go into one block, as in snappy-java.
const snappyBlock = 32 << 10

// snappyWriter is the encoder of the framing of snappy-java.
type snappyWriter struct {
	to     io.Writer
	begun  bool
	plain  []byte // of the block that is not full yet
	packed []byte
}

// Reset implements encoder.
func (w *snappyWriter) Reset(to io.Writer) {
	w.to, w.begun, w.plain = to, false, w.plain[:0]
}

// Write implements io.Writer.
func (w *snappyWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), snappyBlock-len(w.plain))]
		w.plain = append(w.plain, part...)
		p = p[len(part):]
		n += len(part)
		if len(w.plain) == snappyBlock {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// Close implements io.Closer.
func (w *snappyWriter) Close() error {
	if w.begun && len(w.plain) == 0 {
		return nil
	}
	return w.flush()
}

// flush writes a block: its length and its compressed bytes; before the first one goes the framing's header.
func (w *snappyWriter) flush() error {
	out := w.packed[:0]
	if !w.begun {
		w.begun = true
		out = append(out, snappyMagic...)
		out = binary.BigEndian.AppendUint32(out, 1) // the framing's version
		out = binary.BigEndian.AppendUint32(out, 1) // and the lowest one that reads it
	}
	if len(w.plain) > 0 {
		at := len(out) + 4
		out = append(out, make([]byte, 4+snappy.MaxEncodedLen(len(w.plain)))...)
		size := len(snappy.Encode(out[at:], w.plain))
		binary.BigEndian.PutUint32(out[at-4:], uint32(size)) //nolint:gosec // a block is small
		out = out[:at+size]
	}
	w.plain, w.packed = w.plain[:0], out
	_, err := w.to.Write(out)
	return err
}
