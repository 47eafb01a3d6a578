package audit

import (
	"log/slog"

	"github.com/chronik-stream/chronik/authz"
)

// PolicyChange is a change of the policies in Rego (OCSF 6002, Update): they have come into force, or were refused.
type PolicyChange struct {
	// Digest is the SHA-256 of the policies' files in hexadecimal, "" where they could not be read.
	Digest string
	// Required is the digest of the policies that alone may come into force, "" where any may.
	Required string
	// Refused says why they are not in force; "" where they are.
	Refused string
}

var _ Event = PolicyChange{}

func (c PolicyChange) document(string) document {
	d := of(classLifecycle, activityUpdateApp, severityHigh)
	digests := "sha256 " + c.Digest
	if c.Required != "" {
		digests += ", required " + c.Required
	}
	d.ActivityName, d.StatusID, d.StatusDetail = "Update", statusSuccess, "policies are in force: "+digests
	if c.Refused != "" {
		d.StatusID, d.StatusDetail = statusFailure, clip("policies were refused: "+digests+": "+c.Refused)
	}
	d.App = &productObject{Name: productName, Vendor: vendor}
	return d
}

func (c PolicyChange) kind() string { return "policies" }

func (c PolicyChange) provoked() bool { return false }

func (c PolicyChange) who() subject { return subject{} }

func (c PolicyChange) attrs() []slog.Attr {
	return []slog.Attr{slog.String("sha256", c.Digest), slog.String("required", c.Required), slog.String("refused", clip(c.Refused))}
}

// PolicyDecision is a decision that policies in Rego have made, or would have made, and that is to be known (OCSF 6003).
type PolicyDecision struct {
	Client Client
	// API is the request's name, such as Produce, and Version the one that it has in its header.
	API     string
	Version int16
	// Need is what was asked.
	Need authz.Need
	// ACL and Policy are the two answers.
	ACL, Policy authz.Decision
	// Shadow says that the ACLs have decided, and the policies would have decided otherwise. Else the policies have allowed, and say why.
	Shadow bool
}

var _ Event = PolicyDecision{}

func (p PolicyDecision) document(run string) document {
	activity, name := activityOf(p.Need.Op)
	d := of(classAPIActivity, activity, severityMedium)
	d.ActivityName, d.StatusID, d.StatusDetail = name, statusSuccess, clip(p.Policy.Reason)
	if p.Shadow {
		d.SeverityID, d.StatusDetail = severityInformational, clip("shadow: "+p.Policy.Reason)
	}
	if !p.decisive().Allowed {
		d.StatusID = statusFailure
	}
	d.Actor = p.Client.actor(run)
	d.Actor.Authorizations = []authorization{answerOf(p.Policy)}
	if p.Shadow {
		d.Actor.Authorizations = []authorization{answerOf(p.ACL), answerOf(p.Policy)}
	}
	d.API = requested(p.API, p.Version)
	d.Source, d.Destination = source(p.Client.Host), destination(p.Client.Listener)
	d.Resources = []resource{{Name: clip(nameOf(p.Need)), Type: p.Need.On.Type.String()}}
	d.Unmapped = &unmapped{Operation: p.Need.Op.String()}
	return d
}

// decisive is the answer that counts.
func (p PolicyDecision) decisive() authz.Decision {
	if p.Shadow {
		return p.ACL
	}
	return p.Policy
}

func answerOf(d authz.Decision) authorization {
	a := authorization{Decision: "Denied", Policy: &policy{Name: clip(d.Reason)}}
	if d.Allowed {
		a.Decision = "Allowed"
	}
	if d.Rule != nil {
		a.Policy.Description = RuleText(d.Rule)
	}
	return a
}

func (p PolicyDecision) kind() string { return "policy decision" }

func (p PolicyDecision) provoked() bool { return true }

func (p PolicyDecision) who() subject { return p.Client.subject() }

func (p PolicyDecision) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("principal", clip(p.Client.Principal.String())), slog.String("host", clip(p.Client.Host)), slog.String("api", clip(p.API)),
		slog.String("operation", p.Need.Op.String()), slog.String("resource_type", p.Need.On.Type.String()),
		slog.String("resource", clip(nameOf(p.Need))), slog.Bool("shadow", p.Shadow),
		slog.Bool("allowed", p.decisive().Allowed), slog.String("acl", clip(p.ACL.Reason)), slog.String("policy", clip(p.Policy.Reason)),
	}
}
