package doctor

// tokenChecks look at which tokens are taken.
func tokenChecks() []Check {
	return []Check{
		{
			ID: "unsigned-tokens", State: Open, Severity: Critical, Controls: []string{"IA-2", "IA-5", "SC-23", "CC6.1"},
			Title: "A listener takes tokens that nobody has signed: whoever reaches it is whom he says.",
			Mend:  "set sasl.oauthbearer.jwks.endpoint.url, .expected.issuer and .expected.audience, and take unsecuredValidator... out of the log-in module",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					if l := &f.Listeners[i]; l.OAuth != nil && l.OAuth.Unsecured != nil {
						e.found("listener "+l.Name, "OAUTHBEARER without signatures")
					}
				}
			},
		},
		{
			ID: "unverified-tokens", State: Open, Severity: High, Controls: []string{"IA-2", "IA-5", "CC6.1"},
			Title: "A listener takes tokens of any issuer whose keys are known, or for any audience (CVE-2026-33557 was that).",
			Mend:  "set sasl.oauthbearer.expected.issuer and .expected.audience, and take sasl.oauthbearer.allow.unverified.* out",
			find: func(f *Facts, e *examination) {
				for i := range f.Listeners {
					l := &f.Listeners[i]
					if l.OAuth == nil || l.OAuth.Unsecured != nil {
						continue
					}
					if l.OAuth.Issuer == "" {
						e.found("listener "+l.Name, "the issuer is not looked at")
					}
					if len(l.OAuth.Audiences) == 0 {
						e.found("listener "+l.Name, "the audience is not looked at")
					}
				}
			},
		},
	}
}
