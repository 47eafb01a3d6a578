package suggest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
)

// Config says how ACLs are derived.
type Config struct {
	// Current are the ACLs in force. Those that deny are kept.
	Current []authz.Binding
	// Topics are the names of all topics that there are.
	Topics map[string]bool
	// Prefixes are beginnings of names: where a principal used several resources that begin so, one prefixed ACL stands for them.
	Prefixes []string
	// Hosts says that ACLs are for the hosts that uses came from, and not for any.
	Hosts bool
}

// use is something that somebody did.
type use struct {
	who  auth.Principal
	host string
	op   authz.Operation
	on   authz.Resource
	any  bool
}

// Suggestion gathers uses.
type Suggestion struct {
	cfg  Config
	uses map[use]struct{}
	// choices are uses that several needs allowed; any of them is enough.
	choices map[use]choice
	// above are principals who were allowed as super users: no ACL is needed for that.
	above map[string]bool
	cut   bool
}

// choice is what else would do for a use, and the ACL that allowed it, nil where none did.
type choice struct {
	or []authz.Need
	by *authz.Binding
}

// New returns a suggestion without uses.
func New(cfg Config) *Suggestion {
	return &Suggestion{cfg: cfg, uses: map[use]struct{}{}, choices: map[use]choice{}, above: map[string]bool{}}
}

// Add takes what an event tells of. Denials are no uses.
func (s *Suggestion) Add(d *audit.Decided) {
	switch {
	case !d.Allowed:
		return
	case d.Reason == acl.ReasonSuperUser:
		s.above[d.Client.Principal.String()] = true
		return
	}
	for i := range d.Resources {
		name := d.Resources[i].Name
		if audit.Cut(name) {
			s.cut = true
			continue
		}
		u := use{who: d.Client.Principal, host: d.Client.Host, op: d.Need.Op, on: authz.Resource{Type: d.Need.On.Type, Name: name}, any: d.Need.AnyOfType}
		if u.any {
			u.on.Name = ""
		}
		if len(d.Or) > 0 || u.any {
			s.choices[u] = choice{d.Or, d.ACL}
			continue
		}
		s.uses[u] = struct{}{}
	}
}

// Report is what uses come to.
type Report struct {
	// ACLs are the least that allow what was done, with those in force that deny.
	ACLs []authz.Binding
	// Findings are about the ACLs in force.
	Findings []Finding
	// SuperUsers did something as such; Notes say what is not known.
	SuperUsers []string
	Notes      []string
	// Missing are uses of topics that there were not.
	Missing []Missing
}

// Report derives the ACLs.
func (s *Suggestion) Report(t *audit.Trail) Report {
	out := Report{Notes: t.Notes(), Missing: s.dropMissing(t.DeletedTopics)}
	least := newLeast(s.cfg)
	for u := range s.uses {
		least.add(u)
	}
	for _, u := range slices.SortedFunc(maps.Keys(s.choices), compareUses) {
		if !least.choose(u, s.choices[u]) {
			out.Notes = append(out.Notes, u.who.String()+" needs "+u.op.String()+" on some "+u.on.Type.String()+", and used none of them by name")
		}
	}
	if s.cut {
		out.Notes = append(out.Notes, "the names of some resources are too long for the log: they have no ACL here")
	}
	out.ACLs, out.Findings = least.bindings(), s.findings()
	out.SuperUsers = slices.Sorted(maps.Keys(s.above))
	slices.Sort(out.Notes)
	return out
}

func compareUses(a, b use) int {
	return cmp.Or(
		strings.Compare(a.who.String(), b.who.String()), cmp.Compare(a.on.Type, b.on.Type), strings.Compare(a.on.Name, b.on.Name),
		cmp.Compare(a.op, b.op), strings.Compare(a.host, b.host),
	)
}

// compare orders ACLs by principal, then resource.
func compare(a, b authz.Binding) int {
	return cmp.Or(
		strings.Compare(a.Principal, b.Principal), cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name), cmp.Compare(a.Pattern, b.Pattern),
		cmp.Compare(a.Operation, b.Operation), strings.Compare(a.Host, b.Host), cmp.Compare(a.Permission, b.Permission),
	)
}
