package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFrameSize says that a frame's length prefix is negative or above the cap.
var ErrFrameSize = errors.New("frame size is not allowed")

// Frame is the inside of one length-prefixed message.
type Frame struct{ buf []byte }

// Bytes returns the frame's bytes. They are valid until Release.
func (f *Frame) Bytes() []byte { return f.buf }

// Release gives the frame's memory to the next frame. Nothing may alias it any more.
func (f *Frame) Release() {
	giveBack(f.buf)
	f.buf = nil
}

// Wipe overwrites the frame, for those that carry secrets.
func (f *Frame) Wipe() { clear(f.buf) }

// ReadSize reads the length prefix of a frame and refuses it, with ErrFrameSize, when it is negative or above most.
// The end of the stream before the first byte is io.EOF; within the prefix it is io.ErrUnexpectedEOF.
func ReadSize(r io.Reader, prefix *[4]byte, most int32) (int, error) {
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return 0, err
	}
	size := int32(binary.BigEndian.Uint32(prefix[:])) //nolint:gosec // the sign is meant
	if size < 0 || size > most {
		return 0, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrFrameSize, size, most)
	}
	return int(size), nil
}

// ReadBody reads a frame of size bytes. Its memory grows only as its bytes arrive: first by step bytes, then to at most twice
// what has come. Before each growth, ready is asked with what has come and how many bytes it adds; its error ends the
// reading. A stream that ends within the frame is io.ErrUnexpectedEOF.
func ReadBody(r io.Reader, size, step int, ready func(have []byte, more int) error) (Frame, error) {
	var f Frame
	for len(f.buf) < size {
		more := min(size-len(f.buf), max(len(f.buf), step))
		if err := ready(f.buf, more); err != nil {
			giveBack(f.buf)
			return Frame{}, err
		}
		f.grow(size, more)
		have := len(f.buf)
		n, err := io.ReadFull(r, f.buf[have:have+more])
		if err != nil {
			giveBack(f.buf)
			return Frame{}, fmt.Errorf("read frame: %d of %d bytes came: %w", have+n, size, unexpected(err))
		}
		f.buf = f.buf[:have+more]
	}
	return f, nil
}

// grow makes room for more bytes. A pooled buffer for the whole frame is taken where one lies ready, as that allocates
// nothing; the smallest frames are not worth a pool.
func (f *Frame) grow(size, more int) {
	need := len(f.buf) + more
	if need <= cap(f.buf) {
		return
	}
	if size < 1<<smallestPooled {
		f.buf = make([]byte, 0, size)
		return
	}
	bigger, found := pooled(size)
	if !found {
		bigger = grab(need)
	}
	bigger = append(bigger, f.buf...)
	giveBack(f.buf)
	f.buf = bigger
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
