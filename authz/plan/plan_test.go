package plan_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/authz/plan"
)

func drawACL(t *rapid.T) authz.Binding {
	b := authz.Binding{
		Type:       rapid.SampledFrom([]authz.ResourceType{authz.Topic, authz.Topic, authz.Group, authz.Cluster}).Draw(t, "type"),
		Name:       rapid.OneOf(rapid.StringMatching(`[ab]{1,3}`), rapid.SampledFrom([]string{"*", "*a", "\uE000", "ä"})).Draw(t, "name"),
		Pattern:    rapid.SampledFrom([]authz.PatternType{authz.Literal, authz.Prefixed}).Draw(t, "pattern"),
		Principal:  rapid.SampledFrom([]string{"User:a", "User:b", "User:*", "Group:a", "User:root"}).Draw(t, "principal"),
		Host:       rapid.SampledFrom([]string{"*", "*", "10.0.0.1", "2001:db8::1"}).Draw(t, "host"),
		Operation:  rapid.SampledFrom([]authz.Operation{authz.All, authz.Read, authz.Write, authz.Describe, authz.AlterConfigs}).Draw(t, "op"),
		Permission: rapid.SampledFrom([]authz.Permission{authz.Deny, authz.Allow, authz.Allow}).Draw(t, "permission"),
	}
	if b.Type == authz.Cluster {
		b.Name = authz.ClusterName
	}
	return b
}

func drawACLs(t *rapid.T, label string) []authz.Binding {
	return rapid.SliceOfN(rapid.Custom(drawACL), 0, 8).Draw(t, label)
}

// drawChange is what there is and what is wanted, which have something in common.
func drawChange(t *rapid.T) (have, want []authz.Binding) {
	have = drawACLs(t, "have")
	kept := slices.DeleteFunc(slices.Clone(have), func(authz.Binding) bool { return rapid.Bool().Draw(t, "goes") })
	return have, append(kept, drawACLs(t, "new")...)
}

func drawRules(t *rapid.T) acl.Config {
	return acl.Config{SuperUsers: []auth.Principal{auth.User("root")}, AllowIfNoACL: rapid.Bool().Draw(t, "allow if none")}
}

func viewOf(rules acl.Config, acls []authz.Binding) authz.View {
	a := acl.New(rules)
	a.Load(1, acls)
	return a.Pin()
}

// questions calls ask about everything that the drawn ACLs could tell apart.
func questions(ask func(who authz.Subject, op authz.Operation, on authz.Resource)) {
	names := []string{"a", "b", "aa", "ab", "aab", "bab", "aabb", "c", "*", "*a", "*b", "\uE000", "\uE000x", "ä", "äx", "z"}
	for _, principal := range []string{"User:a", "User:b", "User:c", "Group:a", "Role:x"} {
		who, err := auth.ParsePrincipal(principal)
		if err != nil {
			panic(err)
		}
		for _, host := range []string{"10.0.0.1", "10.0.0.2", "2001:db8:0::1"} {
			s := authz.Subject{Principal: who, Host: host}
			for _, op := range authz.OperationsOn(authz.Topic) {
				for _, name := range names {
					ask(s, op, authz.Resource{Type: authz.Topic, Name: name})
				}
			}
			for _, op := range authz.OperationsOn(authz.Cluster) {
				ask(s, op, authz.TheCluster())
			}
		}
	}
}

// TestEffectsAreWhatChanges: whatever is asked, the effects say of it what is decided before and after.
func TestEffectsAreWhatChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := drawChange(t)
		rules := drawRules(t)
		effects, err := plan.Effects(rules, have, want)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(effects, func(e plan.Effect) bool { return e.Principal == "User:root" }) {
			t.Fatalf("a super user gains or loses something: %+v", effects)
		}
		before, after := viewOf(rules, have), viewOf(rules, want)
		questions(func(who authz.Subject, op authz.Operation, on authz.Resource) {
			was, is := before.Decide(who, op, on).Allowed, after.Decide(who, op, on).Allowed
			told := said(effects, slices.Concat(have, want), who, op, on)
			if changes := map[bool]string{true: "gains", false: "loses"}[is]; was == is && told != "" || was != is && told != changes {
				t.Fatalf("%s from %s, %v on %v %q: was %v, is %v, said %q of %+v", who.Principal, who.Host, op, on.Type, on.Name, was, is, told, effects)
			}
		})
	})
}

// TestEffectsOnSomeTopic: idempotent producers need WRITE on some topic, and who gains or loses that is told.
func TestEffectsOnSomeTopic(t *testing.T) {
	on := plan.Pattern{Type: authz.Topic, Kind: authz.AnyPattern}
	rapid.Check(t, func(t *rapid.T) {
		have, want := drawChange(t)
		rules := drawRules(t)
		effects, err := plan.Effects(rules, have, want)
		if err != nil {
			t.Fatal(err)
		}
		before, after := viewOf(rules, have), viewOf(rules, want)
		all := slices.Concat(have, want)
		questions(func(who authz.Subject, op authz.Operation, asked authz.Resource) {
			if op != authz.Write || asked.Type != authz.Topic {
				return
			}
			was, is := before.DecideAny(who, op, authz.Topic).Allowed, after.DecideAny(who, op, authz.Topic).Allowed
			named := slices.ContainsFunc(all, func(b authz.Binding) bool { return b.Type == authz.Topic && b.Principal == who.Principal.String() })
			told := saidOn(effects, on, named, who, op)
			if changes := map[bool]string{true: "gains", false: "loses"}[is]; was == is && told != "" || was != is && told != changes {
				t.Fatalf("%s from %s: was %v, is %v, said %q of %+v", who.Principal, who.Host, was, is, told, effects)
			}
		})
	})
}

