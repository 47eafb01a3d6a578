package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// fromLoopback reports whether a request was made on this machine, for this machine: a browser or a proxy here that speaks for somebody
// elsewhere is refused.
func fromLoopback(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && namesLoopback(r.Host) && !isForwarded(r.Header)
}

// namesLoopback reports whether a Host header is an address or localhost. Any other name may be that of a page in a browser, whose owner
// has let it point here (DNS rebinding).
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

// isForwarded reports whether a proxy says that it asks for another client.
func isForwarded(h http.Header) bool {
	return h.Values("Forwarded") != nil || h.Values("X-Forwarded-For") != nil || h.Values("X-Real-Ip") != nil
}
