package acl

import (
	"net/netip"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// everybody is the principal of a binding that matches every principal, of whatever type (StandardAuthorizerData).
var everybody = auth.User("*")

// The forms of a host.
const (
	anyHost byte = iota + 1
	addressHost
	textHost
)

// host is a host as it is compared, so that two spellings of one IPv6 address are one host.
type host struct {
	form    byte
	address [16]byte
	text    string
}

func parseHost(s string) host {
	if s == authz.AnyHost {
		return host{form: anyHost}
	}
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" {
		return host{form: textHost, text: s}
	}
	return host{form: addressHost, address: ip.As16()}
}
