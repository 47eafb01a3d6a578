package doctor

import (
	"slices"
	"strings"
	"time"
)

// lockoutAttempts and lockoutTime are what PCI DSS 8.3.4 asks for.
const (
	lockoutAttempts = 10
	lockoutTime     = 30 * time.Minute
)

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
			ID: "no-lockout", State: Open, Severity: Medium, Controls: []string{"AC-7", "PCI 8.3.4", "CC6.1"},
			Title: "Failed log-ins lock nobody out, or only after more than ten, or for less than half an hour. They are slowed down all the same.",
			Mend:  "set chronik.login.lockout.attempts=10 and leave chronik.login.lockout.ms at its default, 1800000",
			find:  lockouts,
		},
		{
			ID: "no-reauthentication", State: Weak, Severity: Low, Controls: []string{"AC-12", "IA-11", "PCI 8.2.8"},
			Title: "Sessions that log in by SASL last as long as their connection.",
			Mend:  "set connections.max.reauth.ms, such as to 3600000: clients log in again on the same connection (KIP-368)",
			find: func(f *Facts, e *examination) {
				for _, l := range f.Listeners {
					for _, m := range l.Mechanisms {
						if l.MaxSession[m] == 0 && !endsWithCredential(&l, m) {
							e.found("listener "+l.Name, "connections.max.reauth.ms=0 for %s", m)
						}
					}
				}
			},
		},
	}
}

// endsWithCredential reports whether sessions end with what they were opened by, a token or a ticket.
func endsWithCredential(l *Listener, mechanism string) bool {
	switch mechanism {
	case "OAUTHBEARER":
		return l.OAuth != nil && l.OAuth.Unsecured == nil
	case "GSSAPI":
		return l.GSSAPI != nil && !l.GSSAPI.OutliveTickets
	default:
		return false
	}
}

func lockouts(f *Facts, e *examination) {
	byPassword := func(m string) bool { return m == "PLAIN" || strings.HasPrefix(m, "SCRAM-") }
	takesPasswords := func(l Listener) bool { return slices.ContainsFunc(l.Mechanisms, byPassword) }
	if !slices.ContainsFunc(f.Listeners, takesPasswords) {
		return
	}
	switch l := f.Config.Limits.Logins; {
	case l.LockoutAttempts == 0:
		e.found("chronik.login.lockout.attempts", "chronik.login.lockout.attempts=0: nobody is locked out")
	case l.LockoutAttempts > lockoutAttempts:
		e.found("chronik.login.lockout.attempts", "chronik.login.lockout.attempts=%d", l.LockoutAttempts)
	case l.Lockout < lockoutTime:
		e.found("chronik.login.lockout.ms", "a lock-out lasts %s", l.Lockout)
	}
}
