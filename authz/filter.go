package authz

import "strings"

// Filter selects bindings. A nil pointer matches everything; so do the ANY values (KIP-290).
type Filter struct {
	Type       ResourceType
	Name       *string
	Pattern    PatternType
	Principal  *string
	Host       *string
	Operation  Operation
	Permission Permission
}

// Known reports whether no part of the filter is unknown; an unknown part is an invalid request.
func (f Filter) Known() bool {
	return f.Type != UnknownResource && f.Type <= UserResource &&
		f.Pattern != UnknownPattern && f.Pattern <= Prefixed &&
		f.Operation != UnknownOperation && f.Operation <= TwoPhaseCommit &&
		f.Permission != UnknownPermission && f.Permission <= Allow
}

// Matches reports whether the filter selects the binding.
func (f Filter) Matches(b Binding) bool {
	return (f.Type == AnyResource || f.Type == b.Type) &&
		f.matchesName(b) &&
		(f.Principal == nil || *f.Principal == b.Principal) &&
		(f.Host == nil || *f.Host == b.Host) &&
		(f.Operation == AnyOperation || f.Operation == b.Operation) &&
		(f.Permission == AnyPermission || f.Permission == b.Permission)
}

func (f Filter) matchesName(b Binding) bool {
	if f.Pattern.Concrete() && f.Pattern != b.Pattern {
		return false
	}
	if f.Name == nil {
		return true
	}
	if f.Pattern != Match {
		return *f.Name == b.Name
	}
	if b.Pattern == Prefixed {
		return strings.HasPrefix(*f.Name, b.Name)
	}
	return b.Name == *f.Name || b.Name == Wildcard
}
