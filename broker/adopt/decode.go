package adopt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errMalformed is wrapped by what is wrong with a record of the metadata log.
var errMalformed = errors.New("malformed metadata record")

// decoder reads the fields of a flexible message (KIP-482) until one is wrong. No length is believed beyond what is there.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errMalformed, what)
	}
	d.b = nil
}

// take returns the next n bytes, nil where there are fewer.
func (d *decoder) take(n uint64) []byte {
	if d.err != nil || n > uint64(len(d.b)) {
		d.fail("it ends too early")
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("a number is not whole")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// number reads a varint that fits a small type.
func (d *decoder) number() int {
	v := d.uvarint()
	if v > math.MaxInt16 {
		d.fail("a number is too large")
		return 0
	}
	return int(v)
}

func (d *decoder) int8() int8 {
	if b := d.take(1); b != nil {
		return int8(b[0]) //nolint:gosec // bits
	}
	return 0
}

func (d *decoder) boolean() bool { return d.int8() != 0 }

func (d *decoder) int16() int16 {
	if b := d.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b)) //nolint:gosec // bits
	}
	return 0
}

func (d *decoder) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b)) //nolint:gosec // bits
	}
	return 0
}

func (d *decoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // bits
	}
	return 0
}

func (d *decoder) uuid() (id [16]byte) {
	copy(id[:], d.take(16))
	return id
}

// bytes reads a compact field of bytes; null is nil.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n == 0 {
		return nil
	}
	return d.take(n - 1)
}

// text reads a compact string.
func (d *decoder) text() string { return string(d.bytes()) }

// nullableText tells null from empty.
func (d *decoder) nullableText() (s string, present bool) {
	b := d.bytes()
	return string(b), b != nil
}

// count reads the length of a compact array whose elements take so many bytes at least.
func (d *decoder) count(smallest int) int {
	n := d.uvarint()
	if n == 0 {
		return 0
	}
	if n-1 > uint64(len(d.b)/smallest) { //nolint:gosec // a length
		d.fail("an array is longer than its record")
		return 0
	}
	return int(n - 1) //nolint:gosec // bounded by the record
}

func (d *decoder) int32s() []int32 {
	out := make([]int32, d.count(4))
	for i := range out {
		out[i] = d.int32()
	}
	return out
}

// tags reads the tagged fields that end a struct.
func (d *decoder) tags(field func(tag uint64, value *decoder)) {
	for range d.count0() {
		tag := d.uvarint()
		value := &decoder{b: d.take(d.uvarint())}
		if field != nil {
			field(tag, value)
		}
		if value.err != nil {
			d.fail(fmt.Sprintf("tag %d", tag))
		}
	}
}

// count0 reads the number of tagged fields, each of which takes two bytes at least.
func (d *decoder) count0() int {
	n := d.uvarint()
	if n > uint64(len(d.b)/2) {
		d.fail("more tagged fields than bytes")
		return 0
	}
	return int(n) //nolint:gosec // bounded by the record
}
