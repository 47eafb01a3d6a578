package doctor

import "slices"

// identityChecks look at whether clients have to say who they are, and how.
func identityChecks() []Check {
	return []Check{
		{
			ID: "no-login", State: Open, Severity: High, Controls: []string{"IA-2", "AC-3", "PCI 8.2.1", "CC6.1", "KG-001"},
			Title: "A listener lets clients in that do not say who they are; they are User:ANONYMOUS.",
			Mend:  "make it SASL_SSL, or set listener.name.<listener>.ssl.client.auth=required",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					l := &f.Listeners[i]
					switch {
					case usesSASL(l):
					case l.TLS == nil:
						e.found("listener "+l.Name, "%s has no log-in", l.Protocol)
					case l.TLS.ClientAuth != "required":
						e.found("listener "+l.Name, "ssl.client.auth=%s, so a certificate is not needed", l.TLS.ClientAuth)
					}
				}
			},
		},
		{
			ID: "client-certificate-not-asked", State: Weak, Severity: Info, Controls: []string{"IA-2(1)", "IA-3", "KG-044"},
			Title: "A listener with SASL does not ask for a client certificate: a stolen password is enough.",
			Mend:  "set listener.name.<listener>.ssl.client.auth=required",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; usesSASL(l) && l.TLS != nil && l.TLS.ClientAuth != "required" {
						e.found("listener "+l.Name, "ssl.client.auth=%s", l.TLS.ClientAuth)
					}
				}
			},
		},
		{
			ID: "plain-without-tls", State: Open, Severity: Critical, Controls: []string{"IA-5(1)", "SC-8", "PCI 8.3.2", "PCI 4.2.1"},
			Title: "A listener without TLS takes passwords as they are (PLAIN), or bearer tokens (OAUTHBEARER).",
			Mend:  "make it SASL_SSL, or leave PLAIN and OAUTHBEARER out of listener.name.<listener>.sasl.enabled.mechanisms",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					l := &f.Listeners[i]
					for _, m := range []string{"PLAIN", "OAUTHBEARER"} {
						if l.TLS == nil && slices.Contains(l.Mechanisms, m) {
							e.found("listener "+l.Name, "%s on %s", m, l.Protocol)
						}
					}
				}
			},
		},
	}
}
