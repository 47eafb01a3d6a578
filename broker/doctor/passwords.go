package doctor

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker/meta"
)

// minPassword is the least number of characters of a password (PCI DSS 8.3.6).
const minPassword = 12

// passwordChecks look at the passwords of the configuration, and at how those of users are hashed.
func passwordChecks() []Check {
	return []Check{
		{
			ID: "default-password", State: Open, Severity: Critical, Controls: []string{"IA-5(1)", "PCI 2.2.2", "PCI 8.3.6"},
			Title: "A password in the configuration is one that examples have, or the user's own name.",
			Mend:  "change it",
			find: func(f *Facts, e *examination) {
				eachPassword(f, func(subject, user, password string) {
					if strings.EqualFold(user, password) || slices.Contains(examplePasswords(), strings.ToLower(password)) {
						e.found(subject, "it is one of examples, or the user's name")
					}
				})
			},
		},
		{
			ID: "default-scram-password", State: Open, Severity: Critical, Controls: []string{"IA-5(1)", "PCI 2.2.2", "PCI 8.3.6"},
			Title:   "A user's password is one that examples have, or his own name. To name him here would be to tell it: the broker's log does.",
			Mend:    "change the passwords of those whom the broker's log names: chronik user passwd NAME",
			running: true,
			find: func(f *Facts, e *examination) {
				if n := f.Running.Defaults.Credentials; n > 0 {
					e.found("SCRAM users", "credentials of such passwords: %d", n)
				}
				if n := f.Running.Defaults.Left; n > 0 {
					e.unknown("SCRAM users", "credentials that are tried when the broker is asked again: %d", n)
				}
			},
		},
		{
			ID: "scram-salt", State: Weak, Severity: Low, Controls: []string{"IA-5(1)", "SC-13"},
			Title:   "A user's password is hashed with a salt of fewer than 16 bytes (NIST SP 800-132). In FIPS 140-3 mode he can not log in.",
			Mend:    "set the password again: chronik user passwd NAME",
			running: true,
			find: func(f *Facts, e *examination) {
				eachCredential(f, func(c *meta.ScramCredential) {
					if len(c.Salt) < scram.MinFIPSSaltBytes {
						e.found("user "+c.User, "%s with a salt of %d bytes", c.Mechanism, len(c.Salt))
					}
				})
			},
		},
		{
			ID: "short-password", State: Weak, Severity: Medium, Controls: []string{"IA-5(1)", "PCI 8.3.6"},
			Title: "A password in the configuration has fewer than 12 characters.",
			Mend:  "use a longer one",
			find: func(f *Facts, e *examination) {
				eachPassword(f, func(subject, user, password string) {
					if user != "" && utf8.RuneCountInString(password) < minPassword {
						e.found(subject, "it has fewer than %d characters", minPassword)
					}
				})
			},
		},
		{
			ID: "directory-remembered", State: Weak, Severity: Low, Controls: []string{"AC-2(3)", "IA-5(1)", "PCI 8.2.5"},
			Title: "A password that the directory has taken is taken again without asking: who has been locked there gets in for a while.",
			Mend:  "leave chronik.sasl.plain.ldap.cache.ms at its default, 0",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; l.LDAP != nil && l.LDAP.Remember > 0 {
						e.found("listener "+l.Name, "for %s", l.LDAP.Remember)
					}
				}
			},
		},
		{
			ID: "scram-iterations", State: Weak, Severity: Low, Controls: []string{"IA-5(1)", "SC-13", "PCI 8.3.2"},
			Title:   "A user's password is hashed with the least number of iterations, 4096.",
			Mend:    "set the password again with more: kafka-configs --alter --entity-type users --entity-name USER --add-config 'SCRAM-SHA-512=[iterations=16384,password=...]'",
			running: true,
			find: func(f *Facts, e *examination) {
				eachCredential(f, func(c *meta.ScramCredential) {
					if c.Iterations <= scram.MinIterations {
						e.found("user "+c.User, "%s with %d iterations", c.Mechanism, c.Iterations)
					}
				})
			},
		},
	}
}

// eachCredential calls judge for each stored credential.
func eachCredential(f *Facts, judge func(*meta.ScramCredential)) {
	f.Running.Image.ScramUsers(func(_ string, credentials []meta.ScramCredential) bool {
		for i := range credentials {
			judge(&credentials[i])
		}
		return true
	})
}

// eachPassword calls judge for each password that stands in the configuration in clear; user is "" for those of files.
func eachPassword(f *Facts, judge func(subject, user, password string)) {
	for i := range f.Listeners {
		l := &f.Listeners[i]
		for _, user := range slices.Sorted(maps.Keys(l.PlainUsers)) {
			if password := l.PlainUsers[user]; !strings.HasPrefix(password, "SCRAM-SHA-") {
				judge("user "+user+" of listener "+l.Name, user, password)
			}
		}
		if l.LDAP != nil && l.LDAP.BindPassword != "" {
			judge("chronik.sasl.plain.ldap.bind.password of listener "+l.Name, l.LDAP.BindDN, l.LDAP.BindPassword)
		}
		if l.TLS == nil {
			continue
		}
		for _, p := range []struct{ key, password string }{
			{"ssl.keystore.password", l.TLS.KeyStorePassword}, {"ssl.key.password", l.TLS.KeyPassword},
		} {
			if p.password != "" {
				judge(p.key+" of listener "+l.Name, "", p.password)
			}
		}
	}
}

// examplePasswords are those of documentation and examples of Apache Kafka and others, in lower case.
func examplePasswords() []string {
	return []string{
		"123456", "admin", "admin-secret", "admin123", "alice-secret", "bob-secret", "broker", "broker-secret", "change-me", "changeit",
		"changeme", "chronik", "client-secret", "confluent", "default", "guest", "kafka", "kafka-secret", "keystore", "password", "secret", "test",
		"test1234", "truststore", "user",
	}
}
