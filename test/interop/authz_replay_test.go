//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/plan"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	cutTopic = "pay.orders"
	cutWord  = "least-of-all-rights"
)

// cutUsers are alice, who uses Java's console clients, and bob, who uses kcat, both with rights that are too wide.
type cutUsers struct {
	b     *harness.Broker
	alice string
	bob   []string
}

func startCutUsers(t *testing.T) *cutUsers {
	t.Helper()
	b := harness.Start(t)
	createTopic(t, b, cutTopic, 1)
	createTopic(t, b, "pay.other", 1)
	u := &cutUsers{b: b, alice: addUser(t, b, "alice", cutWord)}
	addUser(t, b, "bob", cutWord)
	u.bob = []string{
		"-b", b.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location=" + b.CA(),
		"-X", "sasl.mechanism=SCRAM-SHA-512", "-X", "sasl.username=bob", "-X", "sasl.password=" + cutWord,
	}
	return u
}

// work does what alice and bob do every day, and reports whether each could.
func (u *cutUsers) work(t *testing.T) (alice, bob bool) {
	t.Helper()
	where := []string{"--bootstrap-server", u.b.Bootstrap(), "--topic", cutTopic}
	sent := tools.RunInput(t, "by-alice\n", consoleProducer, append(where, "--command-config", u.alice)...)
	sent.Err = strings.ToLower(sent.Err + sent.Out)
	read := tools.Run(t, consoleConsumer, append(where, "--command-config", u.alice, "--group", "alices", "--max-messages", "1", "--timeout-ms", "15000")...)
	alice = sent.Exit == 0 && !strings.Contains(sent.Err, "authoriz") && read.Exit == 0 && !strings.Contains(strings.ToLower(read.Out+read.Err), "authoriz")
	_, sendErr := harness.TryCommand(t, "by-bob\n", "kcat", slices.Concat(u.bob, []string{"-P", "-t", cutTopic})...)
	_, readErr := harness.TryCommand(t, "", "kcat", slices.Concat(u.bob, []string{"-C", "-q", "-t", cutTopic, "-o", "beginning", "-c", "1"})...)
	return alice, sendErr == nil && readErr == nil
}

// deletes reports whether alice may delete a topic.
func (u *cutUsers) deletes(t *testing.T, topic string) bool {
	t.Helper()
	out := tools.Run(t, topicCommand, "--bootstrap-server", u.b.Bootstrap(), "--command-config", u.alice, "--delete", "--topic", topic)
	return out.Exit == 0
}

// kafkaACLs adds or removes ACLs by kafka-acls.
func (u *cutUsers) kafkaACLs(t *testing.T, how string, acls ...authz.Binding) {
	t.Helper()
	options := map[authz.ResourceType]string{authz.Topic: "--topic", authz.Group: "--group", authz.TransactionalID: "--transactional-id"}
	for _, b := range acls {
		args := []string{
			how, "--allow-principal", b.Principal, "--allow-host", b.Host, "--operation", b.Operation.String(), "--resource-pattern-type", strings.ToLower(b.Pattern.String()),
		}
		if b.Type == authz.Cluster {
			args = append(args, "--cluster")
		} else {
			args = append(args, options[b.Type], b.Name)
		}
		if how == "--remove" {
			args = append(args, "--force")
		}
		admin(t, u.b, aclCommand, args...)
	}
}

func granted(principal string, op authz.Operation, kind authz.ResourceType, pattern authz.PatternType, name string) authz.Binding {
	return authz.Binding{Type: kind, Name: name, Pattern: pattern, Principal: principal, Host: "*", Operation: op, Permission: authz.Allow}
}

func aclsIn(t *testing.T, text string) []authz.Binding {
	t.Helper()
	acls, err := plan.Read(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return acls
}

func aclsTo(t *testing.T, acls []authz.Binding) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "acls.yaml")
	var text strings.Builder
	if err := plan.Write(&text, acls); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// replayed runs chronik authz replay, and returns what it says and its flips in few words.
