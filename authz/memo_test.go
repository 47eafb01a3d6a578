package authz

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/auth"
)

// asked is a view that allows all topics whose names do not begin with "no", and counts what it is asked.
type asked struct {
	generation *Generation
	times      *int
}

func (asked) Epoch() uint64 { return 1 }

func (a asked) Generation() *Generation { return a.generation }

func (a asked) Decide(_ Subject, op Operation, on Resource) Decision {
	*a.times++
	return Decision{Allowed: on.Type == Topic && !strings.HasPrefix(on.Name, "no"), Rule: &Binding{Name: on.Name, Operation: op}}
}

func (a asked) DecideAny(Subject, Operation, ResourceType) Decision {
	*a.times++
	return Decision{Allowed: true}
}

// passing is a view that may answer otherwise the next time.
type passing struct{ View }

func writes(names ...string) (needs Needs) {
	for _, name := range names {
		needs.Each = append(needs.Each, Need{Op: Write, On: Resource{Type: Topic, Name: name}})
	}
	return needs
}

// TestWhatIsAskedAgain counts what a view is asked when needs follow others.
func TestWhatIsAskedAgain(t *testing.T) {
	alice := Subject{Principal: auth.User("alice"), Host: "10.0.0.1", Listener: "A", Session: &auth.Session{}}
	long, group := strings.Repeat("n", memoName+1), Resource{Type: Group, Name: "a"}
	for name, c := range map[string]struct {
		first, again Needs
		want         int
	}{
		"the same topic":         {writes("a"), writes("a"), 0},
		"one of the last":        {writes("a", "b", "c", "d"), writes("c"), 0},
		"all of the last":        {writes("a", "b", "c", "d"), writes("d", "c", "b", "a"), 0},
		"another topic":          {writes("a"), writes("b"), 1},
		"another operation":      {writes("a"), Needs{All: []Need{{Op: Read, On: writes("a").Each[0].On}}}, 1},
		"another type":           {writes("a"), Needs{Any: []Need{{Op: Write, On: group}}}, 1},
		"a topic or the cluster": {writes("a"), Needs{Any: []Need{{Op: Write, On: group, OrOn: writes("a").Each[0].On}}}, 1},
		"some topic":             {writes("a"), Needs{All: []Need{{Op: Write, On: writes("a").Each[0].On, AnyOfType: true}}}, 1},
		"a topic that is denied": {writes("no"), writes("no"), 1},
		"a long name":            {writes(long), writes(long), 1},
		"more than there is room for": {
			writes("a", "b", "c", "d", "e"), writes("a", "b", "c", "d", "e"), 5,
		},
	} {
		times := 0
		view, memo, g := asked{&Generation{}, &times}, &Memo{}, &Granted{}
		g.Renew(view, alice, c.first, memo)
		times = 0
		g.Renew(view, alice, c.again, memo)
		if times != c.want {
			t.Errorf("%s: asked %d times, want %d", name, times, c.want)
		}
		times = 0
		if g.Renew(passing{view}, alice, c.again, memo); times < c.again.Len() {
			t.Errorf("%s: a view whose answers do not last is asked %d times", name, times)
		}
	}
}

// TestNobodyElseIsRemembered: another subject, and the same one by other rules, is asked about anew.
func TestNobodyElseIsRemembered(t *testing.T) {
	times := 0
	view, memo := asked{&Generation{}, &times}, &Memo{}
	alice := Subject{Principal: auth.User("alice"), Host: "10.0.0.1", Listener: "A", Session: &auth.Session{}}
	for name, c := range map[string]func(*Subject, *asked){
		"principal":  func(s *Subject, _ *asked) { s.Principal = auth.User("bob") },
		"type":       func(s *Subject, _ *asked) { s.Principal.Type = "Group" },
		"host":       func(s *Subject, _ *asked) { s.Host = "10.0.0.2" },
		"listener":   func(s *Subject, _ *asked) { s.Listener = "B" },
		"session":    func(s *Subject, _ *asked) { s.Session = &auth.Session{} },
		"no session": func(s *Subject, _ *asked) { s.Session = nil },
		"rules":      func(_ *Subject, v *asked) { v.generation = &Generation{} },
	} {
		var g Granted
		g.Renew(view, alice, writes("a"), memo)
		who, by := alice, view
		c(&who, &by)
		times = 0
		if g.Renew(by, who, writes("a"), memo); times != 1 {
			t.Errorf("another %s: asked %d times", name, times)
		}
	}
}

// TestGenerationsAreApart: no two have one address.
func TestGenerationsAreApart(t *testing.T) {
	seen := map[*Generation]bool{}
	for range 100 {
		seen[new(Generation)] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d addresses of 100 generations", len(seen))
	}
}
