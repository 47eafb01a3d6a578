package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// maxFindings bounds the findings of one check: a hundred thousand ACLs for everybody are one thing to mend.
const maxFindings = 20

// Check is one thing that is looked at.
type Check struct {
	// ID names the check; it stays the same from release to release.
	ID string
	// State is what a finding says that something is.
	State    State
	Severity Severity
	// Controls are what auditors ask for it by: NIST SP 800-53 (AC-7), PCI DSS (PCI 8.3.4), SOC 2 (CC6.1), KafkaGuard (KG-001).
	Controls []string
	// Title says what a finding means, Mend how to mend it.
	Title, Mend string
	// running says that the check needs a running broker.
	running bool
	// outside says that Facts.Listeners alone will do, as they are known of a broker that is only connected to.
	outside bool
	find    func(f *Facts, e *examination)
}

// State is what a finding says that something is.
type State string

// The states.
const (
	// Weak is a protection that is there and could be stronger.
	Weak State = "weak"
	// Open is a protection that is missing.
	Open State = "open"
	// Unverified is what could not be looked at.
	Unverified State = "unverified"
)

// Checks are all checks, in the order in which findings of one severity are told.
func Checks() []Check {
	return slices.Concat(
		listenerChecks(), identityChecks(), tlsChecks(), certificateChecks(), loginChecks(), tokenChecks(), passwordChecks(), rightsChecks(),
		grantChecks(), policyChecks(), approvalChecks(), sessionChecks(), evidenceChecks(), fileChecks(),
	)
}

// unverifiedSeverity is that of all that could not be looked at.
const unverifiedSeverity = Low

// examination gathers the findings of one check.
type examination struct {
	check    *Check
	findings []Finding
	// all is the number of findings, with those that are not kept.
	all int
}

// found tells that a subject, such as a listener or a key, is what the check looks for.
func (e *examination) found(subject, format string, args ...any) {
	e.add(e.check.State, e.check.Severity, subject, format, args...)
}

// unknown tells that a subject could not be looked at.
func (e *examination) unknown(subject, format string, args ...any) {
	e.add(Unverified, min(unverifiedSeverity, e.check.Severity), subject, format, args...)
}

func (e *examination) add(state State, severity Severity, subject, format string, args ...any) {
	if e.all++; e.all > maxFindings {
		return
	}
	e.findings = append(e.findings, Finding{
		Check: e.check.ID, State: state, Severity: severity, Controls: e.check.Controls, Subject: subject,
		Text: fmt.Sprintf(format, args...), Mend: e.check.Mend,
	})
}

// bounded are the findings, the last of them for all that are too many.
func (e *examination) bounded() []Finding {
	if e.all > maxFindings {
		last := &e.findings[maxFindings-1]
		last.Subject, last.Text = fmt.Sprintf("%d more", e.all-maxFindings+1), e.check.Title
	}
	return e.findings
}

// Examine runs all checks that the facts allow.
func Examine(f *Facts) *Report {
	r := &Report{Source: f.Source, Time: f.Now.UTC()}
	all := Checks()
	for i := range all {
		if all[i].running && f.Running == nil || f.Config == nil && !all[i].outside {
			r.NotChecked = append(r.NotChecked, all[i].ID)
			continue
		}
		e := examination{check: &all[i]}
		all[i].find(f, &e)
		r.Checked++
		r.Findings = append(r.Findings, e.bounded()...)
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
	return r
}

func usesSASL(l *Listener) bool { return strings.HasPrefix(l.Protocol, "SASL_") }
