//go:build interop

package interop

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestSuperUsersOfAListener: kafka-acls changes ACLs for an administrator who came in by the listener that he is a super user of, and not
// for the same one by another listener.
func TestSuperUsersOfAListener(t *testing.T) {
	t.Parallel()
	outside, inside := harness.FreeAddress(t), harness.FreeAddress(t)
	b := harness.New(t, "CHRONIK_LISTENERS=SASL_SSL://"+outside+",INSIDE://"+inside,
		"CHRONIK_ADVERTISED_LISTENERS=SASL_SSL://"+localhost(outside)+",INSIDE://"+localhost(inside),
		"CHRONIK_LISTENER_SECURITY_PROTOCOL_MAP=SASL_SSL:SASL_SSL,SSL:SSL,INSIDE:SASL_SSL", "CHRONIK_LISTENER_NAME_INSIDE_SUPER_USERS=User:operator")
	b.SASL = outside
	b.Run(t)
	const password = "operators-own-password"
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", "operator", "--add-config", "SCRAM-SHA-512=[password="+password+"]")
	properties := b.Properties(t, "SCRAM-SHA-512", "operator", password)
	add := func(address string) harness.Output {
		return tools.Run(t, aclCommand, "--bootstrap-server", localhost(address), "--command-config", properties,
			"--add", "--allow-principal", "User:alice", "--operation", "Read", "--topic", "orders")
	}
	if got := add(outside); !strings.Contains(strings.ToLower(got.Out+got.Err), "authoriz") {
		t.Errorf("by another listener: %+v", got)
	}
	list := admin(t, b, aclCommand, "--list")
	if strings.Contains(list, "User:alice") {
		t.Fatalf("by another listener ACLs were made:\n%s", list)
	}
	if got := add(inside); got.Exit != 0 {
		t.Errorf("by his listener: %+v", got)
	}
	contains(t, admin(t, b, aclCommand, "--list"), "User:alice")
}
