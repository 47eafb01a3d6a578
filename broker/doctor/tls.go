package doctor

import "strings"

// tlsChecks look at how connections are encrypted.
func tlsChecks() []Check {
	return []Check{
		{
			ID: "tls12-allowed", State: Weak, Severity: Low, Controls: []string{"SC-8", "SC-13", "PCI 4.2.1", "PCI 12.3.3"},
			Title:   "TLS 1.2 is offered, which has no post-quantum key exchange and shows certificates to everybody on the way.",
			Mend:    "set ssl.enabled.protocols=TLSv1.3, when the sessions at /v1/sessions show that no client needs TLS 1.2",
			outside: true,
			find: func(f *Facts, e *examination) {
				withOffer(f, func(l *Listener) {
					if l.Offer.OldVersion {
						e.found("listener "+l.Name, "TLS 1.2 is offered beside 1.3, or alone")
					}
				})
			},
		},
		{
			ID: "weak-suites", State: Weak, Severity: Medium, Controls: []string{"SC-13", "PCI 4.2.1", "PCI 12.3.3"},
			Title:   "Cipher suites of TLS 1.2 with CBC, or without forward secrecy, are offered.",
			Mend:    "set ssl.enabled.protocols=TLSv1.3, or name suites with GCM or CHACHA20 in ssl.cipher.suites",
			outside: true,
			find: func(f *Facts, e *examination) {
				withOffer(f, func(l *Listener) {
					if len(l.Offer.WeakSuites) > 0 {
						e.found("listener "+l.Name, "offered: %s", strings.Join(l.Offer.WeakSuites, ", "))
					}
				})
			},
		},
		{
			ID: "post-quantum-not-required", State: Weak, Severity: Info, Controls: []string{"SC-8", "SC-12", "SC-13", "PCI 12.3.3"},
			Title:   "A listener lets in clients whose key exchange is not post-quantum: who records their connections may read them one day.",
			Mend:    "set listener.name.<listener>.chronik.listener.require=pq, when the sessions at /v1/sessions show that every client has it",
			outside: true,
			find: func(f *Facts, e *examination) {
				withOffer(f, func(l *Listener) {
					if !l.Offer.PostQuantum {
						e.found("listener "+l.Name, "others are let in")
					}
				})
			},
		},
		{
			ID: "fips-off", State: Weak, Severity: Info, Controls: []string{"SC-13", "IA-7", "PCI 12.3.3"},
			Title: "The binary does not run its cryptographic module in FIPS 140-3 mode.",
			Mend:  "where FIPS 140-3 is asked for, run the binary of make build-fips",
			find: func(f *Facts, e *examination) {
				if !f.FIPS {
					e.found("binary", "FIPS 140-3 mode is off")
				}
			},
		},
	}
}

// withOffer calls judge for each listener with TLS of which it is known what it offers. That others are not known is told by
// certificate-unreadable.
func withOffer(f *Facts, judge func(*Listener)) {
	for i := range f.Listeners {
		if f.Listeners[i].Offer != nil {
			judge(&f.Listeners[i])
		}
	}
}
