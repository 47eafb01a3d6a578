package record

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
)

// errRecord is wrapped by what is wrong with a record, errAfter by what is wrong behind the last one.
var (
	errRecord = errors.New("malformed record")
	errAfter  = errors.New("bytes after the last record")
)

// Walker walks over the records of batches. It allocates nothing per record and is safe for concurrent use.
type Walker struct {
	codecs *Codecs
	bounds bounds
	pool   sync.Pool
	sinks  sync.Pool
}

// NewWalker returns a walker with decoders of its own.
func NewWalker() *Walker {
	return &Walker{codecs: NewCodecs(), bounds: bounds{free: FreeUncompressed, ratio: MaxRatio, most: MaxUncompressed}}
}

// walk is one walk over a compressed batch, as far as it is decompressed.
type walk struct {
	in   *bufio.Reader
	cap  bounded
	left int64 // of the current record's body
}

// visit is what a walk tells of each record, without its bytes.
type visit struct {
	offsetDelta    int32
	timestampDelta int64
	hasKey         bool
}

// each calls f for every record that the batch claims, and checks that nothing follows. The decompressed records go to copied,
// unless that is nil.
func (w *Walker) each(b Batch, copied io.Writer, f func(index int32, v visit) error) error {
	if b.Codec() == None {
		err := eachPlain(b, f)
		if err != nil || copied == nil {
			return err
		}
		_, err = copied.Write(b.Records())
		return err
	}
	s, err := w.codecs.open(b.Codec(), b.Records())
	if err != nil {
		return err
	}
	defer w.codecs.release(b.Codec(), s)
	k, ok := w.pool.Get().(*walk)
	if !ok {
		k = &walk{in: bufio.NewReaderSize(nil, readAhead)}
	}
	k.cap = bounded{from: s, copied: copied, left: w.bounds.of(len(b.Records()))}
	k.in.Reset(&k.cap)
	defer func() {
		k.cap = bounded{}
		w.pool.Put(k)
	}()
	for i := range b.Count() {
		v, err := k.next()
		if err != nil {
			return fmt.Errorf("record %d of %d: %w", i, b.Count(), err)
		}
		if err := f(i, v); err != nil {
			return err
		}
	}
	if _, err := k.in.ReadByte(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errAfter
		}
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	return nil
}

// eachPlain is each for records that stand there as they are.
func eachPlain(b Batch, f func(index int32, v visit) error) error {
	rest := b.Records()
	for i := range b.Count() {
		v, size, ok := skim(rest)
		if !ok {
			return fmt.Errorf("record %d of %d: %w", i, b.Count(), errRecord)
		}
		rest = rest[size:]
		if err := f(i, v); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: %w", errRecord, errAfter)
	}
	return nil
}

// next walks over one record: in one piece where the look-ahead holds it, else field by field, so that a record of any size
// needs no memory of its own.
func (k *walk) next() (visit, error) {
	head, _ := k.in.Peek(maxVarint32)
	c := cursor{p: head}
	size := c.varint32()
	if c.bad || size < 0 || len(head)-len(c.p)+int(size) > readAhead {
		return k.record()
	}
	whole, err := k.in.Peek(len(head) - len(c.p) + int(size))
	if err != nil {
		return visit{}, short(err)
	}
	v, n, ok := skim(whole)
	if !ok {
		return visit{}, errRecord
	}
	_, err = k.in.Discard(n)
	return v, err
}

// record walks over one record: length, attributes, timestamp delta, offset delta, key, value, headers.
func (k *walk) record() (visit, error) {
	k.left = math.MaxInt64
	size, err := k.varint32()
	if err != nil {
		return visit{}, err
	}
	if size < 0 {
		return visit{}, fmt.Errorf("%w: size %d", errRecord, size)
	}
	k.left = int64(size)
	if _, err := k.byte(); err != nil {
		return visit{}, err
	}
	var v visit
	if v.timestampDelta, err = k.varint(binary.MaxVarintLen64); err != nil {
		return visit{}, err
	}
	if v.offsetDelta, err = k.varint32(); err != nil {
		return visit{}, err
	}
	if v.hasKey, err = k.bytes(true); err != nil {
		return visit{}, err
	}
	if _, err := k.bytes(true); err != nil {
		return visit{}, err
	}
	if err := k.headers(); err != nil {
		return visit{}, err
	}
	if k.left != 0 {
		return visit{}, fmt.Errorf("%w: %d bytes of it are left over", errRecord, k.left)
	}
	return v, nil
}

func (k *walk) headers() error {
	n, err := k.varint32()
	if err != nil {
		return err
	}
	// A header takes two bytes at the least.
	if n < 0 || int64(n) > k.left/2 {
		return fmt.Errorf("%w: %d headers", errRecord, n)
	}
	for range n {
		if _, err := k.bytes(false); err != nil {
			return err
		}
		if _, err := k.bytes(true); err != nil {
			return err
		}
	}
	return nil
}

// bytes skips a length and as many bytes; present is false for null.
func (k *walk) bytes(nullable bool) (present bool, err error) {
	n, err := k.varint32()
	if err != nil {
		return false, err
	}
	if n == -1 && nullable {
		return false, nil
	}
	if n < 0 || int64(n) > k.left {
		return false, fmt.Errorf("%w: field of %d bytes, %d are left", errRecord, n, k.left)
	}
	k.left -= int64(n)
	if _, err := k.in.Discard(int(n)); err != nil {
		return false, short(err)
	}
	return true, nil
}

func (k *walk) byte() (byte, error) {
	if k.left <= 0 {
		return 0, fmt.Errorf("%w: it is longer than its size", errRecord)
	}
	k.left--
	c, err := k.in.ReadByte()
	return c, short(err)
}

// varint32 reads a zigzag varint of up to 32 bits, in no more bytes than Java's reader takes.
func (k *walk) varint32() (int32, error) {
	v, err := k.varint(maxVarint32)
	if err == nil && v != int64(int32(v)) { //nolint:gosec // that is the question
		return 0, fmt.Errorf("%w: varint of more than 32 bits", errRecord)
	}
	return int32(v), err //nolint:gosec // checked
}

// varint reads a zigzag varint of up to so many bytes.
func (k *walk) varint(most int) (int64, error) {
	var u uint64
	for i := range most {
		c, err := k.byte()
		if err != nil {
			return 0, err
		}
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return unzigzag(u), nil
		}
	}
	return 0, fmt.Errorf("%w: varint of more than %d bytes", errRecord, most)
}

// short gives the end of the data its name: here it always comes too early.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errRecord, io.ErrUnexpectedEOF)
	}
	return err
}
