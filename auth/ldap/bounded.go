package ldap

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
)

var errTooMuch = errors.New("the directory's answer is too large")

// bounded is a connection on which so many bytes may come after each message that is sent: the library takes what a directory sends
// into memory, up to 2 GiB of it.
type bounded struct {
	net.Conn
	left atomic.Int64
}

func newBounded(c net.Conn) *bounded {
	b := &bounded{Conn: c}
	b.left.Store(maxAnswerBytes) // it is read before the first message is sent
	return b
}

// Read reads what may still come.
func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", errTooMuch, maxAnswerBytes)
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	return n, err
}

// Write asks something new.
func (b *bounded) Write(p []byte) (int, error) {
	b.left.Store(maxAnswerBytes)
	return b.Conn.Write(p)
}
