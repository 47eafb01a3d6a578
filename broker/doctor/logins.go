package doctor

import "slices"

// loginChecks look at failed log-ins and at how long sessions last.
func loginChecks() []Check {
	return []Check{
		{
			ID: "no-failure-delay", State: Weak, Severity: Medium, Controls: []string{"AC-7", "PCI 8.3.4"},
			Title: "A failed log-in is answered at once, so that guessing costs nothing.",
			Mend:  "leave connection.failed.authentication.delay.ms at its default, 100",
			find: func(f *Facts, e *examination) {
				if f.Config.Limits.FailedLoginDelay <= 0 {
					e.found("connection.failed.authentication.delay.ms", "the delay is 0")
				}
			},
		},
		{
			ID: "no-reauthentication", State: Weak, Severity: Low, Controls: []string{"AC-12", "IA-11", "PCI 8.2.8"},
			Title: "Sessions that log in by SASL last as long as their connection.",
			Mend:  "set connections.max.reauth.ms, such as to 3600000: clients log in again on the same connection (KIP-368)",
			find: func(f *Facts, e *examination) {
				bySASL := func(l Listener) bool { return usesSASL(&l) }
				if f.Config.Limits.MaxSession <= 0 && slices.ContainsFunc(f.Listeners, bySASL) {
					e.found("connections.max.reauth.ms", "connections.max.reauth.ms=0")
				}
			},
		},
	}
}
