package wire

import "errors"

// What is wrong with a request that cannot be decoded. All of them wrap ErrMalformed but ErrTooDense and ErrUnknownRequest.
var (
	// ErrMalformed says that the bytes are not a request of the Kafka protocol.
	ErrMalformed = errors.New("malformed request")
	// ErrTooDense says that a request is well-formed but would take too much memory once decoded.
	ErrTooDense = errors.New("request decodes into too much")
	// ErrUnknownRequest says that there is no layout for the API or version.
	ErrUnknownRequest = errors.New("unknown request")
)

// Bounds are what a request may decode into.
type Bounds struct {
	// PerByte is how many bytes of memory each byte of a body may become, beside Base; Most caps the sum. In bytes.
	PerByte, Base, Most int
	// Elements caps the elements of any one array.
	Elements int
	// Tags caps the unknown tagged fields of any one structure.
	Tags int
	// ClientID caps the length of the client id in bytes.
	ClientID int
}

func (b Bounds) budget(bodyLen int) int {
	return min(b.Base+b.PerByte*bodyLen, b.Most)
}
