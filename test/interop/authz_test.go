//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// authzAs runs chronik authz with a client's properties.
func authzAs(t *testing.T, b *harness.Broker, properties string, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"authz"}, args...)
	return harness.TryCommand(t, "", harness.Binary(t), append(args, "--bootstrap-server", b.Bootstrap(), "--command-config", properties)...)
}

func mustAuthz(t *testing.T, b *harness.Broker, args ...string) string {
	t.Helper()
	out, err := authzAs(t, b, b.ClientProperties(), args...)
	if err != nil {
		t.Fatalf("chronik authz %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func explained(principal, operation string, on ...string) []string {
	return append([]string{"explain", "--principal", principal, "--operation", operation}, on...)
}

// acls makes ACLs by kafka-acls.
func acls(t *testing.T, b *harness.Broker, lines ...string) {
	t.Helper()
	for _, line := range lines {
		admin(t, b, aclCommand, append([]string{"--add"}, strings.Fields(line)...)...)
	}
}

// TestAuthzExplain asks about ACLs that kafka-acls has made: what is said is which of them decides, and the command ends well whatever that is.
func TestAuthzExplain(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	acls(
		t, b, "--allow-principal User:alice --operation Read --topic ord --resource-pattern-type prefixed",
		"--deny-principal User:eve --operation Read --topic orders", "--allow-principal User:* --operation Read --topic news",
		"--allow-principal User:bob --allow-host 10.0.0.5 --operation Read --topic orders",
	)
	for want, args := range map[string][]string{
		"ALLOWED: User:alice READ TOPIC orders\n  by the ACL ALLOW READ on TOPIC ord (PREFIXED) for User:alice from host *\n": explained("User:alice", "READ", "--topic", "orders"),
		"ALLOWED: User:alice DESCRIBE TOPIC orders\n  by the ACL ALLOW READ on TOPIC ord":                                     explained("User:alice", "DESCRIBE", "--topic", "orders"),
		"DENIED: User:eve READ TOPIC orders\n  by the ACL DENY READ on TOPIC orders (LITERAL) for User:eve from host *\n":     explained("User:eve", "READ", "--topic", "orders"),
		"DENIED: User:alice READ GROUP g\n  by the rule: what no ACL allows is denied\n":                                      explained("User:alice", "READ", "--group", "g"),
		"ALLOWED: User:alice Read TOPIC news\n  by the ACL ALLOW READ on TOPIC news (LITERAL) for User:* from host *\n":       explained("User:alice", "Read", "--topic", "news"),
		"DENIED: User:bob READ TOPIC orders\n  by the rule: what no ACL allows is denied\nfrom host 10.0.0.5: ALLOWED\n":      explained("User:bob", "READ", "--topic", "orders"),
		"ALLOWED: User:bob READ TOPIC orders\n  by the ACL ALLOW READ on TOPIC orders (LITERAL) for User:bob from host 10.0":  explained("User:bob", "READ", "--topic", "orders", "--host", "10.0.0.5"),
		"ALLOWED: User:admin ALTER CLUSTER kafka-cluster\n  by the rule: super users may do everything\n":                     explained("User:admin", "ALTER", "--cluster"),
		"DENIED: User:admin WRITE TOPIC __audit_log\n  by the rule: the broker alone":                                         explained("User:admin", "WRITE", "--topic", "__audit_log"),
	} {
		contains(t, mustAuthz(t, b, args...), want)
	}
	var answer struct {
		Mode string `json:"mode"`
		Case struct {
			Allowed bool `json:"allowed"`
		} `json:"case"`
	}
	out := mustAuthz(t, b, append(explained("User:alice", "READ", "--topic", "orders"), "--json")...)
	if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.Mode != "acl" || !answer.Case.Allowed {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestAuthzWhoCan lists who may, by which ACL and from where, and whom an ACL denies it.
func TestAuthzWhoCan(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	acls(
		t, b, "--allow-principal User:alice --operation Read --topic ord --resource-pattern-type prefixed", "--allow-principal User:carol --operation Write --topic orders",
		"--allow-principal User:eve --operation All --topic *", "--deny-principal User:eve --operation Read --topic orders",
		"--allow-principal User:bob --allow-host 10.0.0.5 --operation Read --topic orders",
	)
	out := mustAuthz(t, b, "who-can", "READ", "topic:orders")
	contains(t, out, "READ on TOPIC orders\n  may: User:admin, a super user\n", "  may: User:alice, from any host, by the ACL ALLOW READ on TOPIC ord (PREFIXED)",
		"  may: User:bob, from host 10.0.0.5, by", "  denied: User:eve, from any host, by the ACL DENY READ on TOPIC orders (LITERAL)")
	if strings.Contains(out, "carol") || strings.Contains(out, "may: User:eve") || strings.Contains(out, "User:*") {
		t.Errorf("too many may:\n%s", out)
	}
	contains(t, mustAuthz(t, b, "who-can", "ALTER", "cluster"), "ALTER on the cluster\n  may: User:admin", "no ACL allows it to anybody else")
	acls(t, b, "--allow-principal User:* --operation Read --topic orders")
	contains(t, mustAuthz(t, b, "who-can", "READ", "topic:orders"), "  may: User:* (every principal that is not listed here), from any host, by", "  denied: User:eve", "may: User:carol")
}

// TestAuthzWithoutRights: who may not list ACLs may not ask, and is told what he lacks; so is who may not see who the super users are.
func TestAuthzWithoutRights(t *testing.T) {
	t.Parallel()
	const password = "auditors-own-password"
	b := harness.Start(t)
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", "auditor", "--add-config", "SCRAM-SHA-512=[password="+password+"]")
	properties := b.Properties(t, "SCRAM-SHA-512", "auditor", password)
	question := explained("User:admin", "READ", "--topic", "orders")
	refused := func(needs string, args ...string) {
		t.Helper()
		out, err := authzAs(t, b, properties, args...)
		if err == nil || strings.Contains(out, "User:admin") {
			t.Errorf("%v: %v", args, err)
		}
		contains(t, out, "CLUSTER_AUTHORIZATION_FAILED", needs)
	}
	refused("DESCRIBE on the cluster", question...)
	refused("DESCRIBE_CONFIGS on the cluster", "who-can", "READ", "topic:orders")
	acls(t, b, "--allow-principal User:auditor --operation Describe --cluster")
	out, err := authzAs(t, b, properties, question...)
	if err != nil {
		t.Errorf("with DESCRIBE: %v", err)
	}
	contains(t, out, "ALLOWED: User:admin READ TOPIC orders")
	refused("DESCRIBE_CONFIGS on the cluster", "who-can", "READ", "topic:orders")
	acls(t, b, "--allow-principal User:auditor --operation DescribeConfigs --cluster")
	out, err = authzAs(t, b, properties, "who-can", "READ", "topic:orders")
	if err != nil {
		t.Errorf("with DESCRIBE_CONFIGS: %v", err)
	}
	contains(t, out, "may: User:admin, a super user")

	b.Kill(t)
	if out, err := authzAs(t, b, b.ClientProperties(), question...); err == nil || !strings.Contains(out, "connection refused") {
		t.Errorf("without a broker: %v\n%s", err, out)
	}
}

// TestAuthzExplainsPolicies: what policies say, and why, and what ACLs say by themselves.
func TestAuthzExplainsPolicies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := `package kafka.authz
import rego.v1
allow if "trading" in input.groups
reason := "is of no trading group" if not allow
`
	if err := os.WriteFile(filepath.Join(dir, "trading.rego"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	b := harness.Start(t, "CHRONIK_AUTHORIZER_MODE=acl+opa", "CHRONIK_POLICIES_DIR="+dir)
	acls(t, b, "--allow-principal User:alice --operation Read --topic orders")
	contains(t, mustAuthz(t, b, explained("User:alice", "READ", "--topic", "orders")...), "DENIED: ", "is of no trading group", "chronik.authorizer.mode is acl+opa",
		"ACLs: ALLOWED, by the ACL ALLOW READ on TOPIC orders (LITERAL) for User:alice from host *", "policies: DENIED")
	contains(t, mustAuthz(t, b, explained("User:alice", "READ", "--topic", "orders", "--groups", "trading,staff")...), "ALLOWED: ", "policies: ALLOWED")
	contains(t, mustAuthz(t, b, "who-can", "READ", "topic:orders"), "may: User:alice", "chronik.authorizer.mode is acl+opa: policies decide further")
}
