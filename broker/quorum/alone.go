package quorum

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// ErrNoPeers is returned when a sole voter is asked to reach another.
var ErrNoPeers = errors.New("this cluster has one controller and no peers")

// aloneLayer is the stream layer of a sole voter: it listens nowhere and reaches nobody, so there is no port to attack.
type aloneLayer struct {
	address raft.ServerAddress
	closed  chan struct{}
	once    sync.Once
}

func newAloneLayer(address raft.ServerAddress) *aloneLayer {
	return &aloneLayer{address: address, closed: make(chan struct{})}
}

// Accept waits until the layer is closed.
func (l *aloneLayer) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}

// Close ends Accept.
func (l *aloneLayer) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the name of the voter; nothing listens there.
func (l *aloneLayer) Addr() net.Addr { return nodeAddr(l.address) }

// Dial reaches nobody.
func (l *aloneLayer) Dial(raft.ServerAddress, time.Duration) (net.Conn, error) {
	return nil, ErrNoPeers
}

type nodeAddr string

// Network implements net.Addr.
func (nodeAddr) Network() string { return "raft" }

// String implements net.Addr.
func (a nodeAddr) String() string { return string(a) }
