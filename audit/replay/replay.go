package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// Candidate is the rules that decisions are tried on.
type Candidate struct {
	Authorizer authz.Authorizer
	// At, where set, is told the time of a decision before the authorizer is asked: policies may look at it.
	At func(time.Time)
}

// Replay gathers the decisions that would be others.
type Replay struct {
	candidate Candidate
	// keys are the numbers of APIs by their names in lower case.
	keys     map[string]int16
	flips    map[flipKey]*Flip
	distinct map[flipKey]struct{}
	// cut are decisions whose resource's name is not known, versionless those whose request's version is not.
	cut, versionless uint64
}

// Flip is a decision that would be another one, and how often it was made.
type Flip struct {
	Principal string `json:"principal"`
	Operation string `json:"operation"`
	Resource  string `json:"resourceType"`
	// Name is of the resource, "*" with AnyOfType, where some resource of the type was asked for.
	Name      string `json:"name"`
	AnyOfType bool   `json:"anyOfType,omitempty"`
	// Allowed is what would be; the recorded decision is the opposite.
	Allowed bool `json:"wouldBeAllowed"`
	// Was is the recorded reason, Would the one of the candidate.
	Was   Why `json:"was"`
	Would Why `json:"would"`
	// Count and Last are of the recorded decisions; Hosts are where they came from.
	Count uint64    `json:"count"`
	Last  time.Time `json:"last"`
	Hosts []string  `json:"hosts"`
}

// Why is a reason, with the ACL that it comes from, if any, in words.
type Why struct {
	Reason string `json:"reason"`
	ACL    string `json:"acl,omitempty"`
}

// flipKey is what makes flips one. Uses by several APIs, and from several hosts, are one where they come to the same.
type flipKey struct {
	who     auth.Principal
	op      authz.Operation
	on      authz.Resource
	any     bool
	allowed bool
}

// New returns a replay by a candidate.
func New(c Candidate) *Replay {
	return &Replay{candidate: c, keys: keysOfAPIs(), flips: map[flipKey]*Flip{}, distinct: map[flipKey]struct{}{}}
}

// Add decides anew what an event tells of. What was done more than once is decided for the first time and the last.
func (r *Replay) Add(d *audit.Decided) {
	for i := range d.Resources {
		used := &d.Resources[i]
		if audit.Cut(used.Name) {
			r.cut += used.Count
			continue
		}
		if d.Version == nil {
			r.versionless += used.Count
		}
		need := d.Need
		if !need.AnyOfType {
			need.On.Name = used.Name
		}
		key := flipKey{who: d.Client.Principal, op: need.Op, on: need.On, any: need.AnyOfType, allowed: d.Allowed}
		r.distinct[key] = struct{}{}
		decision := r.decide(d, need, used.First)
		if decision.Allowed == d.Allowed && !used.Last.Equal(used.First) {
			decision = r.decide(d, need, used.Last)
		}
		if decision.Allowed != d.Allowed {
			r.flip(key, d, used, decision)
		}
	}
}

// decide asks the candidate: any of the needs is enough.
func (r *Replay) decide(d *audit.Decided, need authz.Need, at time.Time) authz.Decision {
	if r.candidate.At != nil {
		r.candidate.At(at)
	}
	who := authz.Subject{
		Principal: d.Client.Principal, Host: d.Client.Host, Listener: d.Client.Listener, Session: d.Client.Session, Request: r.requestOf(d),
	}
	view := r.candidate.Authorizer.Pin()
	decision := decideOne(view, who, need)
	for _, other := range d.Or {
		if decision.Allowed {
			break
		}
		if by := decideOne(view, who, other); by.Allowed {
			decision = by
		}
	}
	return decision
}

func decideOne(view authz.View, who authz.Subject, n authz.Need) authz.Decision {
	if n.AnyOfType {
		return view.DecideAny(who, n.Op, n.On.Type)
	}
	return view.Decide(who, n.Op, n.On)
}

func (r *Replay) flip(key flipKey, d *audit.Decided, used *audit.Accessed, would authz.Decision) {
	f := r.flips[key]
	if f == nil {
		f = &Flip{
			Principal: d.Client.Principal.String(), Operation: key.op.String(), Resource: key.on.Type.String(), Name: used.Name, AnyOfType: key.any,
			Allowed: !d.Allowed,
		}
		r.flips[key] = f
	}
	f.Count += used.Count
	if !slices.Contains(f.Hosts, d.Client.Host) {
		f.Hosts = append(f.Hosts, d.Client.Host)
	}
	if f.Last.After(used.Last) {
		return
	}
	f.Last = used.Last.UTC()
	f.Was, f.Would = whyOf(d.Reason, d.ACL), whyOf(would.Reason, would.Rule)
}

func whyOf(reason string, rule *authz.Binding) Why {
	w := Why{Reason: reason}
	if rule != nil {
		w.ACL = audit.RuleText(rule)
	}
	return w
}

// Report is what a replay came to.
type Report struct {
	// Decisions are those of the log; Distinct are those that differ in principal, operation, resource or outcome.
	Decisions uint64 `json:"decisions"`
	Distinct  int    `json:"distinct"`
	// Lost were allowed and would be denied, Gained the other way round.
	Lost   int    `json:"lost"`
	Gained int    `json:"gained"`
	Flips  []Flip `json:"flips"`
	// Notes say what the log can not tell.
	Notes []string `json:"notes"`
}

// Report tells what has come of it: the flips by principal, then resource.
func (r *Replay) Report(t *audit.Trail) Report {
	out := Report{Decisions: t.Decisions, Distinct: len(r.distinct), Notes: t.Notes(), Flips: make([]Flip, 0, len(r.flips))}
	if r.versionless > 0 && r.candidate.At != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("%d decisions were recorded without the version of their request, by an older release: policies saw version 0", r.versionless))
	}
	if r.cut > 0 {
		out.Notes = append(out.Notes, "the names of some resources are too long for the log: they were not decided anew")
	}
	for _, f := range r.flips {
		slices.Sort(f.Hosts)
		out.Flips = append(out.Flips, *f)
		if f.Allowed {
			out.Gained++
		} else {
			out.Lost++
		}
	}
	slices.SortFunc(out.Flips, func(a, b Flip) int {
		return cmp.Or(
			strings.Compare(a.Principal, b.Principal), strings.Compare(a.Resource, b.Resource), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Operation, b.Operation), cmp.Compare(a.Count, b.Count),
		)
	})
	return out
}
