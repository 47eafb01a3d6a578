package record

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Record is one decoded record.
type Record struct {
	Offset int64
	// Timestamp is in milliseconds.
	Timestamp int64
	// Key and Value are nil for null.
	Key, Value []byte
	Headers    []Header
}

// Header is one header of a record; its value is nil for null.
type Header struct {
	Key   string
	Value []byte
}

// Records calls yield for each record of a batch until it returns false. Keys and values belong to the caller. It is for the
// broker's own topics: the path of clients' records does not decode them.
func (w *Walker) Records(b Batch, yield func(Record) bool) error {
	s, err := w.codecs.open(b.Codec(), b.Records())
	if err != nil {
		return err
	}
	defer w.codecs.release(b.Codec(), s)
	data, err := io.ReadAll(&bounded{from: s, left: max(w.bounds.of(len(b.Records())), int64(len(b)))})
	if err != nil {
		return fmt.Errorf("decompress the batch at offset %d: %w", b.BaseOffset(), err)
	}
	d := decoder{data: data}
	for i := range b.Count() {
		r := d.record(b)
		if d.err != nil {
			return fmt.Errorf("record %d of the batch at offset %d: %w", i, b.BaseOffset(), d.err)
		}
		if !yield(r) {
			return nil
		}
	}
	return nil
}

// decoder reads fields until one is wrong.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) record(b Batch) Record {
	if size := d.varint(); size < 0 || size > int64(len(d.data)) {
		d.fail("size %d", size)
	}
	d.take(1)
	r := Record{Timestamp: b.BaseTimestamp() + d.varint()}
	if b.LogAppendTime() {
		r.Timestamp = b.MaxTimestamp()
	}
	r.Offset = b.BaseOffset() + d.varint()
	r.Key, r.Value = d.bytes(), d.bytes()
	n := d.varint()
	if n < 0 || n > int64(len(d.data)) {
		d.fail("%d headers", n)
		return r
	}
	for range n {
		r.Headers = append(r.Headers, Header{Key: string(d.bytes()), Value: d.bytes()})
	}
	return r
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: "+format, append([]any{errRecord}, args...)...)
	}
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail("varint")
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) bytes() []byte {
	n := d.varint()
	if n == -1 {
		return nil
	}
	return d.take(n)
}

func (d *decoder) take(n int64) []byte {
	if d.err != nil || n < 0 || n > int64(len(d.data)) || n > math.MaxInt32 {
		d.fail("field of %d bytes", n)
		return nil
	}
	out := d.data[:n:n]
	d.data = d.data[n:]
	return out
}