// said is what the effects say: "gains", "loses", or "" for nothing.
func said(effects []plan.Effect, acls []authz.Binding, who authz.Subject, op authz.Operation, on authz.Resource) string {
	named := slices.ContainsFunc(acls, func(b authz.Binding) bool { return b.Principal == who.Principal.String() && b.Covers(on) })
	return saidOn(effects, patternFor(acls, on), named, who, op)
}

// saidOn is that of a pattern; named says that an ACL on it names the principal.
func saidOn(effects []plan.Effect, pattern plan.Pattern, named bool, who authz.Subject, op authz.Operation) string {
	principal := explain.Everybody
	if named {
		principal = who.Principal.String()
	}
	host := strings.Replace(who.Host, "2001:db8:0::1", "2001:db8::1", 1)
	for _, e := range effects {
		if e.On != pattern || e.Principal != principal || !slices.Contains(e.Operations, op) || slices.Contains(e.Hosts, host) == e.AnyHost {
			continue
		}
		if e.Gains {
			return "gains"
		}
		return "loses"
	}
	return ""
}

// patternFor is the narrowest pattern that names a resource.
func patternFor(acls []authz.Binding, on authz.Resource) plan.Pattern {
	if on.Type == authz.Cluster {
		return plan.Pattern{Type: on.Type, Kind: authz.Literal, Name: on.Name}
	}
	found := plan.Pattern{Type: on.Type, Kind: authz.Literal, Name: authz.Wildcard}
	for _, b := range acls {
		narrower := b.Pattern == authz.Prefixed && (found.Kind == authz.Literal || len(b.Name) > len(found.Name))
		if b.Covers(on) && narrower {
			found = plan.Pattern{Type: on.Type, Kind: authz.Prefixed, Name: b.Name}
		}
	}
	if slices.ContainsFunc(acls, func(b authz.Binding) bool {
		return b.Type == on.Type && b.Pattern == authz.Literal && b.Name == on.Name && b.Name != authz.Wildcard
	}) {
		return plan.Pattern{Type: on.Type, Kind: authz.Literal, Name: on.Name}
	}
	return found
}

// TestNobodyGainsOrLosesInBetween: after each step of a plan, however small, whoever keeps a right has it, and whoever does not get one has none;
// the last step comes to what is wanted.
func TestNobodyGainsOrLosesInBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := drawChange(t)
		rules := acl.Config{SuperUsers: []auth.Principal{auth.User("root")}}
		before, after, now := viewOf(rules, have), viewOf(rules, want), slices.Clone(have)
		most := rapid.IntRange(1, 4).Draw(t, "most")
		for _, step := range plan.Make(have, want).Steps(most) {
			if len(step.ACLs) == 0 || len(step.ACLs) > most {
				t.Fatalf("a step of %d", len(step.ACLs))
			}
			if step.Add {
				now = append(now, step.ACLs...)
			} else {
				now = slices.DeleteFunc(now, func(b authz.Binding) bool { return slices.Contains(step.ACLs, b) })
			}
			between := viewOf(rules, now)
			questions(func(who authz.Subject, op authz.Operation, on authz.Resource) {
				was, is := before.Decide(who, op, on).Allowed, after.Decide(who, op, on).Allowed
				if got := between.Decide(who, op, on).Allowed; was == is && got != was {
					t.Fatalf("%s from %s, %v on %q: %v before and after, %v in between", who.Principal, who.Host, op, on.Name, was, got)
				}
			})
		}
		if diff := cmp.Diff(plan.Sorted(want), plan.Sorted(now)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestAFileComesBack: what is written is what is read, and the same ACLs are the same bytes, whatever their order.
func TestAFileComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acls := drawACLs(t, "ACLs")
		for i := range acls {
			if acls[i].Type != authz.Cluster {
				acls[i].Name = rapid.OneOf(rapid.StringN(1, 20, -1), rapid.SampledFrom([]string{"yes", "1", "~", "a: b", "# c", "\x7f\u0085\u2028\uFEFF"})).Draw(t, "odd name")
			}
		}
		var one, two bytes.Buffer
		if err := plan.Write(&one, acls); err != nil {
			t.Fatal(err)
		}
		got, err := plan.Read(bytes.NewReader(one.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, one.String())
		}
		if p := plan.Make(acls, got); !p.Empty() || plan.Digest(acls) != plan.Digest(got) {
			t.Fatalf("%+v", p)
		}
		slices.Reverse(acls)
		if err := plan.Write(&two, acls); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Fatalf("%v: the order is told", err)
		}
		if other := append(slices.Clone(acls), drawACL(t)); (plan.Digest(other) == plan.Digest(acls)) != plan.Make(acls, other).Empty() {
			t.Fatal("digests do not tell the ACLs apart")
		}
	})
}

