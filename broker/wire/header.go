package wire

import (
	"encoding/binary"
	"fmt"
)

// prefixLen is the part of a request header that is the same in every version: key, version, correlation id.
const prefixLen = 2 + 2 + 4

// Header is a request's header (KIP-482: version 1, and version 2 with tagged fields).
type Header struct {
	Key           int16
	Version       int16
	CorrelationID int32
	// ClientID is "" where the client sent null.
	ClientID string
}

// DecodePrefix reads what is the same in every version of the header and returns what follows it, so that an answer can be
// given to a request whose header is of an unknown version. It fails with ErrMalformed.
func DecodePrefix(frame []byte) (h Header, rest []byte, err error) {
	if len(frame) < prefixLen {
		return Header{}, nil, fmt.Errorf("%w: a header of %d bytes", ErrMalformed, len(frame))
	}
	h.Key = int16(binary.BigEndian.Uint16(frame))               //nolint:gosec // the sign is meant
	h.Version = int16(binary.BigEndian.Uint16(frame[2:]))       //nolint:gosec // the sign is meant
	h.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:])) //nolint:gosec // the sign is meant
	return h, frame[prefixLen:], nil
}

// DecodeRest reads what follows the prefix, the client id and the tagged fields of a flexible header, and returns the
// body. It fails with ErrMalformed or ErrTooDense.
func (h *Header) DecodeRest(rest []byte, flexible bool, bounds *Bounds) (body []byte, err error) {
	if len(rest) < 2 {
		return nil, fmt.Errorf("%w: header ends before the client id", ErrMalformed)
	}
	n := int(int16(binary.BigEndian.Uint16(rest))) //nolint:gosec // the sign is meant
	rest = rest[2:]
	switch {
	case n < -1 || n > len(rest):
		return nil, fmt.Errorf("%w: client id of length %d, %d bytes are left", ErrMalformed, n, len(rest))
	case n > bounds.ClientID:
		return nil, fmt.Errorf("%w: client id of %d bytes, at most %d are taken", ErrTooDense, n, bounds.ClientID)
	case n > 0:
		h.ClientID = string(rest[:n])
		rest = rest[n:]
	}
	if !flexible {
		return rest, nil
	}
	w := walker{src: rest, flexible: true, bounds: bounds, budget: bounds.Most}
	if err := w.tags(nil); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return w.src, nil
}
