package wire

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// DecodeBody decodes the body of a request and returns what it takes in memory beside the body, in bytes. Nothing of it is
// allocated before the whole body has been found well-formed and within the bounds. Byte slices in the request alias the
// body. It fails with ErrMalformed, ErrTooDense or ErrUnknownRequest.
func DecodeBody(key, version int16, body []byte, bounds *Bounds) (request kmsg.Request, cost int, err error) {
	s, found := schemas[key]
	if !found || version < s.min || version > s.max {
		return nil, 0, fmt.Errorf("%w: API %d version %d", ErrUnknownRequest, key, version)
	}
	cost, err = s.walk(version, body, bounds)
	if err != nil {
		return nil, 0, fmt.Errorf("decode %s version %d: %w", s.name, version, err)
	}
	request = kmsg.RequestForKey(key)
	request.SetVersion(version)
	if err := request.ReadFrom(body); err != nil {
		return nil, 0, fmt.Errorf("decode %s version %d: %w: %w", s.name, version, ErrMalformed, err)
	}
	return request, cost, nil
}
