package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// What kmsg allocates beside the structures themselves, in bytes, rounded up to what Go's allocator hands out.
const (
	pointedString = 16
	tagsMap       = 48 + 8*(4+24) + 48
	tagEntry      = 4 * (4 + 24)
)

// maxSurplus is how many zeros may follow a body. There are clients that end a structure once more than it is open, with an empty
// section of tags (kafka-go's DescribeACLs), and Apache Kafka ignores whatever follows. Anything else there says that the request was
// understood wrongly.
const maxSurplus = 8

var zeros [maxSurplus]byte

// walker goes over a body as its schema says, without allocating, and adds up what kmsg would allocate for it.
type walker struct {
	src      []byte
	version  int16
	flexible bool
	bounds   *Bounds
	cost     int
	budget   int
}

// walk checks one body and returns what it decodes into, in bytes.
func (s *schema) walk(version int16, body []byte, bounds *Bounds) (cost int, err error) {
	w := walker{src: body, version: version, flexible: version >= s.flexible, bounds: bounds, budget: bounds.budget(len(body))}
	if err := w.structure(s.body); err != nil {
		return 0, err
	}
	if n := len(w.src); n > maxSurplus || !bytes.Equal(w.src, zeros[:n]) {
		return 0, fmt.Errorf("%w: %d bytes after its end", ErrMalformed, n)
	}
	return w.cost, nil
}

func (w *walker) structure(fs fields) error {
	for i := range fs {
		f := &fs[i]
		if f.tag != untagged || !f.in(w.version) {
			continue
		}
		if err := w.field(f); err != nil {
			return err
		}
	}
	if w.flexible {
		return w.tags(fs)
	}
	return nil
}

func (w *walker) field(f *field) error {
	switch f.kind {
	case fixedKind:
		return w.skip(f, f.bytes)
	case stringKind:
		return w.text(f)
	case bytesKind:
		n, err := w.length(f, 4)
		if err != nil {
			return err
		}
		return w.skip(f, max(n, 0))
	case arrayKind:
		return w.array(f)
	case groupKind:
		return w.structure(f.inner)
	case optionalKind:
		return w.optional(f)
	default:
		return fmt.Errorf("%w: field %s has no kind", ErrUnknownRequest, f.name)
	}
}

// maxText is the longest string of the protocol, in bytes: lengths have 16 bits where they are not compact, and Apache Kafka refuses
// longer ones in flexible versions too. A longer name would be copied into the error about each of its partitions.
const maxText = math.MaxInt16

func (w *walker) text(f *field) error {
	n, err := w.length(f, 2)
	if err != nil || n < 0 {
		return err
	}
	if n > maxText {
		return fmt.Errorf("%w: field %s has %d bytes, at most %d are taken", ErrMalformed, f.name, n, maxText)
	}
	if f.pointer {
		w.cost += pointedString
	}
	// Short strings cost their 8-byte words; kmsg copies the text.
	if err := w.spend(f, (n+7)&^7); err != nil {
		return err
	}
	return w.skip(f, n)
}

func (w *walker) optional(f *field) error {
	if len(w.src) < 1 {
		return w.truncated(f)
	}
	present := w.src[0]
	w.src = w.src[1:]
	switch present {
	case 0xff:
		return nil
	case 1:
	default:
		return fmt.Errorf("%w: field %s is neither there nor absent", ErrMalformed, f.name)
	}
	if err := w.spend(f, f.bytes); err != nil {
		return err
	}
	return w.structure(f.inner)
}

func (w *walker) array(f *field) error {
	n, err := w.length(f, 4)
	if err != nil || n <= 0 {
		return err
	}
	if n > w.bounds.Elements {
		return fmt.Errorf("%w: field %s has %d elements, at most %d are taken", ErrTooDense, f.name, n, w.bounds.Elements)
	}
	if least := f.least(w.version, w.flexible); n > len(w.src)/least {
		return fmt.Errorf("%w: field %s claims %d elements of at least %d bytes, %d bytes are left", ErrMalformed, f.name, n, least, len(w.src))
	}
	if err := w.spend(f, n*f.bytes); err != nil {
		return err
	}
	if !f.plainValues() {
		for range n {
			if err := w.structure(f.inner); err != nil {
				return err
			}
		}
		return nil
	}
	if value := &f.inner[0]; value.kind == fixedKind {
		return w.skip(f, n*value.bytes)
	}
	for range n {
		if err := w.field(&f.inner[0]); err != nil {
			return err
		}
	}
	return nil
}