func (u *cutUsers) replayed(t *testing.T, args ...string) (flips []string, failed bool) {
	t.Helper()
	out, err := authzAs(t, u.b, u.b.ClientProperties(), append([]string{"replay", "--output", "json"}, args...)...)
	var report struct {
		Flips []struct {
			Principal, Operation, ResourceType, Name string
			WouldBeAllowed                           bool
			Count                                    int
		}
	}
	if decoding := json.NewDecoder(strings.NewReader(out)).Decode(&report); decoding != nil {
		t.Fatalf("replay: %v, %v:\n%s", err, decoding, out)
	}
	for _, f := range report.Flips {
		what := " is lost"
		if f.WouldBeAllowed {
			what = " is gained"
		}
		if f.Count < 1 {
			t.Errorf("%+v never happened", f)
		}
		flips = append(flips, f.Principal+" "+f.Operation+" "+f.ResourceType+" "+f.Name+what)
	}
	return flips, err != nil
}

// TestAuthzSuggestAndReplay: real clients with wide rights go on with the ACLs that are made of what they did, and can do nothing more; what
// replay says of others is what then happens.
func TestAuthzSuggestAndReplay(t *testing.T) {
	t.Parallel()
	u := startCutUsers(t)
	wide := []authz.Binding{
		granted("User:alice", authz.All, authz.Topic, authz.Literal, "*"), granted("User:alice", authz.All, authz.Group, authz.Literal, "*"),
		granted("User:bob", authz.All, authz.Topic, authz.Prefixed, "pay."), granted("User:carol", authz.Read, authz.Topic, authz.Literal, "pay.other"),
	}
	u.kafkaACLs(t, "--add", wide...)
	if alice, bob := u.work(t); !alice || !bob {
		t.Fatalf("with wide rights: alice works: %v, bob works: %v", alice, bob)
	}

	want := []authz.Binding{
		granted("User:alice", authz.Read, authz.Topic, authz.Literal, cutTopic), granted("User:alice", authz.Write, authz.Topic, authz.Literal, cutTopic),
		granted("User:alice", authz.Read, authz.Group, authz.Literal, "alices"),
		granted("User:bob", authz.Read, authz.Topic, authz.Literal, cutTopic), granted("User:bob", authz.Write, authz.Topic, authz.Literal, cutTopic),
	}
	text := ""
	waitFor(t, "all that was done to be in the audit log", func() bool {
		text = mustAuthz(t, u.b, "suggest", "--since", "1h")
		return len(aclsIn(t, text)) >= len(want)
	})
	least := aclsIn(t, text)
	if !slices.Equal(least, plan.Sorted(want)) {
		t.Fatalf("suggested ACLs:\n%s", text)
	}
	contains(
		t, text, "# unused: ALLOW READ on TOPIC:LITERAL:pay.other to User:carol from *", "# wildcard resource: ALLOW ALL on TOPIC:LITERAL:* to User:alice from *: used on pay.orders",
		"# broad operation: ALLOW ALL on TOPIC:PREFIXED:pay. to User:bob from *", "# broad pattern: ALLOW ALL on TOPIC:PREFIXED:pay. to User:bob from *: used on pay.orders",
		"# super user, needs no ACL: User:admin",
	)
	if flips, failed := u.replayed(t, "--acls", aclsTo(t, least)); len(flips) > 0 || failed {
		t.Errorf("replay of the suggested ACLs: %v", flips)
	}

	u.kafkaACLs(t, "--add", least...)
	u.kafkaACLs(t, "--remove", wide...)
	if alice, bob := u.work(t); !alice || !bob {
		t.Errorf("with the suggested ACLs: alice works: %v, bob works: %v", alice, bob)
	}
	if u.deletes(t, cutTopic) {
		t.Error("alice deletes a topic with the suggested ACLs")
	}
	u.tryCandidate(t, least)
}

// tryCandidate replays ACLs by which alice may delete and bob may not read, and brings them into force.
func (u *cutUsers) tryCandidate(t *testing.T, least []authz.Binding) {
	t.Helper()
	lost := granted("User:bob", authz.Read, authz.Topic, authz.Literal, cutTopic)
	gained := granted("User:alice", authz.Delete, authz.Topic, authz.Literal, cutTopic)
	candidate := append(slices.DeleteFunc(slices.Clone(least), func(b authz.Binding) bool { return b == lost }), gained)
	file := aclsTo(t, candidate)
	want := []string{"User:alice DELETE TOPIC pay.orders is gained", "User:bob READ TOPIC pay.orders is lost"}
	var flips []string
	waitFor(t, "the denial to be in the audit log", func() bool {
		var failed bool
		if flips, failed = u.replayed(t, "--acls", file); !failed {
			t.Fatal("flips end the command as if there were none")
		}
		return len(flips) >= len(want)
	})
	if !slices.Equal(flips, want) {
		t.Errorf("flips: %q, want %q", flips, want)
	}
	u.kafkaACLs(t, "--add", gained)
	u.kafkaACLs(t, "--remove", lost)
	if alice, bob := u.work(t); !alice || bob {
		t.Errorf("with the candidate: alice works: %v, bob works: %v", alice, bob)
	}
	if !u.deletes(t, cutTopic) {
		t.Error("with the candidate alice deletes no topic")
	}
}

