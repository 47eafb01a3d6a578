//go:build interop

package interop

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

// aclFile writes a file of ACLs.
func aclFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acls.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// applyACLs runs chronik authz apply with an answer.
func applyACLs(t *testing.T, b *harness.Broker, answer, properties string, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"authz", "apply", "--bootstrap-server", b.Bootstrap(), "--command-config", properties}, args...)
	return harness.TryCommand(t, answer, harness.Binary(t), args...)
}

// exits says whether a command has ended with a code.
func exits(err error, code int) bool {
	var ended *exec.ExitError
	return errors.As(err, &ended) && ended.ExitCode() == code
}

// TestACLsAsAFile brings ACLs into a file and back, and from there to what the file says; what nobody has confirmed changes nothing.
func TestACLsAsAFile(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	acls(
		t, b, "--allow-principal User:alice --operation Read --operation Write --topic orders", "--deny-principal User:eve --operation Read --topic ord --resource-pattern-type prefixed",
		"--allow-principal User:alice --operation Read --group *", "--allow-principal User:bob --allow-host 10.0.0.5 --operation All --transactional-id t",
	)
	exported := mustAuthz(t, b, "export")
	same := aclFile(t, exported)
	contains(t, mustAuthz(t, b, "plan", "--file", same), "There are 5 ACLs now, sha256:", "nothing to do")
	if out, err := applyACLs(t, b, "", b.ClientProperties(), "--file", same); err != nil || !strings.Contains(out, "nothing to do") {
		t.Errorf("what is exported: %v\n%s", err, out)
	}

	wanted := strings.Replace(exported, `name: "orders", patternType: LITERAL, principal: "User:alice", host: "*", operation: READ`,
		`name: "orders", patternType: PREFIXED, principal: "User:alice", host: "*", operation: READ`, 1) +
		"  - {resourceType: topic, name: orders, principal: 'User:eve', operation: Read, permissionType: Allow}\n"
	changed := aclFile(t, wanted)
	out := mustAuthz(t, b, "plan", "--file", changed)
	contains(t, out, "To add: 2. To remove: 1.\n", "+ ALLOW READ on TOPIC orders (PREFIXED) for User:alice from host *", "- ALLOW READ on TOPIC orders (LITERAL) for User:alice",
		"Gains:\n  User:eve: DESCRIBE on TOPIC orders, from any host\n  User:alice: READ, DESCRIBE on each TOPIC that begins with orders and", "Loses:\n  nobody anything\n")
	digest := "sha256:" + strings.Split(strings.Split(out, "sha256:")[1], ".")[0]
	for name, args := range map[string][]string{"no": {"--file", changed}, "": {"--file", changed}, "yes": {"--file", changed, "--expect", "sha256:other"}} {
		if out, err := applyACLs(t, b, name+"\n", b.ClientProperties(), args...); !exits(err, 2) {
			t.Errorf("%q: %v\n%s", name, err, out)
		}
		if now := mustAuthz(t, b, "export"); now != exported {
			t.Fatalf("%q has changed the ACLs:\n%s", name, now)
		}
	}
	out, err := applyACLs(t, b, "yes\n", b.ClientProperties(), "--file", changed, "--expect", digest)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "Done: the ACLs are those of the file")
	contains(t, mustAuthz(t, b, "plan", "--file", changed), "nothing to do")
	contains(t, admin(t, b, aclCommand, "--list", "--topic", "orders", "--resource-pattern-type", "prefixed"), "principal=User:alice, host=*, operation=READ, permissionType=ALLOW")
	if list := admin(t, b, aclCommand, "--list", "--principal", "User:eve"); strings.Count(list, "permissionType=") != 2 {
		t.Errorf("ACLs of eve:\n%s", list)
	}
}

// TestManyACLsAreApplied in several steps, and removed again.
func TestManyACLsAreApplied(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	var text strings.Builder
	text.WriteString("version: 1\nacls:\n")
	for i := range 1700 {
		fmt.Fprintf(&text, "  - {resourceType: TOPIC, name: t%d, principal: 'User:alice', operation: READ, permissionType: ALLOW}\n", i)
	}
	all := aclFile(t, text.String())
	if out, err := applyACLs(t, b, "", b.ClientProperties(), "--file", all, "--yes"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, mustAuthz(t, b, "plan", "--file", all), "There are 1700 ACLs now", "nothing to do")
	none := aclFile(t, "version: 1\nacls: []\n")
	if out, err := applyACLs(t, b, "", b.ClientProperties(), "--file", none, "--yes"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, mustAuthz(t, b, "export"), "acls: []\n")
	if out, err := authzAs(t, b, b.ClientProperties(), "plan", "--file", aclFile(t, "")); err == nil || !strings.Contains(out, "is empty") {
		t.Errorf("an empty file: %v\n%s", err, out)
	}
}

// TestApplyWithoutRights: who may see ACLs and not change them sees the plan, and is told what he lacks.
func TestApplyWithoutRights(t *testing.T) {
	t.Parallel()
	const password = "auditors-own-password"
	b := harness.Start(t)
	admin(t, b, configCommand, "--alter", "--entity-type", "users", "--entity-name", "auditor", "--add-config", "SCRAM-SHA-512=[password="+password+"]")
	acls(t, b, "--allow-principal User:auditor --operation Describe --operation DescribeConfigs --cluster")
	before := mustAuthz(t, b, "export")
	file := aclFile(t, before+"  - {resourceType: CLUSTER, name: kafka-cluster, principal: 'User:auditor', operation: ALTER, permissionType: ALLOW}\n")
	out, err := applyACLs(t, b, "", b.Properties(t, "SCRAM-SHA-512", "auditor", password), "--file", file, "--yes")
	if !exits(err, 1) {
		t.Errorf("%v", err)
	}
	contains(t, out, "Gains:\n  User:auditor: ALTER on the cluster, from any host\n", "add ACLs: CLUSTER_AUTHORIZATION_FAILED", "it needs ALTER on the cluster")
	if now := mustAuthz(t, b, "export"); now != before {
		t.Errorf("the ACLs have changed:\n%s", now)
	}
}

// TestApplyRefusesWhenACLsHaveChanged: what somebody else has changed while the plan was read is not run over.
func TestApplyRefusesWhenACLsHaveChanged(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	file := aclFile(t, "version: 1\nacls: [{resourceType: TOPIC, name: t, principal: 'User:alice', operation: READ, permissionType: ALLOW}]\n")
	cmd := exec.Command(harness.Binary(t), "authz", "apply", "--file", file, "--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties()) //nolint:gosec // ours
	stdin, errIn := cmd.StdinPipe()
	stderr, errOut := cmd.StderrPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stderr)
	if question, err := said.ReadString(':'); err != nil || !strings.Contains(question, "Change the ACLs so?") {
		t.Fatalf("%q, %v", question, err)
	}
	acls(t, b, "--deny-principal User:alice --operation Read --topic t")
	if _, err := stdin.Write([]byte("yes\n")); err != nil {
		t.Fatal(err)
	}
	rest, err := said.ReadString('\n')
	if err := cmd.Wait(); !exits(err, 2) {
		t.Errorf("it ended with %v", err)
	}
	if err != nil || !strings.Contains(rest, "the ACLs have changed since the plan was made") {
		t.Errorf("%q, %v", rest, err)
	}
	if now := mustAuthz(t, b, "export"); strings.Contains(now, "ALLOW") || !strings.Contains(now, "DENY") {
		t.Errorf("the ACLs are not what the other has made them:\n%s", now)
	}
}
