package authz_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

func binding() authz.Binding {
	return authz.Binding{
		Type: authz.Topic, Name: "orders", Pattern: authz.Literal, Principal: "User:alice", Host: "*", Operation: authz.Read,
		Permission: authz.Allow,
	}
}

// TestNumbersAreKafkas compares with org.apache.kafka.common.{acl,resource}: they are on the wire and in the metadata log.
func TestNumbersAreKafkas(t *testing.T) {
	operations := map[uint8]string{
		0: "UNKNOWN", 1: "ANY", 2: "ALL", 3: "READ", 4: "WRITE", 5: "CREATE", 6: "DELETE", 7: "ALTER", 8: "DESCRIBE", 9: "CLUSTER_ACTION",
		10: "DESCRIBE_CONFIGS", 11: "ALTER_CONFIGS", 12: "IDEMPOTENT_WRITE", 13: "CREATE_TOKENS", 14: "DESCRIBE_TOKENS",
		15: "TWO_PHASE_COMMIT", 16: "UNKNOWN", 255: "UNKNOWN",
	}
	for n, name := range operations {
		if got := authz.Operation(n).String(); got != name {
			t.Errorf("operation %d is %s, want %s", n, got, name)
		}
	}
	types := []string{"UNKNOWN", "ANY", "TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER", "UNKNOWN"}
	for n, name := range types {
		if got := authz.ResourceType(n).String(); got != name {
			t.Errorf("resource type %d is %s, want %s", n, got, name)
		}
	}
	for n, name := range []string{"UNKNOWN", "ANY", "MATCH", "LITERAL", "PREFIXED", "UNKNOWN"} {
		if got := authz.PatternType(n).String(); got != name {
			t.Errorf("pattern type %d is %s, want %s", n, got, name)
		}
	}
	for n, name := range []string{"UNKNOWN", "ANY", "DENY", "ALLOW", "UNKNOWN"} {
		if got := authz.Permission(n).String(); got != name {
			t.Errorf("permission %d is %s, want %s", n, got, name)
		}
	}
}

func TestImplies(t *testing.T) {
	implied := map[authz.Operation][]authz.Operation{
		authz.Describe:        {authz.Read, authz.Write, authz.Delete, authz.Alter},
		authz.DescribeConfigs: {authz.AlterConfigs},
	}
	for wanted := authz.All; wanted <= authz.TwoPhaseCommit; wanted++ {
		for have := authz.All; have <= authz.TwoPhaseCommit; have++ {
			want := have == wanted || have == authz.All || slices.Contains(implied[wanted], have)
			if got := have.Implies(wanted); got != want {
				t.Errorf("%v implies %v: %v, want %v", have, wanted, got, want)
			}
		}
	}
}

func TestOperationsOnAreConcrete(t *testing.T) {
	for kind := authz.Topic; kind <= authz.UserResource; kind++ {
		ops := authz.OperationsOn(kind)
		if len(ops) == 0 || slices.Contains(ops, authz.All) {
			t.Errorf("on %v: %v", kind, ops)
		}
		for _, op := range ops {
			if !op.Concrete() {
				t.Errorf("%v on %v", op, kind)
			}
		}
	}
	if ops := authz.OperationsOn(authz.AnyResource); ops != nil {
		t.Errorf("on ANY: %v", ops)
	}
}

