package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// NoHorizon is the absence of a delete horizon.
const NoHorizon = -1

// Entry is what compaction wants to know of a record. Key belongs to the batch or to the Sieve: it is valid for the call.
type Entry struct {
	Offset int64
	// Key is nil for null.
	Key []byte
	// Tombstone says that the value is null.
	Tombstone bool
}

// Sifted says what is left of a batch.
type Sifted struct {
	// Read is how many records there were, Kept how many stay, Tombstones how many of these are tombstones.
	Read, Kept, Tombstones int
}

// Whole reports whether every record stays.
func (s *Sifted) Whole() bool { return s.Kept == s.Read }

// Sieve takes records out of batches, as compaction does (MemoryRecords.filterTo of Apache Kafka). It allocates nothing per
// record. It serves one goroutine.
type Sieve struct {
	walker *Walker
	levels Levels
	plain  []byte
	kept   []byte
	// stays has a bit for each record of the batch that Sift saw last.
	stays []uint64
}

// NewSieve returns a sieve that decompresses and compresses by a walker.
func NewSieve(w *Walker) *Sieve { return &Sieve{walker: w, levels: DefaultLevels()} }

// DeleteHorizon is the time, in milliseconds, from which tombstones, or the marker, of a batch may go; NoHorizon if none is set.
func (b Batch) DeleteHorizon() int64 {
	if !b.HasDeleteHorizon() {
		return NoHorizon
	}
	return b.BaseTimestamp()
}

