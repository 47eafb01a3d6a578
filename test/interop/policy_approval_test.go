//go:build interop

package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	readersMay = "package kafka.authz\n\nallow := true\n"
	readerNot  = "package kafka.authz\nimport rego.v1\n\ndefault allow := false\nallow if input.requestContext.principal.name != \"reader\"\n"
)

// policiesOfTwo are the environment of a broker by whose policies everybody may do everything, until two persons change them, and their file.
func policiesOfTwo(t *testing.T) (file string, env []string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "authz.rego")
	replace(t, file, []byte(readersMay))
	return file, []string{
		"CHRONIK_AUTHORIZER_MODE=opa", "CHRONIK_POLICIES_DIR=" + filepath.Dir(file), "CHRONIK_APPROVAL_REQUIRED=policy-changes,super-user-grants",
		"CHRONIK_SUPER_USERS=User:admin;User:CN=chronik-client",
	}
}

// policyCommand runs chronik policy.
func policyCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return harness.TryCommand(t, "", harness.Binary(t), append([]string{"policy"}, args...)...)
}

// digestOf is what chronik policy digest says.
func digestOf(t *testing.T, path string) string {
	t.Helper()
	out, err := policyCommand(t, "digest", path)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(out)
}

// requiredBy runs chronik policy require as the administrator of the password.
func requiredBy(t *testing.T, b *harness.Broker, dir string) (string, error) {
	t.Helper()
	return policyCommand(t, "require", dir, "--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties())
}

// TestPoliciesTakeTwoPersons: files that changed stay out of force until a second administrator has approved their digest; then requests that
// wait are decided by them, also after a kill; and the broker does not start with others.
func TestPoliciesTakeTwoPersons(t *testing.T) {
	t.Parallel()
	file, env := policiesOfTwo(t)
	dir := filepath.Dir(file)
	b := startWaitedFor(t, env...)
	first := digestOf(t, dir)
	audited(t, b, "RecordPolicies", first)
	addUser(t, b, "reader", readerPassword)
	addUser(t, b, "other", readerPassword)
	fetches := startFetches(t, b, "reader", "other")

	replace(t, file, []byte(readerNot))
	second := digestOf(t, dir)
	logged(t, b, "other policies than those that are required")
	audited(t, b, "policies were refused", second, "required "+first)
	out, err := requiredBy(t, b, dir)
	ids := waitingRequest.FindStringSubmatch(out)
	if err == nil || ids == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if own, err := approveAs(t, b, true, ids[1]); err == nil {
		t.Errorf("her own approval:\n%s", own)
	}
	contains(t, approved(t, b, "--list"), "(policy-changes)", "before  chronik.policies.digest = "+first, "after   chronik.policies.digest = "+second)
	approved(t, b, ids[1])
	select {
	case got := <-fetches.loses:
		t.Fatalf("what is not required yet has decided: %+v", got)
	default:
	}
	if out, err = requiredBy(t, b, dir); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	contains(t, out, "sha256 "+second+" are required")
	audited(t, b, `"name":"reader"`, `"decision":"Denied"`, "denied by policy")
	write(t, b, "after")
	fetches.end(t)

	b.Kill(t)
	b.Run(t)
	contains(t, admin(t, b, configCommand, "--describe", "--entity-type", "brokers", "--entity-default"), "chronik.policies.digest="+second)
	if read := tools.Run(t, topicCommand, "--bootstrap-server", b.Bootstrap(), "--command-config", b.Properties(t, "SCRAM-SHA-512", "reader", readerPassword), "--describe", "--topic", waitedTopic); read.Exit == 0 {
		t.Errorf("after a kill the reader sees the topic:\n%s", read.Out)
	}
	b.Kill(t)
	replace(t, file, []byte(readersMay))
	b.Launch(t)
	waitFor(t, "the end of a broker with other policies", func() bool { return !b.Running() })
	contains(t, b.Log(), "sha256 "+second+" is required", "chronik policy require")
}

// TestADigestComesBeforeItsPolicies asks by kafka-configs: for the change, for its deletion, and for one broker alone.
func TestADigestComesBeforeItsPolicies(t *testing.T) {
	t.Parallel()
	file, env := policiesOfTwo(t)
	b := startWaitedFor(t, env...)
	reader := addUser(t, b, "reader", readerPassword)
	next := t.TempDir()
	replace(t, filepath.Join(next, "authz.rego"), []byte(readerNot))
	add := func(entity ...string) []string {
		return append([]string{"--alter", "--entity-type", "brokers", "--add-config", "chronik.policies.digest=" + digestOf(t, next)}, entity...)
	}
	one := tools.Run(t, configCommand, adminArgs(b, add("--entity-name", "1"))...)
	contains(t, one.Out+one.Err, "InvalidRequestException", "of no single one")
	id := askedFor(t, b, configCommand, add("--entity-default")...)
	approved(t, b, id)
	admin(t, b, configCommand, add("--entity-default")...)
	logged(t, b, "other policies than those that are required")
	describes := func() bool {
		return tools.Run(t, topicCommand, "--bootstrap-server", b.Bootstrap(), "--command-config", reader, "--describe", "--topic", waitedTopic).Exit == 0
	}
	if !describes() {
		t.Error("the policies of before do not decide any more, and those that are required are not there")
	}
	replace(t, file, []byte(readerNot))
	waitFor(t, "the policies that are required", func() bool { return !describes() })
	remove := []string{"--alter", "--entity-type", "brokers", "--entity-default", "--delete-config", "chronik.policies.digest"}
	approved(t, b, "--reject", askedFor(t, b, configCommand, remove...))
	rejected := tools.Run(t, configCommand, adminArgs(b, remove)...)
	contains(t, rejected.Out+rejected.Err, "was rejected by User:CN=chronik-client")
}