// least is the smallest size of one element on the wire: that of its fields when all of them are empty.
func (f *field) least(version int16, flexible bool) int {
	n := 0
	for i := range f.inner {
		in := &f.inner[i]
		if in.tag != untagged || !in.in(version) {
			continue
		}
		switch {
		case in.kind == fixedKind:
			n += in.bytes
		case in.kind == groupKind:
			n += in.least(version, flexible)
		case flexible || in.kind == optionalKind:
			n++
		case in.kind == stringKind:
			n += 2
		default:
			n += 4
		}
	}
	if flexible && !f.plainValues() {
		n++
	}
	return max(n, 1)
}

// tags goes over the tagged fields that end each structure of a flexible version: known ones by their schema, and no more
// unknown ones than the bounds allow.
func (w *walker) tags(fs fields) error {
	count, err := w.uvarint()
	if err != nil || count == 0 {
		return err
	}
	unknown := 0
	next := int64(0)
	for range count {
		tag, err := w.uvarint()
		if err != nil {
			return err
		}
		if int64(tag) < next {
			return fmt.Errorf("%w: tagged field %d is out of order", ErrMalformed, tag)
		}
		next = int64(tag) + 1
		size, err := w.uvarint()
		if err != nil {
			return err
		}
		if uint64(size) > uint64(len(w.src)) {
			return fmt.Errorf("%w: tagged field %d claims %d bytes, %d are left", ErrMalformed, tag, size, len(w.src))
		}
		known, err := w.tag(fs, tag, int(size))
		if err != nil {
			return err
		}
		if known {
			continue
		}
		if unknown++; unknown > w.bounds.Tags {
			return fmt.Errorf("%w: more than %d unknown tagged fields", ErrTooDense, w.bounds.Tags)
		}
		w.src = w.src[size:]
	}
	if unknown == 0 {
		return nil
	}
	return w.spend(&field{name: "tagged fields"}, tagsMap+unknown*tagEntry)
}

// tag walks one tagged field that the schema knows, and reports whether it does.
func (w *walker) tag(fs fields, tag uint32, size int) (known bool, err error) {
	for i := range fs {
		f := &fs[i]
		if f.tag < 0 || uint32(f.tag) != tag { //nolint:gosec // not negative
			continue
		}
		rest := w.src[size:]
		w.src = w.src[:size]
		if err := w.field(f); err != nil {
			return true, err
		}
		if len(w.src) > 0 {
			return true, fmt.Errorf("%w: %d bytes after the end of tagged field %s", ErrMalformed, len(w.src), f.name)
		}
		w.src = rest
		return true, nil
	}
	return false, nil
}

// length reads the length before a string, bytes or array: a varint one higher in flexible versions, else an integer of
// width bytes. Null is -1.
func (w *walker) length(f *field, width int) (int, error) {
	n := 0
	switch {
	case w.flexible:
		u, err := w.uvarint()
		if err != nil {
			return 0, err
		}
		n = int(u) - 1
	case len(w.src) < width:
		return 0, w.truncated(f)
	case width == 2:
		n = int(int16(binary.BigEndian.Uint16(w.src))) //nolint:gosec // the sign is meant
		w.src = w.src[width:]
	default:
		n = int(int32(binary.BigEndian.Uint32(w.src))) //nolint:gosec // the sign is meant
		w.src = w.src[width:]
	}
	if n < -1 || n == -1 && w.version < f.nullFrom {
		return 0, fmt.Errorf("%w: field %s has length %d", ErrMalformed, f.name, n)
	}
	return n, nil
}

// uvarint reads an unsigned varint of at most 32 bits.
func (w *walker) uvarint() (uint32, error) {
	u, n := binary.Uvarint(w.src)
	if n <= 0 || n > 5 || u > 1<<32-1 {
		return 0, fmt.Errorf("%w: no valid varint at its %d last bytes", ErrMalformed, len(w.src))
	}
	w.src = w.src[n:]
	return uint32(u), nil
}

func (w *walker) skip(f *field, n int) error {
	if n > len(w.src) {
		return w.truncated(f)
	}
	w.src = w.src[n:]
	return nil
}

func (w *walker) spend(f *field, n int) error {
	w.cost += n
	if w.cost > w.budget {
		return fmt.Errorf("%w: more than %d bytes at field %s", ErrTooDense, w.budget, f.name)
	}
	return nil
}

func (w *walker) truncated(f *field) error {
	return fmt.Errorf("%w: it ends within field %s, %d bytes are left", ErrMalformed, f.name, len(w.src))
}
