package authz

import (
	"fmt"
	"strings"
)

// The functions of this file read the names that Apache Kafka's tools take and print: in any case, with or without underscores and
// hyphens, so that DESCRIBE_CONFIGS, DescribeConfigs and describe-configs are one.

// ParseOperation reads an operation that can stand in a binding.
func ParseOperation(text string) (Operation, error) {
	return parseName("operation", text, All, TwoPhaseCommit)
}

// ParseResourceType reads a resource type that can stand in a binding.
func ParseResourceType(text string) (ResourceType, error) {
	return parseName("resource type", text, Topic, UserResource)
}

// ParsePatternType reads a pattern type that can stand in a binding.
func ParsePatternType(text string) (PatternType, error) {
	return parseName("pattern type", text, Literal, Prefixed)
}

// ParsePermission reads what a binding says: ALLOW or DENY.
func ParsePermission(text string) (Permission, error) {
	return parseName("permission type", text, Deny, Allow)
}

func parseName[T interface {
	~uint8
	fmt.Stringer
}](what, text string, first, last T) (T, error) {
	known := make([]string, 0, last-first+1)
	for v := first; v <= last; v++ {
		if bareName(v.String()) == bareName(text) {
			return v, nil
		}
		known = append(known, v.String())
	}
	return 0, fmt.Errorf("unknown %s %q: it is one of %s", what, text, strings.Join(known, ", "))
}

func bareName(text string) string {
	return strings.ToUpper(strings.NewReplacer("_", "", "-", "").Replace(text))
}
