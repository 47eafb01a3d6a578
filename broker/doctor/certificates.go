package doctor

import (
	"crypto/x509"
	"time"
)

const (
	// certificateNotice is how long before its end a certificate is told of (KG-005).
	certificateNotice = 30 * 24 * time.Hour
	// developmentAuthority is the name of the authority that chronik server --dev makes.
	developmentAuthority = "Chronik development CA"
)

// certificateChecks look at the certificates of the listeners.
func certificateChecks() []Check {
	return []Check{
		{
			ID: "certificate-expired", State: Open, Severity: Critical, Controls: []string{"SC-12", "SC-17", "PCI 4.2.1.1"},
			Title:   "A certificate of the broker is not valid now: it refuses to start, and clients refuse it.",
			Mend:    "put a new certificate in its place; it is taken without a restart",
			outside: true,
			find: func(f *Facts, e *examination) {
				eachCertificate(f, func(l *Listener, c *x509.Certificate) {
					if f.Now.Before(c.NotBefore) || f.Now.After(c.NotAfter) {
						e.found("listener "+l.Name, "%s is valid from %s to %s", c.Subject, day(c.NotBefore), day(c.NotAfter))
					}
				})
			},
		},
		{
			ID: "certificate-expires-soon", State: Weak, Severity: Medium, Controls: []string{"SC-12", "SC-17", "PCI 4.2.1.1", "KG-005"},
			Title:   "A certificate of the broker ends within 30 days.",
			Mend:    "put a new certificate in its place; it is taken without a restart",
			outside: true,
			find: func(f *Facts, e *examination) {
				eachCertificate(f, func(l *Listener, c *x509.Certificate) {
					if f.Now.Before(c.NotAfter) && c.NotAfter.Sub(f.Now) < certificateNotice {
						e.found("listener "+l.Name, "%s is valid to %s", c.Subject, day(c.NotAfter))
					}
				})
			},
		},
		{
			ID: "certificate-unreadable", State: Open, Severity: High, Controls: []string{"SC-12", "CM-6"},
			Title:   "The TLS files of a listener can not be used, so nothing is known of its certificates and suites.",
			Mend:    "see the text; chronik doctor needs to run as the broker's user",
			outside: true,
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; l.Unread != nil {
						e.found("listener "+l.Name, "%s", l.Unread)
					}
				}
			},
		},
		{
			ID: "no-revocation-list", State: Open, Severity: Low, Controls: []string{"IA-5(2)", "SC-17", "PCI 8.2.5"},
			Title: "A listener that takes client certificates has no revocation lists: a stolen key is good until its certificate ends.",
			Mend:  "set chronik.ssl.crl.location, or use certificates that live for hours",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; takesCertificates(l) && len(l.TLS.RevocationLists.Locations) == 0 {
						e.found("listener "+l.Name, "ssl.client.auth=%s without chronik.ssl.crl.location", l.TLS.ClientAuth)
					}
				}
			},
		},
		{
			ID: "revocation-lenient", State: Weak, Severity: Medium, Controls: []string{"IA-5(2)", "SC-17"},
			Title: "A client certificate is taken though its issuer's revocation list is out of date or missing.",
			Mend:  "leave chronik.ssl.crl.on.expired and chronik.ssl.crl.on.missing at their default, refuse",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; takesCertificates(l) && (l.TLS.RevocationLists.AcceptExpired || l.TLS.RevocationLists.AcceptMissing) {
						e.found("listener "+l.Name, "accept-with-warning")
					}
				}
			},
		},
		{
			ID: "development-certificate", State: Open, Severity: High, Controls: []string{"SC-12", "SC-17", "PCI 2.2.2"},
			Title:   "A certificate comes from the development authority, whose key lies on the machine that made it.",
			Mend:    "use certificates of your own authority",
			outside: true,
			find: func(f *Facts, e *examination) {
				eachCertificate(f, func(l *Listener, c *x509.Certificate) {
					if c.Issuer.CommonName == developmentAuthority {
						e.found("listener "+l.Name, "%s was issued by %s", c.Subject, c.Issuer)
					}
				})
			},
		},
	}
}

func takesCertificates(l *Listener) bool { return l.TLS != nil && l.TLS.ClientAuth != "none" }

func eachCertificate(f *Facts, judge func(*Listener, *x509.Certificate)) {
	withOffer(f, func(l *Listener) {
		for _, c := range l.Offer.Certificates {
			judge(l, c)
		}
	})
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
