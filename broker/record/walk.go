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

// errRecord is wrapped by what is wrong with a record.
var errRecord = errors.New("malformed record")

// Walker walks over the records of batches. It allocates nothing per record and is safe for concurrent use.
type Walker struct {
	codecs *Codecs
	pool   sync.Pool
}

// NewWalker returns a walker with decoders of its own.
func NewWalker() *Walker { return &Walker{codecs: NewCodecs()} }

// walk is one walk over a batch.
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

// each calls f for every record that the batch claims, and checks that nothing follows.
func (w *Walker) each(b Batch, f func(visit) error) error {
	s, err := w.codecs.open(b.Codec(), b.Records())
	if err != nil {
		return err
	}
	defer w.codecs.release(b.Codec(), s)
	k, ok := w.pool.Get().(*walk)
	if !ok {
		k = &walk{in: bufio.NewReaderSize(nil, readAhead)}
	}
	defer w.pool.Put(k)
	k.cap = bounded{from: s, left: bound(len(b.Records()))}
	if b.Codec() == None {
		k.cap.left = math.MaxInt64
	}
	k.in.Reset(&k.cap)
	for i := range b.Count() {
		v, err := k.record()
		if err != nil {
			return fmt.Errorf("record %d of %d: %w", i, b.Count(), err)
		}
		if err := f(v); err != nil {
			return fmt.Errorf("record %d of %d: %w", i, b.Count(), err)
		}
	}
	if _, err := k.in.ReadByte(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("bytes after the last record")
		}
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	return nil
}

// record walks over one record: length, attributes, timestamp delta, offset delta, key, value, headers.
func (k *walk) record() (visit, error) {
	k.left = math.MaxInt64
	size, err := k.varint()
	if err != nil {
		return visit{}, err
	}
	if size < 0 || size > math.MaxInt32 {
		return visit{}, fmt.Errorf("%w: size %d", errRecord, size)
	}
	k.left = size
	if _, err := k.byte(); err != nil {
		return visit{}, err
	}
	var v visit
	if v.timestampDelta, err = k.varint(); err != nil {
		return visit{}, err
	}
	delta, err := k.varint()
	if err != nil {
		return visit{}, err
	}
	if delta < math.MinInt32 || delta > math.MaxInt32 {
		return visit{}, fmt.Errorf("%w: offset delta %d", errRecord, delta)
	}
	v.offsetDelta = int32(delta)
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
	n, err := k.varint()
	if err != nil {
		return err
	}
	// A header takes two bytes at the least.
	if n < 0 || n > k.left/2 {
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
	n, err := k.varint()
	if err != nil {
		return false, err
	}
	if n == -1 && nullable {
		return false, nil
	}
	if n < 0 || n > k.left {
		return false, fmt.Errorf("%w: field of %d bytes, %d are left", errRecord, n, k.left)
	}
	k.left -= n
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

// varint reads a zigzag varint of up to 64 bits.
func (k *walk) varint() (int64, error) {
	var u uint64
	for shift := uint(0); shift < 64; shift += 7 {
		c, err := k.byte()
		if err != nil {
			return 0, err
		}
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), nil //nolint:gosec // zigzag
		}
	}
	return 0, fmt.Errorf("%w: varint of more than %d bytes", errRecord, binary.MaxVarintLen64)
}

// short gives the end of the data its name: here it always comes too early.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errRecord, io.ErrUnexpectedEOF)
	}
	return err
}
