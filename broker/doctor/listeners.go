package doctor

import (
	"net"
	"net/netip"
	"strings"
)

// listenerChecks look at who can reach the broker, and how.
func listenerChecks() []Check {
	return []Check{
		{
			ID: "plaintext-listener", State: Open, Severity: Critical, Controls: []string{"SC-8", "PCI 4.2.1", "CC6.7"},
			Title:   "A listener without TLS is open to the network: records and log-ins can be read and changed on their way.",
			Mend:    "make it SASL_SSL or SSL in listeners, or bind it to 127.0.0.1",
			outside: true,
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; l.TLS == nil && !isLoopback(l.Host) {
						e.found("listener "+l.Name, "%s on %s, which is not loopback", l.Protocol, address(l.Host))
					}
				}
			},
		},
		{
			ID: "plaintext-loopback", State: Open, Severity: Low, Controls: []string{"SC-8", "PCI 4.2.1"},
			Title:   "A listener without TLS is on loopback: every user of the machine reaches it.",
			Mend:    "make it SASL_SSL or SSL in listeners",
			outside: true,
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; l.TLS == nil && isLoopback(l.Host) {
						e.found("listener "+l.Name, "%s on %s", l.Protocol, address(l.Host))
					}
				}
			},
		},
		{
			ID: "http-open", State: Open, Severity: Medium, Controls: []string{"AC-3", "SC-7", "PCI 1.3.1"},
			Title: "The listener of metrics and health, which has neither TLS nor a log-in, is open to the network. Metrics and sessions are still shown to this machine alone.",
			Mend:  "set chronik.http.listen to an address such as 127.0.0.1:9095, or bound it by a firewall",
			find: func(f *Facts, e *examination) {
				host, _, err := net.SplitHostPort(f.Config.HTTPListen)
				if err == nil && !isLoopback(host) {
					e.found("chronik.http.listen", "it listens on %s", address(host))
				}
			},
		},
		{
			ID: "insecure-allowed", State: Weak, Severity: Low, Controls: []string{"CM-6", "CC8.1"},
			Title: "The switch is on without which listeners without TLS, and turning off TLS or ACLs, are refused.",
			Mend:  "take chronik.allow.insecure out of the configuration",
			find: func(f *Facts, e *examination) {
				if f.Config.Security.AllowInsecure {
					e.found("chronik.allow.insecure", "chronik.allow.insecure=true")
				}
			},
		},
	}
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

func address(host string) string {
	if host == "" {
		return "every interface"
	}
	return host
}