func TestAFileReadsAsItIsWritten(t *testing.T) {
	const golden = `# The ACLs of a cluster, one a line. chronik authz plan says what this file would change, chronik authz apply changes it.
version: 1
acls:
  - {resourceType: TOPIC, name: "*", patternType: LITERAL, principal: "User:eve", host: "10.0.0.1", operation: ALL, permissionType: DENY}
  - {resourceType: TOPIC, name: "orders", patternType: PREFIXED, principal: "User:alice", host: "*", operation: DESCRIBE_CONFIGS, permissionType: ALLOW}
`
	const byHand = `
acls:
  - principal: User:alice
    permissionType: allow
    operation: DescribeConfigs
    resourceType: topic
    patternType: prefixed
    name: orders
  - {permissionType: Deny, principal: 'User:eve', host: 10.0.0.1, operation: All, resourceType: Topic, name: "*"}
version: 1
`
	for name, text := range map[string]string{"as written": golden, "by hand": byHand} {
		acls, err := plan.Read(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var out bytes.Buffer
		if err := plan.Write(&out, acls); err != nil || out.String() != golden {
			t.Errorf("%s: %v: %s", name, err, cmp.Diff(golden, out.String()))
		}
	}
	hidden := []authz.Binding{{
		Type: authz.Group, Name: "a\u202Eb\u200Bc\x1b\\é", Pattern: authz.Literal, Principal: "User:\U000E0041", Host: "*", Operation: authz.Read, Permission: authz.Allow,
	}}
	const seen = `name: "a\U0000202Eb\U0000200Bc\e\\é", patternType: LITERAL, principal: "User:\U000E0041"`
	var out bytes.Buffer
	if err := plan.Write(&out, hidden); err != nil || !strings.Contains(out.String(), seen) {
		t.Errorf("characters that nobody sees: %v\n%s", err, out.String())
	}
	if back, err := plan.Read(&out); err != nil || !plan.Make(hidden, back).Empty() {
		t.Errorf("they come back as %+v, %v", back, err)
	}
	var none bytes.Buffer
	if err := plan.Write(&none, nil); err != nil || !strings.HasSuffix(none.String(), "acls: []\n") {
		t.Errorf("no ACLs: %v\n%s", err, none.String())
	}
}

// TestBadFiles: what is not understood wholly is not understood, and the line is named.
func TestBadFiles(t *testing.T) {
	const good = "{resourceType: TOPIC, name: t, principal: 'User:a', operation: READ, permissionType: ALLOW}"
	list := func(acls ...string) string { return "version: 1\nacls:\n  - " + strings.Join(acls, "\n  - ") + "\n" }
	if _, err := plan.Read(strings.NewReader(list(good))); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                             "is empty",
		"# nothing\n":                  "is empty",
		"version: 1\n":                 "acls",
		"version: 1\nacls:\n":          "acls",
		"acls: []\n":                   "version",
		"version: 2\nacls: []\n":       "version",
		"version: 1\nacls: []\nx: 1\n": "unknown field",
		"version: 1\nacls: {}\n":       "a list",
		"- 1\n":                        "line 1",
		"version: [\n":                 "line",
		list(good) + "---\nversion: 1\nacls: []\n": "goes on",
		list(good, good): "line 4 has the same ACL as line 3",
		list(good, "t"):  "line 4",
		list(strings.Replace(good, "READ", "REED", 1)):                "line 3",
		list(strings.Replace(good, "name: t", "nam: t", 1)):           "unknown field",
		list(strings.Replace(good, "name: t", "name: t, name: u", 1)): "stands twice",
		list(strings.Replace(good, "name: t", "name: [t]", 1)):        "is no text",
		list(strings.Replace(good, "name: t", "name: ", 1)):           "is no text",
		list(strings.Replace(good, "name: t, ", "", 1)):               "empty resource name",
		list(strings.Replace(good, "User:a", "a", 1)):                 "Type:name",
		list(strings.Replace(good, ", permissionType: ALLOW", "", 1)): "permission",
		list("&a "+good, "*a"):                                        "line 4",
		strings.Repeat("#", plan.MaxFileBytes+1):                      "bytes",
	} {
		acls, err := plan.Read(strings.NewReader(text))
		if !errors.Is(err, plan.ErrFile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, %+v", text, err, acls)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("version: 1\nacls:\n  - {resourceType: TOPIC, name: t, principal: 'User:a', operation: READ, permissionType: ALLOW}\n")
	f.Add("version: 1\nacls: [&a [*a, *a]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		acls, err := plan.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := plan.Write(&out, acls); err != nil {
			t.Fatal(err)
		}
		if again, err := plan.Read(&out); err != nil || !plan.Make(acls, again).Empty() {
			t.Errorf("%+v comes back as %+v, %v", acls, again, err)
		}
	})
}
