package authz_test

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
)

func TestNamesAreReadAsTheyArePrinted(t *testing.T) {
	for op := authz.All; op <= authz.TwoPhaseCommit; op++ {
		for _, text := range []string{op.String(), strings.ToLower(op.String()), strings.ReplaceAll(op.String(), "_", ""), strings.ReplaceAll(op.String(), "_", "-")} {
			if got, err := authz.ParseOperation(text); err != nil || got != op {
				t.Errorf("%q: %v, %v", text, got, err)
			}
		}
	}
	for kind := authz.Topic; kind <= authz.UserResource; kind++ {
		if got, err := authz.ParseResourceType(kind.String()); err != nil || got != kind {
			t.Errorf("%v: %v, %v", kind, got, err)
		}
	}
	if got, err := authz.ParsePatternType("prefixed"); err != nil || got != authz.Prefixed {
		t.Errorf("prefixed: %v, %v", got, err)
	}
	if got, err := authz.ParsePermission("Deny"); err != nil || got != authz.Deny {
		t.Errorf("Deny: %v, %v", got, err)
	}
}

// TestPatternsAreNoNames: what stands in filters only, and what nobody knows, is refused with what there is.
func TestPatternsAreNoNames(t *testing.T) {
	for _, text := range []string{"ANY", "UNKNOWN", "", "REED"} {
		if op, err := authz.ParseOperation(text); err == nil || !strings.Contains(err.Error(), "DESCRIBE_CONFIGS") {
			t.Errorf("operation %q: %v, %v", text, op, err)
		}
	}
	if p, err := authz.ParsePatternType("MATCH"); err == nil || !strings.Contains(err.Error(), "LITERAL, PREFIXED") {
		t.Errorf("MATCH: %v, %v", p, err)
	}
}
