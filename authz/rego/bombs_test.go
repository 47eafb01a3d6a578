package rego_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

// chain are rules, each made of the one before: NEW of OLD.
func chain(name string, length int, first, next string) string {
	var b strings.Builder
	b.WriteString(first + "\n")
	for i := range length {
		b.WriteString(strings.NewReplacer("NEW", fmt.Sprint(name, i+1), "OLD", fmt.Sprint(name, i)).Replace(next) + "\n")
	}
	return b.String()
}

// twice are two values that share parts within, but not with each other: to compare them takes seconds.
func twice() string {
	const next = "NEW = x { x := array.concat([OLD], [OLD]) }"
	return chain("v", 27, "v0 = [1]", next) + chain("w", 27, "w0 = [1]", next)
}

// hanging is a policy whose evaluation can not be stopped.
func hanging() string { return twice() + "allow { count(sort([v27, w27])) == 2 }" }

// bombs are policies that would take forever, or all memory, and allow in the end.
func bombs() map[string]string {
	shared := chain("v", 60, "v0 = [1]", "NEW = x { x := array.concat([OLD], [OLD]) }")
	return map[string]string{
		"nested loops":       "allow { x := numbers.range(1, 3000); x[_] + x[_] + x[_] + x[_] == 0 } else = true { true }",
		"a comprehension":    "allow { x := numbers.range(1, 3000); count([1 | x[_] > 0; x[_] > 0; x[_] > 0]) > 1 }",
		"a range":            "allow { count(numbers.range(1, 1000000000000)) > 1 }",
		"a call tree":        chain("v", 60, "v0(x) = 1 { true }", "NEW(x) = y { y := OLD([x, 1]) + OLD([x, 2]) }") + "allow { v60(1) > 1 }",
		"growing strings":    chain("v", 60, "v0 = \"aaaaaaaaaaaaaaaa\"", "NEW = x { x := replace(OLD, \"a\", OLD) }") + "allow { count(v60) > 1 }",
		"growing joins":      chain("v", 60, "v0 = \"aaaaaaaaaaaaaaaa\"", "NEW = x { x := concat(OLD, [OLD, OLD, OLD]) }") + "allow { count(v60) > 1 }",
		"growing arrays":     chain("v", 60, "v0 = [1, 2, 3, 4]", "NEW = x { x := array.concat(OLD, OLD) }") + "allow { count(v60) > 1 }",
		"growing numbers":    chain("v", 60, "v0 = 12345", "NEW = x { x := OLD * OLD }") + "allow { v60 > 1 }",
		"shared parts":       shared + "allow { count(sprintf(\"%v\", [v60])) > 1 }",
		"shared parts, JSON": shared + "allow { count(json.marshal(v60)) > 1 }",
		"a wide number":      "allow { count(sprintf(\"%999999d%999999d%999999d\", [1, 2, 3])) > 1 }",
		"many wide numbers":  "allow { f := concat(\"\", [\"%900d\" | numbers.range(1, 100000)[_]]); count(sprintf(f, numbers.range(1, 100000))) > 1 }",
		"a product of sets":  "allow { x := numbers.range(1, 2000); count({[a, b, c] | a := x[_]; b := x[_]; c := x[_]}) > 1 }",
		"a walk":             shared + "allow { count([1 | walk(v60)]) > 1 }",
		"a comparison":       twice() + "allow { v27 == w27 }",
		"a sort":             hanging(),
		"a regex":            "allow { s := concat(\"\", [\"a\" | numbers.range(1, 100000)[_]]); numbers.range(1, 100000)[_]; regex.match(\"((a*)*b)*c\", s) } else = true { numbers.range(1, 100000000)[_] == 0 }",
		"a glob":             "allow { s := concat(\"\", [\"a*\" | numbers.range(1, 30)[_]]); regex.globs_match(s, concat(\"\", [s, \"b\"])) } else = true { numbers.range(1, 100000000)[_] == 0 }",
	}
}

// TestBombs: whatever a policy tries, the question is denied soon, and the process has its memory.
func TestBombs(t *testing.T) {
	for name, rules := range bombs() {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, map[string]string{"p.rego": "package kafka.authz\n" + rules})
			s.config.Limits = rego.Limits{Timeout: 50 * time.Millisecond, AtOnce: 1}
			a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
			for range 2 {
				if d := a.Pin().Decide(subject("alice"), authz.Read, topic("t")); d.Allowed || !strings.HasPrefix(d.Reason, "denied by policy: undecided") {
					t.Errorf("%+v", d)
				}
			}
			if got := s.engine.Stats().Undecided; got != 2 {
				t.Errorf("%d undecided", got)
			}
			var m runtime.MemStats
			if runtime.ReadMemStats(&m); m.HeapSys > 2<<30 {
				t.Errorf("%d MiB of memory", m.HeapSys>>20)
			}
		})
	}
}

// TestAHangingPolicyCanBeReplaced: evaluations that nobody could stop leave the next policies their turns.
func TestAHangingPolicyCanBeReplaced(t *testing.T) {
	s := newSetup(t, map[string]string{"p.rego": "package kafka.authz\n" + hanging()})
	s.config.Limits = rego.Limits{Timeout: 20 * time.Millisecond, AtOnce: 1}
	a := rego.NewAuthorizer(rego.Rules{Mode: rego.Policies, ACLs: withACLs(), Engine: s.start(t)})
	if may(a) {
		t.Fatal("allowed")
	}
	s.files["p.rego"].Data = []byte(allowAll)
	s.engine.Look(context.Background())
	s.engine.Look(context.Background())
	if d := a.Pin().Decide(subject("alice"), authz.Read, topic("t")); !d.Allowed {
		t.Errorf("the policy that replaced it: %+v", d)
	}
}

func TestAFailingFunctionDenies(t *testing.T) {
	a, s := deciding(t, map[string]string{"p.rego": "package kafka.authz\nallow { not denied }\ndenied { to_number(input.requestContext.principal.name) > 1 }"})
	if d := a.Pin().Decide(subject("alice"), authz.Read, topic("t")); d.Allowed || s.engine.Stats().Undecided != 1 {
		t.Errorf("%+v", d)
	}
	if d := a.Pin().Decide(subject("1"), authz.Read, topic("t")); !d.Allowed {
		t.Errorf("%+v", d)
	}
}

func TestPrintingWithinBounds(t *testing.T) {
	a, _ := deciding(t, map[string]string{"p.rego": `package kafka.authz
allow { sprintf("%s-%d-%v %5d%%", ["a", 1, {"b": [true]}, 7]) == "a-1-{\"b\": [true]}     7%"; json.marshal({"a": [1]}) == "{\"a\":[1]}" }`})
	if !may(a) {
		t.Error("what fits is not printed as it should")
	}
}

func TestACompilationIsBounded(t *testing.T) {
	next := "NEW = x { x := [OLD, OLD] }"
	s := newSetup(t, map[string]string{"p.rego": "package kafka.authz\n" + chain("v", 25, "v0 = [1]", next) + chain("w", 25, "w0 = [1]", next) + "allow { v25 == w25 }"})
	s.config.Limits = rego.Limits{Compilation: 10 * time.Millisecond}
	if _, err := rego.New(context.Background(), s.config); !errors.Is(err, rego.ErrTimeout) {
		t.Errorf("%v", err)
	}
}
