package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The ports that tests listen on are below those that systems give to connections by themselves (32768 and up on Linux, 49152 elsewhere): a
// port that a test has chosen and not opened yet is no other's meanwhile.
const (
	firstPort, lastPort = 12000, 32000
	portTries           = 1000
)

// given has the ports that tests of this process were given.
var given ports

type ports struct {
	mu  sync.Mutex
	set map[int]bool
}

// take remembers a port, and reports whether nobody was given it before.
func (p *ports) take(port int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set[port] {
		return false
	}
	if p.set == nil {
		p.set = map[int]bool{}
	}
	p.set[port] = true
	return true
}

// FreeAddress is an address of loopback that nobody listens on.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range portTries {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if !given.take(port) {
			continue
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatalf("no free port after %d tries", portTries)
	return ""
}
