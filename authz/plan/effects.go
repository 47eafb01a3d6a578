package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
)

// maxDecisions bounds how much is compared: some ten seconds' work.
const maxDecisions = 5_000_000

// ErrTooMuch says that to find who gains and loses would take too long.
var ErrTooMuch = errors.New("too many principals and patterns to compare: plan it in smaller steps")

// Effect is what somebody may do afterwards and could not before (Gains), or the other way round.
type Effect struct {
	Gains bool
	// Principal is explain.Everybody for all whom no ACL on the pattern, or on any resource of its type, names.
	Principal string
	// AnyHost says that it holds from all hosts but those in Hosts, and else it holds from those in Hosts only.
	AnyHost    bool
	Hosts      []string
	Operations []authz.Operation
	On         Pattern
}

// Effects are what changes for whom when ACLs are changed, as far as it does: what another ACL allows or denies anyway does not, and super users keep what
// they may. rules are what is
// decided by beside the ACLs. The effects are sorted by pattern, principal and operation.
func Effects(rules acl.Config, have, want []authz.Binding) ([]Effect, error) {
	return effects(rules, have, want, maxDecisions)
}

func effects(rules acl.Config, have, want []authz.Binding, most int) ([]Effect, error) {
	p := Make(have, want)
	c := &comparison{
		most:   most,
		ground: groundOf(have, p.Add), changes: groundOf(p.Add, p.Remove), before: viewOf(rules, have), after: viewOf(rules, want), everybodys: rules.AllowIfNoACL,
	}
	patterns := map[Pattern]bool{}
	for _, b := range slices.Concat(p.Add, p.Remove) {
		if patterns[patternOf(b)] {
			continue
		}
		for _, under := range c.ground.under(patternOf(b)) {
			patterns[under] = true
		}
	}
	var all []Effect
	for t := authz.Topic; t <= authz.UserResource; t++ {
		of := slices.DeleteFunc(slices.Clone(c.ground.sorted[t]), func(p Pattern) bool { return !patterns[p] })
		if t == authz.Topic && len(of) > 0 {
			of = append(of, someOf(t))
		}
		for _, pattern := range of {
			effects, err := c.on(pattern)
			if err != nil {
				return nil, err
			}
			all = append(all, effects...)
		}
	}
	return all, nil
}

func viewOf(rules acl.Config, acls []authz.Binding) authz.View {
	a := acl.New(rules)
	a.Load(1, acls)
	return a.Pin()
}

// comparison is of what is decided before and after.
type comparison struct {
	// ground has the ACLs of before and after, changes those that are in one of them only.
	ground, changes *ground
	before, after   authz.View
	// everybodys says that any ACL on a resource changes what everybody may do with it (allow.everyone.if.no.acl.found).
	everybodys      bool
	decisions, most int
}

// on compares what is decided on one pattern.
func (c *comparison) on(p Pattern) ([]Effect, error) {
	concerned, everybody := c.concerned(p)
	if everybody {
		concerned = nil // all whom an ACL names
	}
	people := explain.PeopleOf(c.ground.covering(p, concerned))
	var all []Effect
	for _, principal := range people.Principals() {
		if principal == explain.Everybody && !everybody {
			continue
		}
		hosts := people.Hosts(principal)
		ops := operationsOn(p)
		if c.decisions += len(hosts) * len(ops); c.decisions > c.most {
			return nil, fmt.Errorf("%w: more than %d decisions", ErrTooMuch, c.most)
		}
		all = append(all, c.forOne(people, principal, hosts, ops, p)...)
	}
	return all, nil
}

// operationsOn are what requests ask of a pattern's resources. Of some resource, whichever (Apache Kafka's authorizeByResourceType), they
// ask one thing: idempotent producers need WRITE on some topic.
func operationsOn(p Pattern) []authz.Operation {
	if p.Kind == authz.AnyPattern {
		return []authz.Operation{authz.Write}
	}
	return authz.OperationsOn(p.Type)
}

// forOne compares all operations of one principal.
func (c *comparison) forOne(people *explain.People, principal string, hosts []string, ops []authz.Operation, p Pattern) []Effect {
	var all []Effect
	for _, op := range ops {
		for _, e := range c.of(people, principal, hosts, op, p) {
			all = merge(all, e)
		}
	}
	return all
}

// concerned are the principals for whom something may change, and explain.Everybody, whose ACLs speak of them too. everybody says that it may change for
// all whom no ACL names.
func (c *comparison) concerned(p Pattern) (principals []string, everybody bool) {
	named := map[string]bool{explain.Everybody: true}
	everybody = c.everybodys
	for _, b := range c.changes.covering(p, nil) {
		named[b.Principal] = true
		everybody = everybody || b.Principal == explain.Everybody
	}
	return slices.Collect(maps.Keys(named)), everybody
}

// of compares one operation of one principal from each host: what is gained, and what is lost.
func (c *comparison) of(people *explain.People, principal string, hosts []string, op authz.Operation, p Pattern) []Effect {
	changes := map[bool][]string{}
	var same []string
	on := c.ground.sample(p)
	allowed := func(in authz.View, who authz.Subject) bool {
		if p.Kind == authz.AnyPattern {
			return in.DecideAny(who, op, p.Type).Allowed
		}
		return in.Decide(who, op, on).Allowed
	}
	for _, host := range hosts {
		who := people.Subject(principal, host)
		before, after := allowed(c.before, who), allowed(c.after, who)
		if before == after {
			same = append(same, host)
			continue
		}
		changes[after] = append(changes[after], host)
	}
	var all []Effect
	for _, gains := range []bool{true, false} {
		if len(changes[gains]) == 0 {
			continue
		}
		e := Effect{Gains: gains, Principal: principal, Operations: []authz.Operation{op}, On: p, Hosts: changes[gains]}
		if changes[gains][0] == authz.AnyHost {
			e.AnyHost, e.Hosts = true, slices.Concat(same, changes[!gains])
		}
		all = append(all, e)
	}
	return all
}

// merge adds an effect of one operation to those of one principal on one pattern.
func merge(all []Effect, e Effect) []Effect {
	for i := range all {
		if all[i].Gains == e.Gains && all[i].AnyHost == e.AnyHost && slices.Equal(all[i].Hosts, e.Hosts) {
			all[i].Operations = append(all[i].Operations, e.Operations...)
			return all
		}
	}
	return append(all, e)
}
