package audit

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
)

func TestPolicyEvents(t *testing.T) {
	need := authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "t"}}
	allowed, denied := authz.Decision{Allowed: true, Reason: "policy: INC-1"}, authz.Decision{Reason: "default deny"}
	for name, c := range map[string]struct {
		event Event
		want  []string
	}{
		"in force": {PolicyChange{Digest: "ab"}, []string{`"class_uid":6002`, `"activity_id":8`, `"status_id":1`, "sha256 ab"}},
		"required": {PolicyChange{Digest: "ab", Required: "ab"}, []string{`"status_id":1`, "in force: sha256 ab, required ab"}},
		"others":   {PolicyChange{Digest: "ab", Required: "cd", Refused: "no"}, []string{`"status_id":2`, "refused: sha256 ab, required cd: no"}},
		"refused":  {PolicyChange{Digest: "ab", Refused: "no rule"}, []string{`"status_id":2`, "refused: sha256 ab: no rule"}},
		"noted": {
			PolicyDecision{Client: alice(), API: "Fetch", Need: need, ACL: denied, Policy: allowed},
			[]string{`"class_uid":6003`, `"status_id":1`, `"authorizations":[{"decision":"Allowed","policy":{"name":"policy: INC-1"}}]`, `"name":"t"`},
		},
		"shadow": {
			PolicyDecision{Client: alice(), API: "Fetch", Need: need, ACL: denied, Policy: allowed, Shadow: true},
			[]string{`"status_id":2`, `[{"decision":"Denied","policy":{"name":"default deny"}},{"decision":"Allowed"`, `"severity_id":1`},
		},
	} {
		got := jsonOf(t, c.event)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s lacks %s", name, got, want)
			}
		}
	}
}
