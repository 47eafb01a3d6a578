package doctor

import "github.com/chronik-stream/chronik/broker/config"

// Policies are the policies in Rego of a running broker.
type Policies struct {
	// InForce is the digest of those in force, Required that of those that alone may be, "" where any may.
	InForce, Required string
	// Broken says that the files hold what was refused, or is not what is required.
	Broken bool
}

// policyChecks look at whether what decides is what it is meant to be.
func policyChecks() []Check {
	return []Check{
		{
			ID: "policies-not-in-force", State: Weak, Severity: Medium, Controls: []string{"AC-3", "CM-3", "CM-6", "PCI 6.5.1", "CC8.1"},
			Title:   "Other policies decide than the files hold, or than are required: the broker would not start again with them.",
			Mend:    "mend the files or put back those that are required, or require these: chronik policy require; the broker's log says what is wrong",
			running: true,
			find: func(f *Facts, e *examination) {
				p := f.Running.Policies
				switch {
				case p == nil:
				case p.Required != "" && p.Required != p.InForce:
					e.found(config.PoliciesDigest, "sha256 %s is required, %s is in force", p.Required, p.InForce)
				case p.Broken:
					e.found("policies", "the files hold others than sha256 %s, which is in force", p.InForce)
				}
			},
		},
	}
}