// TestAuthzSuggestNoMissingTopics: of the topics that a client asked for, those get ACLs that there are, or were.
func TestAuthzSuggestNoMissingTopics(t *testing.T) {
	t.Parallel()
	u := startCutUsers(t)
	u.kafkaACLs(t, "--add", granted("User:bob", authz.Read, authz.Topic, authz.Prefixed, "pay."))
	for _, topic := range []string{cutTopic, "pay.other", "pay.never"} {
		harness.TryCommand(t, "", "kcat", slices.Concat(u.bob, []string{"-L", "-t", topic})...) //nolint:errcheck // of the last nothing is told
	}
	admin(t, u.b, topicCommand, "--delete", "--topic", "pay.other")
	want := []authz.Binding{
		granted("User:bob", authz.Describe, authz.Topic, authz.Literal, cutTopic), granted("User:bob", authz.Describe, authz.Topic, authz.Literal, "pay.other"),
	}
	text := ""
	waitFor(t, "all that was asked for to be in the audit log", func() bool {
		text = mustAuthz(t, u.b, "suggest", "--since", "1h")
		return strings.Contains(text, "# no such topic, no ACL for it: User:bob DESCRIBE on pay.never\n") && len(aclsIn(t, text)) >= len(want)
	})
	if got := aclsIn(t, text); !slices.Equal(got, plan.Sorted(want)) {
		t.Errorf("suggested ACLs:\n%s", text)
	}
}

// TestAuthzReplayOfPolicies: a policy that denies writing flips what was written, and only that. It sees the session and the request as they were.
func TestAuthzReplayOfPolicies(t *testing.T) {
	t.Parallel()
	u := startCutUsers(t)
	u.kafkaACLs(t, "--add", granted("User:alice", authz.All, authz.Topic, authz.Literal, "*"), granted("User:alice", authz.All, authz.Group, authz.Literal, "*"),
		granted("User:bob", authz.All, authz.Topic, authz.Prefixed, "pay."))
	if alice, bob := u.work(t); !alice || !bob {
		t.Fatalf("alice works: %v, bob works: %v", alice, bob)
	}
	dir := t.TempDir()
	const policy = `package kafka.authz
import rego.v1
default allow := false
allow if input.action.operation != "WRITE"
allow if {
	input.authentication.method == "SCRAM-SHA-512"
	input.requestContext.principal.name == "alice"
	input.requestContext.header.name.requestApiKey in {0, 22}
	input.requestContext.header.name.requestApiVersion >= 3
}
`
	if err := os.WriteFile(filepath.Join(dir, "authz.rego"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"User:bob WRITE TOPIC pay.orders is lost"}
	var flips []string
	waitFor(t, "what was written to be in the audit log", func() bool {
		flips, _ = u.replayed(t, "--policies", dir)
		return len(flips) > 0
	})
	if !slices.Equal(flips, want) {
		t.Errorf("flips: %q, want %q", flips, want)
	}
}

// TestAuthzReplayCannot: what can not be replayed ends with the code 2 and says why.
func TestAuthzReplayCannot(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	addUser(t, b, "eve", cutWord)
	eve := b.Properties(t, "SCRAM-SHA-512", "eve", cutWord)
	file := aclsTo(t, nil)
	for _, c := range []struct {
		properties, want string
		args             []string
	}{
		{b.ClientProperties(), "--acls", nil},
		{b.ClientProperties(), "--since", []string{"--acls", file, "--since", "yesterday"}},
		{b.ClientProperties(), "no such file", []string{"--acls", filepath.Join(b.Dir, "none.yaml")}},
		{eve, "DESCRIBE_CONFIGS", []string{"--acls", file}},
	} {
		out, err := authzAs(t, b, c.properties, append([]string{"replay"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(out, c.want) {
			t.Errorf("replay %q: %v\n%s", c.args, err, out)
		}
	}
}
