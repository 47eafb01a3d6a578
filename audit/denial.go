package audit

import (
	"log/slog"
	"strconv"

	"github.com/chronik-stream/chronik/authz"
)

// Denial is something that a request asked to do and may not (OCSF 6003).
type Denial struct {
	Client Client
	// RequestID is the request's event id, which correlates it with the changes that the same request made; may be empty.
	RequestID string
	// API is the request's name, such as Produce, and Version the one that it has in its header.
	API     string
	Version int16
	// Need is what was asked.
	Need authz.Need
	// Decision is the answer and its reason.
	Decision authz.Decision
	// More is how many further denials of the same request have no event of their own: this one counts them.
	More int
}

var _ Event = Denial{}

func (n Denial) document(run string) document {
	d := decided(run, n.Client, requested(n.API, n.Version), n.Need, nil, n.Decision)
	if n.RequestID != "" {
		d.API.Request = &apiRequest{UID: n.RequestID}
	}
	d.Resources = []resource{{Name: clip(nameOf(n.Need)), Type: n.Need.On.Type.String()}}
	d.Metadata.CorrelationUID = n.RequestID
	if n.More > 0 {
		d.Count = uint64(n.More) + 1
	}
	return d
}

// decided is what a Denial and an Access have alike: who has asked for what, and by which rule it was decided.
func decided(run string, c Client, api *apiObject, need authz.Need, or []authz.Need, by authz.Decision) document {
	severity, status := severityMedium, statusFailure
	if by.Allowed {
		severity, status = severityInformational, statusSuccess
	}
	activity, name := activityOf(need.Op)
	d := of(classAPIActivity, activity, severity)
	d.ActivityName, d.StatusID, d.StatusDetail = name, status, clip(by.Reason)
	d.Actor = c.actor(run)
	d.Actor.Authorizations = []authorization{answerOf(by)}
	d.API = api
	d.Source, d.Destination = source(c.Host), destination(c.Listener)
	d.Unmapped = questionOf(need, or, by)
	c.describe(&d)
	return d
}

// requested is what kind of request it was.
func requested(api string, version int16) *apiObject {
	return &apiObject{Operation: clip(api), Version: strconv.Itoa(int(version)), Service: &nameObject{Name: serviceName}}
}

// nameOf is the name of what was asked for; a question about any resource of a type has none of its own.
func nameOf(n authz.Need) string {
	if n.AnyOfType {
		return authz.Wildcard
	}
	return n.On.Name
}

// activityOf is an operation in the words of OCSF's API Activity.
func activityOf(o authz.Operation) (int, string) {
	switch o {
	case authz.Read, authz.Describe, authz.DescribeConfigs, authz.DescribeTokens:
		return activityRead, "Read"
	case authz.Create, authz.CreateTokens:
		return activityCreate, "Create"
	case authz.Write, authz.Alter, authz.AlterConfigs:
		return activityUpdate, "Update"
	case authz.Delete:
		return activityDelete, "Delete"
	default:
		return activityOther, o.String()
	}
}

// RuleText is an ACL in words.
func RuleText(b *authz.Binding) string {
	return clip(b.Permission.String() + " " + b.Operation.String() + " on " + b.Type.String() + ":" + b.Pattern.String() + ":" + b.Name +
		" to " + b.Principal + " from " + b.Host)
}

func (n Denial) kind() string { return "denial" }

func (n Denial) provoked() bool { return true }

func (n Denial) who() subject { return n.Client.subject() }

func (n Denial) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("principal", clip(n.Client.Principal.String())), slog.String("host", clip(n.Client.Host)),
		slog.String("listener", n.Client.Listener), slog.String("api", clip(n.API)), slog.String("operation", n.Need.Op.String()),
		slog.String("resource_type", n.Need.On.Type.String()), slog.String("resource", clip(nameOf(n.Need))),
		slog.String("reason", clip(n.Decision.Reason)),
	}
	if n.More > 0 {
		attrs = append(attrs, slog.Int("more", n.More))
	}
	if n.Decision.Rule != nil {
		attrs = append(attrs, slog.String("rule", RuleText(n.Decision.Rule)))
	}
	return attrs
}
