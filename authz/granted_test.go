package authz

import (
	"slices"
	"testing"
)

// oneRule allows one operation on one resource.
type oneRule struct {
	op Operation
	on Resource
}

func (oneRule) Epoch() uint64 { return 1 }

func (r oneRule) Decide(_ Subject, op Operation, on Resource) Decision {
	return Decision{Allowed: op == r.op && on == r.on}
}

func (oneRule) DecideAny(Subject, Operation, ResourceType) Decision { return Decision{} }

func TestASecondResourceWillDo(t *testing.T) {
	topic := Resource{Type: Topic, Name: "t"}
	either := Need{Op: Create, On: topic, OrOn: TheCluster()}
	alone := Need{Op: Create, On: topic, Probe: true}
	for name, c := range map[string]struct {
		rule    oneRule
		met     bool
		denials int
	}{
		"the cluster":  {oneRule{Create, TheCluster()}, true, 0},
		"the topic":    {oneRule{Create, topic}, true, 0},
		"neither":      {oneRule{Read, topic}, false, 1},
		"another name": {oneRule{Create, Resource{Type: Topic, Name: "u"}}, false, 1},
	} {
		g, _ := Grant(c.rule, Subject{}, Needs{Each: []Need{either, alone}})
		if g.Met(either) != c.met {
			t.Errorf("%s: met is %v", name, g.Met(either))
		}
		if name == "the cluster" && g.Has(Create, Topic, "t") {
			t.Error("CREATE on the cluster shows as CREATE on the topic")
		}
		denials := 0
		for range g.Denials {
			denials++
		}
		if denials != c.denials {
			t.Errorf("%s: %d denials, want %d", name, denials, c.denials)
		}
	}
}

func TestAnotherOperationOnASecondResourceWillDo(t *testing.T) {
	topic := Resource{Type: Topic, Name: "t"}
	either := Need{Op: Describe, On: topic, OrOn: TheCluster(), OrOp: ClusterAction}
	for rule, met := range map[oneRule]bool{
		{Describe, topic}: true, {ClusterAction, TheCluster()}: true, {Describe, TheCluster()}: false, {ClusterAction, topic}: false,
	} {
		g, _ := Grant(rule, Subject{}, Needs{Each: []Need{either}})
		if g.Met(either) != met {
			t.Errorf("by %v: met is %v", rule, g.Met(either))
		}
		if g.Met(Need{Op: Describe, On: topic, OrOn: TheCluster()}) {
			t.Errorf("by %v: a need that was not declared is met", rule)
		}
	}
}

func TestOperationsThatAreGranted(t *testing.T) {
	topic, other := Resource{Type: Topic, Name: "t"}, Resource{Type: Topic, Name: "u"}
	needs := Needs{Operations: []Resource{topic}}
	granted, refused := Grant(oneRule{Alter, topic}, Subject{}, needs)
	if refused != nil || granted.Operations(topic) != 1<<Alter || granted.Operations(other) != 0 {
		t.Errorf("operations %b on the topic, %b on one that was not asked about", granted.Operations(topic), granted.Operations(other))
	}
	if granted.Has(Alter, Topic, "t") {
		t.Error("the field of operations grants what was not declared as a need")
	}
	granted.Denials(func(n Need, _ Decision) bool { t.Errorf("%+v is an event", n); return true })
	if granted.LostIn(oneRule{Alter, topic}) {
		t.Error("the same rules lose something")
	}
	if !granted.LostIn(oneRule{Alter, other}) {
		t.Error("a lost operation goes unnoticed")
	}
}

// TestRenewedAsGranted: nothing is left of what was asked and granted before.
func TestRenewedAsGranted(t *testing.T) {
	topic := func(name string) Resource { return Resource{Type: Topic, Name: name} }
	need := func(name string) Need { return Need{Op: Write, On: topic(name)} }
	var many []Need
	for i := range 2 * linearNeeds {
		many = append(many, need(string(rune('a'+i))))
	}
	var g Granted
	rule := oneRule{Write, topic("a")}
	for i, needs := range []Needs{
		{Each: many}, {Each: many[:1]}, {All: many[1:2]}, {}, {Any: many[:3], Operations: []Resource{topic("a")}}, {Any: many[1:3]}, {Each: many[1:]},
	} {
		want, wantRefused := Grant(rule, Subject{}, needs)
		refused := g.Renew(rule, Subject{}, needs, nil)
		if refused != wantRefused || g.Refused() != wantRefused {
			t.Errorf("needs %d: refused by %+v, want %+v", i, refused, wantRefused)
		}
		for _, n := range many {
			if g.Met(n) != want.Met(n) || g.Has(n.Op, n.On.Type, n.On.Name) != want.Has(n.Op, n.On.Type, n.On.Name) {
				t.Errorf("needs %d: %s is met: %v", i, n.On.Name, g.Met(n))
			}
		}
		if g.Operations(topic("a")) != want.Operations(topic("a")) || g.LostIn(oneRule{}) != want.LostIn(oneRule{}) {
			t.Errorf("needs %d: operations %b", i, g.Operations(topic("a")))
		}
		if i%2 == 1 {
			continue
		}
		g.Forget()
		g.Denials(func(n Need, _ Decision) bool {
			t.Errorf("needs %d: %+v is denied after all is forgotten", i, n)
			return true
		})
		if slices.ContainsFunc(many, g.Met) || g.Operations(topic("a")) != 0 || g.Refused() != nil {
			t.Errorf("needs %d: granted after all is forgotten", i)
		}
	}
}
