package httpd

import (
	"net"
	"sync"
)

// bounded is a listener that closes connections beyond a number at once.
type bounded struct {
	net.Listener
	places chan struct{}
}

func newBounded(l net.Listener, most int) net.Listener {
	return &bounded{Listener: l, places: make(chan struct{}, most)}
}

// Accept returns the next connection that there is a place for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		nc, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.places <- struct{}{}:
			return &placed{Conn: nc, leave: sync.OnceFunc(func() { <-b.places })}, nil
		default:
			_ = nc.Close() // nothing was sent on it
		}
	}
}

// placed is a connection that gives its place back when it is closed.
type placed struct {
	net.Conn
	leave func()
}

// Close closes the connection and gives its place back.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
