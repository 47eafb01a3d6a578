package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/golang/snappy"
)

// snappyMagic begins the framing of the snappy-java library, which Apache Kafka's clients write; the header goes on with two
// versions, 16 bytes in all. Other clients write one raw block without it.
const (
	snappyMagic  = "\x82SNAPPY\x00"
	snappyHeader = 16
)

var errSnappy = errors.New("malformed snappy data")

// snappySource reads both forms, block by block.
type snappySource struct {
	rest   []byte
	raw    bool
	block  []byte // the decompressed block
	unread []byte // what of it is not read yet
}

func (s *snappySource) reset(p []byte) error {
	s.unread = nil
	s.raw = !bytes.HasPrefix(p, []byte(snappyMagic))
	if s.raw {
		s.rest = p
		return nil
	}
	if len(p) < snappyHeader {
		return errSnappy
	}
	s.rest = p[snappyHeader:]
	return nil
}

func (s *snappySource) forget() { s.rest, s.unread = nil, nil }

// Read implements io.Reader.
func (s *snappySource) Read(p []byte) (int, error) {
	for len(s.unread) == 0 {
		if len(s.rest) == 0 {
			return 0, io.EOF
		}
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *snappySource) next() error {
	compressed := s.rest
	if s.raw {
		s.rest = nil
	} else {
		if len(s.rest) < 4 {
			return errSnappy
		}
		n := int64(binary.BigEndian.Uint32(s.rest))
		if n > int64(len(s.rest)-4) {
			return errSnappy
		}
		compressed, s.rest = s.rest[4:4+n], s.rest[4+n:]
	}
	size, err := snappy.DecodedLen(compressed)
	if err != nil {
		return fmt.Errorf("%w: %w", errSnappy, err)
	}
	switch {
	case size > maxSnappyBlock:
		return ErrTooLarge
	case size > len(compressed)*maxSnappyRatio:
		return fmt.Errorf("%w: %d bytes cannot make %d", errSnappy, len(compressed), size)
	}
	s.block, err = snappy.Decode(s.block[:cap(s.block)], compressed)
	if err != nil {
		return fmt.Errorf("%w: %w", errSnappy, err)
	}
	s.unread = s.block
	return nil
}
