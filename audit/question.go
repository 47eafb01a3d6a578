package audit

import (
	"github.com/chronik-stream/chronik/authz"
)

// aclObject is an ACL, with Apache Kafka's words.
type aclObject struct {
	Permission   string `json:"permission"`
	Operation    string `json:"operation"`
	ResourceType string `json:"resource_type"`
	PatternType  string `json:"pattern_type"`
	Name         string `json:"name"`
	Principal    string `json:"principal"`
	Host         string `json:"host"`
}

// needObject is a need that would have done as well. Name is "" where any resource of the type would.
type needObject struct {
	Operation    string `json:"operation"`
	ResourceType string `json:"resource_type"`
	Name         string `json:"name,omitempty"`
}

// accessObject is how often a resource was asked for, and when.
type accessObject struct {
	Count uint64 `json:"count"`
	First int64  `json:"first_time"`
	Last  int64  `json:"last_time"`
}

// questionOf is what the authorizer was asked, and the ACL that decided, as far as OCSF has no attribute for it.
func questionOf(n authz.Need, or []authz.Need, d authz.Decision) *unmapped {
	u := &unmapped{Operation: n.Op.String(), AnyOfType: n.AnyOfType, ACL: aclOf(d.Rule)}
	if n.OrOn != (authz.Resource{}) {
		u.Alternatives = append(u.Alternatives, alternative(n.Second()))
	}
	for _, other := range or {
		u.Alternatives = append(u.Alternatives, alternative(other))
	}
	return u
}

func alternative(n authz.Need) needObject {
	o := needObject{Operation: n.Op.String(), ResourceType: n.On.Type.String()}
	if !n.AnyOfType {
		o.Name = clip(n.On.Name)
	}
	return o
}

func aclOf(b *authz.Binding) *aclObject {
	if b == nil {
		return nil
	}
	return &aclObject{
		Permission: b.Permission.String(), Operation: b.Operation.String(), ResourceType: b.Type.String(), PatternType: b.Pattern.String(),
		Name: clip(b.Name), Principal: clip(b.Principal), Host: clip(b.Host),
	}
}
