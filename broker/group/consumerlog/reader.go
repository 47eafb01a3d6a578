package consumerlog

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kbin"
)

// ErrMalformed is wrapped by what is wrong with a record.
var ErrMalformed = errors.New("malformed record of a consumer group")

// valueVersion is the only version of the values.
const valueVersion = 0

// reader reads the fields of a message until one is wrong; from then on it reads nothing.
type reader struct{ kbin.Reader }

// readValue lets read take the fields of a value.
func readValue(b []byte, what string, read func(r *reader)) error {
	r := reader{kbin.Reader{Src: b}}
	if version := r.Int16(); version != valueVersion {
		return fmt.Errorf("%w: %s has version %d", ErrMalformed, what, version)
	}
	read(&r)
	if !r.Ok() {
		return fmt.Errorf("%w: %s of %d bytes", ErrMalformed, what, len(b))
	}
	return nil
}

// fail makes the reader one that has met something wrong.
func (r *reader) fail() { r.Span(-1) }

// array calls read for each element of a compact array that may not be null.
func (r *reader) array(read func()) {
	if !r.nullableArray(read) {
		r.fail()
	}
}

// nullableArray reports whether the array was not null.
func (r *reader) nullableArray(read func()) bool {
	n := r.CompactArrayLen()
	if n < -1 {
		r.fail()
	}
	for i := n; i > 0 && r.Ok(); i-- {
		read()
	}
	return n >= 0
}

func (r *reader) strings() (out []string) {
	r.array(func() { out = append(out, r.CompactString()) })
	return out
}

func (r *reader) int32s() (out []int32) {
	r.array(func() { out = append(out, r.Int32()) })
	return out
}

func (r *reader) nullableInt32s() (out []int32) {
	r.nullableArray(func() { out = append(out, r.Int32()) })
	return out
}

// tags reads the tagged fields that end a structure. Known gets the one with tag 0, which it has to read to its end; the others are
// skipped.
func (r *reader) tags(known func(field *reader)) {
	for n := r.Uvarint(); n > 0 && r.Ok(); n-- {
		tag, size := r.Uvarint(), r.Uvarint()
		field := reader{kbin.Reader{Src: r.Span(int(size))}}
		if tag != 0 || known == nil || !r.Ok() {
			continue
		}
		known(&field)
		if !field.Ok() || len(field.Src) > 0 {
			r.fail()
		}
	}
}

// noTags ends a structure without tagged fields.
func noTags(dst []byte) []byte { return append(dst, 0) }

// onlyTag ends a structure whose one tagged field has tag 0.
func onlyTag(dst, field []byte) []byte {
	dst = append(dst, 1, 0)
	return append(kbin.AppendUvarint(dst, uint32(len(field))), field...) //nolint:gosec // records are far smaller
}

// appendNumber ends a structure with a number in tag 0, which is left out where it is 0.
func appendNumber(dst []byte, n int64) []byte {
	if n == 0 {
		return noTags(dst)
	}
	return onlyTag(dst, kbin.AppendInt64(nil, n))
}

// newValue begins a value.
func newValue() []byte { return kbin.AppendInt16(nil, valueVersion) }

func appendStrings(dst []byte, all []string) []byte {
	dst = kbin.AppendCompactArrayLen(dst, len(all))
	for _, s := range all {
		dst = kbin.AppendCompactString(dst, s)
	}
	return dst
}