// Each calls f for each record of a batch until it returns false.
func (s *Sieve) Each(b Batch, f func(Entry) bool) error {
	plain, err := s.open(b)
	if err != nil {
		return err
	}
	err = eachPart(b, plain, func(_ int32, p *part) error {
		if !f(p.entry(b)) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Sift asks keep about each record of a batch. Write, called next with the same batch, writes those that stay.
func (s *Sieve) Sift(b Batch, keep func(Entry) bool) (Sifted, error) {
	plain, err := s.open(b)
	if err != nil {
		return Sifted{}, err
	}
	words := (int(b.Count()) + 63) / 64
	if cap(s.stays) < words {
		s.stays = make([]uint64, words)
	}
	s.stays = s.stays[:words]
	clear(s.stays)
	var found Sifted
	err = eachPart(b, plain, func(i int32, p *part) error {
		found.Read++
		e := p.entry(b)
		if !keep(e) {
			return nil
		}
		found.Kept++
		if e.Tombstone {
			found.Tombstones++
		}
		s.stays[i/64] |= 1 << (i % 64)
		return nil
	})
	return found, err
}

// open returns the plain records of a batch.
func (s *Sieve) open(b Batch) ([]byte, error) {
	if b.Count() < 0 {
		return nil, fmt.Errorf("%w: a batch of %d", errRecord, b.Count())
	}
	if b.Codec() == None {
		return b.Records(), nil
	}
	if b.Count() == 0 && len(b.Records()) == 0 {
		return nil, nil
	}
	plain, err := s.walker.Plain(s.plain[:0], b)
	s.plain = plain
	return plain, err
}

// Write appends to dst the batch that Sift saw last with the records that stay. Everything that the header tells of the whole
// batch is as it was: base offset, last offset, producer, leader epoch, codec. horizon is what the batch has as its delete
// horizon, or NoHorizon: the records' times count from it.
func (s *Sieve) Write(dst []byte, b Batch, horizon int64) ([]byte, error) {
	plain := b.Records()
	if b.Codec() != None {
		plain = s.plain
	}
	s.kept = s.kept[:0]
	base, latest, count := horizon, int64(math.MinInt64), int32(0)
	err := eachPart(b, plain, func(i int32, p *part) error {
		if s.stays[i/64]&(1<<(i%64)) == 0 {
			return nil
		}
		at := p.timestamp(b)
		if count == 0 && horizon == NoHorizon {
			base = at
		}
		latest = max(latest, at)
		count++
		s.kept = p.append(s.kept, at-base)
		return nil
	})
	if err != nil {
		return dst, err
	}
	var header [HeaderSize]byte
	copy(header[:], b)
	out := Batch(header[:])
	out[attributesAt+1] &^= deleteHorizonBit
	if horizon != NoHorizon {
		out[attributesAt+1] |= deleteHorizonBit
	}
	if b.LogAppendTime() {
		latest = b.MaxTimestamp()
	}
	out.setCounts(base, latest, count)
	return s.walker.Encode(dst, out, b.Codec(), s.levels.Of(b.Codec()), s.kept)
}

// AppendEmpty appends to dst what stays of a batch whose records all go and whose last offset, or whose producer's sequence, is
// still needed (DefaultRecordBatch.writeEmptyHeader).
func AppendEmpty(dst []byte, b Batch) []byte {
	at := len(dst)
	dst = append(dst, b[:HeaderSize]...)
	out := Batch(dst[at:])
	out[attributesAt+1] &^= deleteHorizonBit | codecMask
	out.setCounts(-1, b.MaxTimestamp(), 0)
	binary.BigEndian.PutUint32(out[lengthAt:], HeaderSize-prefixSize)
	out.sign()
	return dst
}

// setCounts sets what the records decide, without the checksum.
func (b Batch) setCounts(baseTimestamp, maxTimestamp int64, count int32) {
	binary.BigEndian.PutUint64(b[baseTimeAt:], uint64(baseTimestamp)) //nolint:gosec // two's complement
	binary.BigEndian.PutUint64(b[maxTimeAt:], uint64(maxTimestamp))   //nolint:gosec // two's complement
	binary.BigEndian.PutUint32(b[countAt:], uint32(count))            //nolint:gosec // not negative
}

// part is one record within the plain records of its batch.
type part struct {
	timestampDelta int64
	offsetDelta    int32
	key            []byte
	tombstone      bool
	// rest is everything behind the offset delta.
	rest []byte
}

func (p *part) entry(b Batch) Entry {
	return Entry{Offset: b.BaseOffset() + int64(p.offsetDelta), Key: p.key, Tombstone: p.tombstone}
}

func (p *part) timestamp(b Batch) int64 {
	if b.LogAppendTime() {
		return b.MaxTimestamp()
	}
	return b.BaseTimestamp() + p.timestampDelta
}

// append writes the record with another timestamp delta.
func (p *part) append(dst []byte, timestampDelta int64) []byte {
	var head [1 + binary.MaxVarintLen64 + binary.MaxVarintLen32]byte
	n := 1 // the attributes have no meaning yet
	n += binary.PutVarint(head[n:], timestampDelta)
	n += binary.PutVarint(head[n:], int64(p.offsetDelta))
	dst = binary.AppendVarint(dst, int64(n+len(p.rest)))
	dst = append(dst, head[:n]...)
	return append(dst, p.rest...)
}

// eachPart walks over the plain records of a batch. It checks what it relies on: whoever stored the records checked the rest.
func eachPart(b Batch, plain []byte, f func(index int32, p *part) error) error {
	var p part
	rest := plain
	for i := range b.Count() {
		size, ok := p.parse(rest)
		if !ok || p.offsetDelta < 0 || p.offsetDelta > b.LastOffsetDelta() {
			return fmt.Errorf("record %d of %d of the batch at offset %d: %w", i, b.Count(), b.BaseOffset(), errRecord)
		}
		rest = rest[size:]
		if err := f(i, &p); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("the batch at offset %d: %w: %w", b.BaseOffset(), errRecord, errAfter)
	}
	return nil
}

// parse reads the first record of b and returns how many bytes it takes.
func (p *part) parse(b []byte) (size int, ok bool) {
	c := cursor{p: b}
	body := c.varint32()
	if c.bad || body < 1 || int(body) > len(c.p) {
		return 0, false
	}
	size = len(b) - len(c.p) + int(body)
	c.p = c.p[1:body]
	p.timestampDelta = c.varint64()
	p.offsetDelta = c.varint32()
	p.rest = c.p
	p.key = c.field()
	value := c.varint32()
	p.tombstone = value == -1
	return size, !c.bad && value >= -1 && int(value) <= len(c.p)
}

// field reads a length and as many bytes; nil for null.
func (c *cursor) field() []byte {
	n := c.varint32()
	if n == -1 {
		return nil
	}
	if c.bad || n < 0 || int(n) > len(c.p) {
		c.bad = true
		return nil
	}
	value := c.p[:n:n]
	c.p = c.p[n:]
	return value
}
