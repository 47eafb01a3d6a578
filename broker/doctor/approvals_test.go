package doctor_test

import (
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
)

// TestTwoAdministrators: a second one by an ACL or on a listener is enough, and where everybody or a policy approves nobody is counted.
func TestTwoAdministrators(t *testing.T) {
	const required = sound + "chronik.approval.required=super-user-grants\n"
	granted := func(principal string, op authz.Operation) []meta.Command {
		return []meta.Command{&meta.CreateACLs{Bindings: []authz.Binding{allow(principal, op, authz.Cluster, authz.ClusterName)}}}
	}
	for name, c := range map[string]struct {
		aCase
		found bool
	}{
		"by an ACL":         {aCase{config: required, commands: granted("User:bob", authz.All)}, false},
		"the same by both":  {aCase{config: required, commands: granted("User:admin", authz.Alter)}, true},
		"of another right":  {aCase{config: required, commands: granted("User:bob", authz.Describe)}, true},
		"of a listener":     {aCase{config: required + "listener.name.sasl_ssl.super.users=User:bob"}, false},
		"everybody":         {aCase{config: required, commands: granted("User:*", authz.Alter)}, false},
		"whom policies say": {aCase{config: required + "chronik.authorizer.mode=opa\nchronik.policies.dir=DIR"}, false},
		"nothing is asked":  {aCase{config: sound}, false},
	} {
		found := findingsOf(newWard(t).examine(&c.aCase), "approval-without-approver")
		if (len(found) > 0) != c.found {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
