package record

import "encoding/binary"

// maxVarint32 is the longest varint of 32 bits: Java's reader takes no more, so a longer one would stop every consumer.
const maxVarint32 = binary.MaxVarintLen32

// cursor reads the fields of records that are in memory. Once something is wrong it is bad, and stays so.
type cursor struct {
	p   []byte
	bad bool
}

// skim walks over the first record in p, and returns how many bytes it takes. ok is false where it is not well formed.
func skim(p []byte) (v visit, size int, ok bool) {
	c := cursor{p: p}
	body := c.varint32()
	if c.bad || body < 1 || int(body) > len(c.p) {
		return visit{}, 0, false
	}
	size = len(p) - len(c.p) + int(body)
	c.p = c.p[1:body] // the attributes have no meaning yet
	v.timestampDelta = c.varint64()
	v.offsetDelta = c.varint32()
	v.hasKey = c.skip(true)
	c.skip(true)
	headers := c.varint32()
	if headers < 0 || int(headers) > len(c.p)/2 {
		return visit{}, 0, false
	}
	for range headers {
		c.skip(false)
		c.skip(true)
	}
	return v, size, !c.bad && len(c.p) == 0
}

// skip goes over a length and as many bytes; present is false for null.
func (c *cursor) skip(nullable bool) (present bool) {
	n := c.varint32()
	switch {
	case n == -1 && nullable:
		return false
	case n < 0 || int(n) > len(c.p):
		c.bad = true
		return false
	}
	c.p = c.p[n:]
	return true
}

func (c *cursor) varint32() int32 {
	if len(c.p) > 0 && c.p[0] < 0x80 {
		u := c.p[0]
		c.p = c.p[1:]
		return int32(u>>1) ^ -int32(u&1)
	}
	u, n := binary.Uvarint(c.p)
	if n <= 0 || n > maxVarint32 || u > 1<<32-1 {
		c.bad, c.p = true, nil
		return 0
	}
	c.p = c.p[n:]
	return int32(unzigzag(u)) //nolint:gosec // 32 bits zigzag
}

func (c *cursor) varint64() int64 {
	u, n := binary.Uvarint(c.p)
	if n <= 0 {
		c.bad, c.p = true, nil
		return 0
	}
	c.p = c.p[n:]
	return unzigzag(u)
}

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) } //nolint:gosec // zigzag
