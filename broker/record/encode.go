package record

import (
	"fmt"
	"io"
	"math"
)

// Plain appends the decompressed records of a batch to dst. It ends with ErrTooLarge at the bound of a client's batch: what the
// broker itself has stored is within it.
func (w *Walker) Plain(dst []byte, b Batch) ([]byte, error) {
	if b.Codec() == None {
		return append(dst, b.Records()...), nil
	}
	s, err := w.codecs.open(b.Codec(), b.Records())
	if err != nil {
		return dst, err
	}
	defer w.codecs.release(b.Codec(), s)
	out := sink{b: dst, most: math.MaxInt}
	if _, err := io.Copy(&out, &bounded{from: s, left: w.bounds.of(len(b.Records()))}); err != nil {
		return dst, fmt.Errorf("decompress the %s records of the batch at offset %d: %w", b.Codec(), b.BaseOffset(), err)
	}
	return out.b, nil
}

// Encode appends to dst a batch that has the header of from, of which it needs HeaderSize bytes, and as its records plain, compressed
// with codec at a level. Codec, length and checksum are set; every other field is the caller's: the records have to agree with it.
func (w *Walker) Encode(dst []byte, from Batch, codec Codec, level int, plain []byte) ([]byte, error) {
	at := len(dst)
	dst = append(dst, from[:HeaderSize]...)
	dst, err := w.codecs.Compress(codec, level, dst, plain)
	if err != nil {
		return dst[:at], err
	}
	out := Batch(dst[at:])
	out.setSize(codec)
	out.sign()
	return dst, nil
}
