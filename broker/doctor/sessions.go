package doctor

import "github.com/chronik-stream/chronik/auth"

// sessionChecks look at who is connected now, and how.
func sessionChecks() []Check {
	return []Check{
		{
			ID: "session-not-encrypted", State: Open, Severity: High, Controls: []string{"SC-8", "PCI 4.2.1", "CC6.7"},
			Title:   "A client on another machine is connected without TLS.",
			Mend:    "give the client a SASL_SSL or SSL listener, and close the other one",
			running: true,
			find: func(f *Facts, e *examination) {
				eachSession(f, func(subject string, s *auth.Session) {
					if s.Encryption == nil && !s.Host.IsLoopback() {
						e.found(subject, "%s by %s", s.Protocol, s.Method)
					}
				})
			},
		},
		{
			ID: "session-tls12", State: Weak, Severity: Low, Controls: []string{"SC-8", "SC-13", "PCI 12.3.3"},
			Title:   "A client is connected by TLS 1.2.",
			Mend:    "bring the client up to date; when there is none left, set ssl.enabled.protocols=TLSv1.3",
			running: true,
			find: func(f *Facts, e *examination) {
				eachSession(f, func(subject string, s *auth.Session) {
					if s.Encryption != nil && s.Encryption.Version == "TLSv1.2" {
						e.found(subject, "TLS 1.2 with %s", s.Encryption.Suite)
					}
				})
			},
		},
		{
			ID: "session-not-post-quantum", State: Weak, Severity: Info, Controls: []string{"SC-12", "SC-13", "PCI 12.3.3"},
			Title:   "A client's key exchange is not post-quantum: who records the connection may read it one day.",
			Mend:    "bring the client, or its TLS library, up to date: X25519MLKEM768 is offered to all",
			running: true,
			find: func(f *Facts, e *examination) {
				eachSession(f, func(subject string, s *auth.Session) {
					if s.Encryption != nil && !s.Encryption.PostQuantum {
						e.found(subject, "%s with the group %q", s.Encryption.Version, s.Encryption.Group)
					}
				})
			},
		},
		{
			ID: "session-certificate-expires-soon", State: Weak, Severity: Low, Controls: []string{"IA-5(2)", "SC-17", "KG-005"},
			Title:   "The certificate of a connected client ends within 30 days; the session ends with it.",
			Mend:    "give the client a new certificate",
			running: true,
			find: func(f *Facts, e *examination) {
				eachSession(f, func(subject string, s *auth.Session) {
					if s.Certificate != nil && s.Certificate.NotAfter.Sub(f.Now) < certificateNotice {
						e.found(subject, "%s is valid to %s", s.Certificate.Subject, day(s.Certificate.NotAfter))
					}
				})
			},
		},
	}
}

// eachSession calls judge for one session of each principal, address and listener: clients have many connections.
func eachSession(f *Facts, judge func(subject string, s *auth.Session)) {
	seen := map[string]bool{}
	for _, s := range f.Running.Sessions {
		subject := s.Principal.String() + " from " + s.Host.String() + " on listener " + s.Listener
		key := subject
		if s.Encryption != nil {
			key += s.Encryption.Version + s.Encryption.Group
		}
		if s.Certificate != nil {
			key += s.Certificate.Fingerprint
		}
		if !seen[key] {
			seen[key] = true
			judge(subject, s)
		}
	}
}
