package authz

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chronik-stream/chronik/auth"
)

// ErrInvalidBinding is wrapped by every error of Binding.Validate.
var ErrInvalidBinding = errors.New("invalid ACL")

// AnyHost is the host that matches every client.
const AnyHost = "*"

// Binding is one ACL. It is comparable: two equal bindings are the same ACL.
type Binding struct {
	Type       ResourceType
	Name       string
	Pattern    PatternType
	Principal  string
	Host       string
	Operation  Operation
	Permission Permission
}

// BindingDelta is a change of the set of ACLs: Removed goes first.
type BindingDelta struct {
	Removed []Binding
	Added   []Binding
}

// Validate applies the broker's rules for a new ACL (Apache Kafka's AclControlManager.validateNewAcl). Whether the operation
// fits the resource type is not the broker's business.
func (b Binding) Validate() error {
	switch {
	case !b.Type.Concrete():
		return fmt.Errorf("%w: resource type %s", ErrInvalidBinding, b.Type)
	case !b.Pattern.Concrete():
		return fmt.Errorf("%w: pattern type %s", ErrInvalidBinding, b.Pattern)
	case !b.Operation.Concrete():
		return fmt.Errorf("%w: operation %s", ErrInvalidBinding, b.Operation)
	case !b.Permission.Concrete():
		return fmt.Errorf("%w: permission %s", ErrInvalidBinding, b.Permission)
	case b.Name == "":
		return fmt.Errorf("%w: empty resource name", ErrInvalidBinding)
	case b.Type == Cluster && b.Name != ClusterName:
		return fmt.Errorf("%w: the only cluster resource is %q, not %q", ErrInvalidBinding, ClusterName, b.Name)
	case b.Host == "":
		return fmt.Errorf("%w: empty host", ErrInvalidBinding)
	}
	if _, err := auth.ParsePrincipal(b.Principal); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidBinding, err)
	}
	return nil
}

// Covers reports whether the binding's pattern matches the resource.
func (b Binding) Covers(r Resource) bool {
	if b.Type != r.Type {
		return false
	}
	if b.Pattern == Prefixed {
		return strings.HasPrefix(r.Name, b.Name)
	}
	return b.Pattern == Literal && (b.Name == r.Name || b.Name == Wildcard)
}