func TestValidate(t *testing.T) {
	if err := binding().Validate(); err != nil {
		t.Fatal(err)
	}
	cluster := binding()
	cluster.Type, cluster.Name = authz.Cluster, authz.ClusterName
	odd := binding()
	odd.Principal = "Group:a:b" // types other than User, and colons in names, are legal
	for _, b := range []authz.Binding{cluster, odd} {
		if err := b.Validate(); err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
	wrong := map[string]func(*authz.Binding){
		"zero type":       func(b *authz.Binding) { b.Type = authz.UnknownResource },
		"any type":        func(b *authz.Binding) { b.Type = authz.AnyResource },
		"future type":     func(b *authz.Binding) { b.Type = authz.UserResource + 1 },
		"match":           func(b *authz.Binding) { b.Pattern = authz.Match },
		"future pattern":  func(b *authz.Binding) { b.Pattern = authz.Prefixed + 1 },
		"any operation":   func(b *authz.Binding) { b.Operation = authz.AnyOperation },
		"future op":       func(b *authz.Binding) { b.Operation = authz.TwoPhaseCommit + 1 },
		"zero permission": func(b *authz.Binding) { b.Permission = authz.UnknownPermission },
		"any permission":  func(b *authz.Binding) { b.Permission = authz.AnyPermission },
		"empty name":      func(b *authz.Binding) { b.Name = "" },
		"empty prefix":    func(b *authz.Binding) { b.Name, b.Pattern = "", authz.Prefixed },
		"another cluster": func(b *authz.Binding) { b.Type = authz.Cluster },
		"no host":         func(b *authz.Binding) { b.Host = "" },
		"no type":         func(b *authz.Binding) { b.Principal = "alice" },
		"empty type":      func(b *authz.Binding) { b.Principal = ":alice" },
		"nobody":          func(b *authz.Binding) { b.Principal = "User:" },
	}
	for name, change := range wrong {
		b := binding()
		change(&b)
		if err := b.Validate(); !errors.Is(err, authz.ErrInvalidBinding) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCovers(t *testing.T) {
	cases := []struct {
		name    string
		pattern authz.PatternType
		on      string
		want    bool
	}{
		{"orders", authz.Literal, "orders", true},
		{"orders", authz.Literal, "orders-2", false},
		{"orders", authz.Prefixed, "orders-2", true},
		{"orders", authz.Prefixed, "order", false},
		{"*", authz.Literal, "anything", true},
		{"*", authz.Prefixed, "anything", false},
		{"*", authz.Prefixed, "*thing", true},
		{"orders", authz.UnknownPattern, "orders", false},
		{"orders", authz.Match, "orders", false},
	}
	for _, c := range cases {
		b := binding()
		b.Name, b.Pattern = c.name, c.pattern
		if got := b.Covers(authz.Resource{Type: authz.Topic, Name: c.on}); got != c.want {
			t.Errorf("%v %q on %q: %v", c.pattern, c.name, c.on, got)
		}
		if b.Covers(authz.Resource{Type: authz.Group, Name: c.on}) {
			t.Errorf("a topic's %q covers a group", c.name)
		}
	}
}

func anything() authz.Filter {
	return authz.Filter{Type: authz.AnyResource, Pattern: authz.AnyPattern, Operation: authz.AnyOperation, Permission: authz.AnyPermission}
}

func TestFilterKnown(t *testing.T) {
	if !anything().Known() {
		t.Error("a filter for everything is unknown")
	}
	if (authz.Filter{}).Known() {
		t.Error("the zero filter is known")
	}
	for _, change := range []func(*authz.Filter){
		func(f *authz.Filter) { f.Type = authz.UserResource + 1 }, func(f *authz.Filter) { f.Pattern = authz.Prefixed + 1 },
		func(f *authz.Filter) { f.Operation = authz.TwoPhaseCommit + 1 }, func(f *authz.Filter) { f.Permission = authz.Allow + 1 },
	} {
		f := anything()
		change(&f)
		if f.Known() {
			t.Errorf("%+v is known", f)
		}
	}
}

func TestFilterMatches(t *testing.T) {
	text := func(s string) *string { return &s }
	prefixed, wildcard := binding(), binding()
	prefixed.Name, prefixed.Pattern = "ord", authz.Prefixed
	wildcard.Name = "*"
	acls := []authz.Binding{binding(), prefixed, wildcard}
	cases := map[string]struct {
		change func(*authz.Filter)
		want   []authz.Binding
	}{
		"everything":            {func(*authz.Filter) {}, acls},
		"another type":          {func(f *authz.Filter) { f.Type = authz.Group }, nil},
		"this name, any kind":   {func(f *authz.Filter) { f.Name = text("ord") }, acls[1:2]},
		"this name, literal":    {func(f *authz.Filter) { f.Name, f.Pattern = text("ord"), authz.Literal }, nil},
		"all literals":          {func(f *authz.Filter) { f.Pattern = authz.Literal }, []authz.Binding{acls[0], acls[2]}},
		"what affects it":       {func(f *authz.Filter) { f.Name, f.Pattern = text("orders"), authz.Match }, acls},
		"what affects another":  {func(f *authz.Filter) { f.Name, f.Pattern = text("ordinal"), authz.Match }, acls[1:]},
		"what affects anything": {func(f *authz.Filter) { f.Pattern = authz.Match }, acls},
		"his":                   {func(f *authz.Filter) { f.Principal = text("User:alice") }, acls},
		"everybody's":           {func(f *authz.Filter) { f.Principal = text("User:*") }, nil},
		"from there":            {func(f *authz.Filter) { f.Host = text("10.0.0.1") }, nil},
		"ALL means ALL":         {func(f *authz.Filter) { f.Operation = authz.All }, nil},
		"denies":                {func(f *authz.Filter) { f.Permission = authz.Deny }, nil},
	}
	for name, c := range cases {
		f := anything()
		c.change(&f)
		var got []authz.Binding
		for _, b := range acls {
			if f.Matches(b) {
				got = append(got, b)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestMatchFindsWhatCovers: a filter of kind MATCH selects exactly the bindings that a decision about the name looks at.
func TestMatchFindsWhatCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := binding()
		b.Name = rapid.StringMatching(`[ab]{1,3}|\*`).Draw(t, "pattern")
		b.Pattern = rapid.SampledFrom([]authz.PatternType{authz.Literal, authz.Prefixed}).Draw(t, "kind")
		name := rapid.StringMatching(`[ab]{1,4}|\*`).Draw(t, "name")
		f := anything()
		f.Name, f.Pattern = &name, authz.Match
		if matches, covers := f.Matches(b), b.Covers(authz.Resource{Type: authz.Topic, Name: name}); matches != covers {
			t.Fatalf("%v %q and %q: matches %v, covers %v", b.Pattern, b.Name, name, matches, covers)
		}
	})
}

// rulebook allows what it lists.
type rulebook struct {
	epoch uint64
	allow []string
	asked int
}

func (r *rulebook) Epoch() uint64 { return r.epoch }

func (r *rulebook) Decide(_ authz.Subject, op authz.Operation, on authz.Resource) authz.Decision {
	r.asked++
	return authz.Decision{Allowed: slices.Contains(r.allow, op.String()+" "+on.Name)}
}

func (r *rulebook) DecideAny(_ authz.Subject, op authz.Operation, t authz.ResourceType) authz.Decision {
	r.asked++
	return authz.Decision{Allowed: slices.Contains(r.allow, op.String()+" any "+t.String())}
}

func need(op authz.Operation, name string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: name}}
}

var alice = authz.Subject{Principal: auth.User("alice"), Host: "10.0.0.1"}

func TestGrantRefusesWhole(t *testing.T) {
	view := &rulebook{allow: []string{"READ a", "WRITE any TOPIC"}}
	anyTopic := authz.Need{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}
	cases := map[string]struct {
		needs authz.Needs
		want  string
	}{
		"nothing asked":           {authz.Needs{}, ""},
		"all granted":             {authz.Needs{All: []authz.Need{need(authz.Read, "a")}}, ""},
		"one of all denied":       {authz.Needs{All: []authz.Need{need(authz.Read, "a"), need(authz.Read, "b"), need(authz.Read, "c")}}, "b"},
		"one of any granted":      {authz.Needs{Any: []authz.Need{need(authz.Read, "b"), anyTopic}}, ""},
		"all of any denied":       {authz.Needs{Any: []authz.Need{need(authz.Read, "b"), need(authz.Read, "c")}}, "b"},
		"each refuses nothing":    {authz.Needs{Each: []authz.Need{need(authz.Read, "b")}}, ""},
		"all counts before any":   {authz.Needs{All: []authz.Need{need(authz.Read, "x")}, Any: []authz.Need{need(authz.Read, "y")}}, "x"},
		"any counts besides each": {authz.Needs{Any: []authz.Need{need(authz.Read, "y")}, Each: []authz.Need{need(authz.Read, "a")}}, "y"},
	}
	for name, c := range cases {
		got := ""
		if _, refused := authz.Grant(view, alice, c.needs); refused != nil {
			got = refused.On.Name
		}
		if got != c.want {
			t.Errorf("%s: refused for %q, want %q", name, got, c.want)
		}
	}
}

func TestGrantedHasWhatWasAskedAndGranted(t *testing.T) {
	view := &rulebook{allow: []string{"READ t1", "READ t3", "WRITE any TOPIC"}}
	for _, n := range []int{4, 40} { // few are searched, many are looked up
		needs := authz.Needs{Each: []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}}}
		for i := range n {
			needs.Each = append(needs.Each, need(authz.Read, "t"+string(rune('0'+i))))
		}
		granted, _ := authz.Grant(view, alice, needs)
		asked := view.asked
		if !granted.Has(authz.Read, authz.Topic, "t1") || granted.Has(authz.Read, authz.Topic, "t2") {
			t.Errorf("%d needs: wrong answers", n)
		}
		if granted.Has(authz.Write, authz.Topic, "t1") || granted.Has(authz.Read, authz.Group, "t1") || granted.Has(authz.Read, authz.Topic, "undeclared") {
			t.Errorf("%d needs: has what was never asked", n)
		}
		if !granted.HasAny(authz.Write, authz.Topic) || granted.HasAny(authz.Read, authz.Topic) || granted.Has(authz.Write, authz.Topic, "") {
			t.Errorf("%d needs: wrong answer for any", n)
		}
		if view.asked != asked {
			t.Errorf("%d needs: the view was asked again", n)
		}
	}
}

