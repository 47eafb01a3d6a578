package audit

import (
	"net/netip"

	"github.com/chronik-stream/chronik/auth"
)

// v6Bits is the part of an IPv6 address that counts as one: whoever has one has all 2^64 of its network.
const v6Bits = 64

// subject is whose doing an event is, as far as a budget has to know: a principal, or, where nobody has proved to be one, the network that
// the client came from. The zero value is nobody's: the broker's own events, and changes.
type subject struct {
	principal auth.Principal
	stranger  bool
	network   netip.Prefix
}

// subject is the client's. ANONYMOUS is everybody on a listener that asks for no identity, so that the address counts there.
func (c *Client) subject() subject {
	if !c.Principal.IsZero() && c.Principal != auth.Anonymous() {
		return subject{principal: c.Principal}
	}
	return subject{stranger: true, network: networkOf(c.Host)}
}

// networkOf is the network of an address in text form; all that are none share the zero one.
func networkOf(host string) netip.Prefix {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = v6Bits
	}
	network, _ := addr.Prefix(bits) // the bits are the address's own
	return network
}

// source is where a stranger comes from, in OCSF's words.
func (s subject) source() *endpoint {
	switch {
	case !s.network.IsValid():
		return &endpoint{Name: unknownName}
	case s.network.IsSingleIP():
		return &endpoint{IP: s.network.Addr().String()}
	default:
		return &endpoint{Name: s.network.String()}
	}
}
