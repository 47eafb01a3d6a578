package acl

import (
	"encoding/binary"
	"net/netip"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// everybody is the principal of a binding that matches every principal, of whatever type (StandardAuthorizerData).
const everybody = "User:*"

// How a holder's key begins: the form of its host.
const (
	anyHost byte = iota
	addressHost
	textHost
)

// host is a host in the form that keys are made of, so that two spellings of one IPv6 address are one host.
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

// appendKey appends the part of a holder's key that is the host; the principal's text follows it.
func (h *host) appendKey(dst []byte) []byte {
	dst = append(dst, h.form)
	switch h.form {
	case addressHost:
		return append(dst, h.address[:]...)
	case textHost:
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(h.text)))
		return append(dst, h.text...)
	default:
		return dst
	}
}

func appendPrincipal(dst []byte, p auth.Principal) []byte {
	dst = append(dst, p.Type...)
	dst = append(dst, ':')
	return append(dst, p.Name...)
}

// appendPattern appends the key of a pattern: type, kind of pattern, name.
func appendPattern(dst []byte, t authz.ResourceType, p authz.PatternType, name string) []byte {
	return append(append(dst, byte(t), byte(p)), name...)
}