func TestRegrant(t *testing.T) {
	old := &rulebook{epoch: 1, allow: []string{"READ a", "READ b"}}
	needs := authz.Needs{Each: []authz.Need{need(authz.Read, "a"), need(authz.Read, "b"), need(authz.Read, "c")}}
	before, _ := authz.Grant(old, alice, needs)
	wider, narrower := &rulebook{epoch: 2, allow: []string{"READ a", "READ b", "READ c"}}, &rulebook{epoch: 3, allow: []string{"READ b"}}
	if before.LostIn(wider) || !before.LostIn(narrower) {
		t.Errorf("a wider view loses something: %v; a narrower one: %v", before.LostIn(wider), before.LostIn(narrower))
	}
	if more := before.Regrant(wider); more.Epoch() != 2 || !more.Has(authz.Read, authz.Topic, "c") {
		t.Errorf("a wider view: epoch %d, c %v", more.Epoch(), more.Has(authz.Read, authz.Topic, "c"))
	}
	if fewer := before.Regrant(narrower); fewer.Refused() != nil || fewer.Has(authz.Read, authz.Topic, "a") || !fewer.Has(authz.Read, authz.Topic, "b") {
		t.Errorf("a narrower view refuses %v", fewer.Refused())
	}
	whole, _ := authz.Grant(old, alice, authz.Needs{All: []authz.Need{need(authz.Read, "a")}})
	if lost := whole.Regrant(narrower).Refused(); lost == nil || lost.On.Name != "a" {
		t.Errorf("refused is %v", lost)
	}
}

func TestDenialsAreEvents(t *testing.T) {
	view := &rulebook{allow: []string{"READ a"}}
	probe := need(authz.Describe, "probe")
	probe.Probe = true
	cases := map[string]struct {
		needs authz.Needs
		want  []string
	}{
		"denied":                   {authz.Needs{All: []authz.Need{need(authz.Read, "b")}, Each: []authz.Need{need(authz.Read, "c"), need(authz.Read, "a")}}, []string{"b", "c"}},
		"a probe is none":          {authz.Needs{Each: []authz.Need{probe}}, nil},
		"one of any granted":       {authz.Needs{Any: []authz.Need{need(authz.Read, "b"), need(authz.Read, "a")}}, nil},
		"all of any denied":        {authz.Needs{Any: []authz.Need{need(authz.Read, "b"), need(authz.Read, "c")}}, []string{"b", "c"}},
		"any denied, each granted": {authz.Needs{Any: []authz.Need{need(authz.Read, "b")}, Each: []authz.Need{need(authz.Read, "a")}}, []string{"b"}},
	}
	for name, c := range cases {
		granted, _ := authz.Grant(view, alice, c.needs)
		var got []string
		for n := range granted.Denials {
			got = append(got, n.On.Name)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for range granted.Denials {
			break
		}
	}
}

func TestInvalidBindingSaysWhy(t *testing.T) {
	b := binding()
	b.Type = authz.Cluster
	if err := b.Validate(); err == nil || !strings.Contains(err.Error(), `"orders"`) {
		t.Errorf("error %v does not name the resource", err)
	}
}
