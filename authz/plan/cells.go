package plan

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/authz"
)

// Pattern is a set of resource names that ACLs do not tell apart: one name (LITERAL), what begins with Name and no longer pattern names (PREFIXED),
// or what no pattern but the wildcard names (LITERAL, the wildcard). ANY without a name stands for some resource of the type, whichever.
type Pattern struct {
	Type authz.ResourceType
	Kind authz.PatternType
	Name string
}

// someOf is some resource of a type, whichever.
func someOf(t authz.ResourceType) Pattern { return Pattern{Type: t, Kind: authz.AnyPattern} }

func (p Pattern) isWildcard() bool { return p.Kind == authz.Literal && p.Name == authz.Wildcard }

// patternOf is a binding's pattern. Of clusters there is one, by whatever pattern it is named.
func patternOf(b authz.Binding) Pattern {
	if b.Type == authz.Cluster {
		return Pattern{Type: authz.Cluster, Kind: authz.Literal, Name: authz.ClusterName}
	}
	return Pattern{Type: b.Type, Kind: b.Pattern, Name: b.Name}
}

// ground has all patterns of some ACLs, and the ACLs by pattern.
type ground struct {
	acls map[Pattern][]authz.Binding
	// held are the ACLs by pattern and principal.
	held map[holding][]authz.Binding
	// sorted are the patterns of a type by their names and kinds.
	sorted map[authz.ResourceType][]Pattern
	// fresh is a character that no pattern has.
	fresh string
}

// holding is a principal and a pattern that ACLs for it have.
type holding struct {
	on        Pattern
	principal string
}

func groundOf(sets ...[]authz.Binding) *ground {
	g := &ground{acls: map[Pattern][]authz.Binding{}, held: map[holding][]authz.Binding{}, sorted: map[authz.ResourceType][]Pattern{}}
	used := map[rune]bool{}
	for _, set := range sets {
		for _, b := range set {
			by := holding{patternOf(b), b.Principal}
			g.acls[by.on], g.held[by] = append(g.acls[by.on], b), append(g.held[by], b)
			for _, r := range b.Name {
				used[r] = true
			}
		}
	}
	for p := range g.acls {
		g.sorted[p.Type] = append(g.sorted[p.Type], p)
	}
	for _, list := range g.sorted {
		slices.SortFunc(list, func(a, b Pattern) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	}
	fresh := '\uE000' // the first that mean nothing by themselves
	for used[fresh] && fresh < utf8.MaxRune {
		fresh++
	}
	g.fresh = string(fresh)
	return g
}

// sample is a resource of a pattern.
func (g *ground) sample(p Pattern) authz.Resource {
	switch {
	case p.isWildcard():
		return authz.Resource{Type: p.Type, Name: g.fresh}
	case p.Kind == authz.Prefixed:
		return authz.Resource{Type: p.Type, Name: p.Name + g.fresh}
	default:
		return authz.Resource{Type: p.Type, Name: p.Name}
	}
}

// under are the patterns all of whose resources a pattern covers, itself included.
func (g *ground) under(p Pattern) []Pattern {
	all := g.sorted[p.Type]
	switch {
	case p.isWildcard():
		return all
	case p.Kind == authz.Literal:
		return []Pattern{p}
	}
	from, _ := slices.BinarySearchFunc(all, p.Name, func(a Pattern, name string) int { return strings.Compare(a.Name, name) })
	to := from
	for to < len(all) && strings.HasPrefix(all[to].Name, p.Name) {
		to++
	}
	return slices.DeleteFunc(slices.Clone(all[from:to]), Pattern.isWildcard)
}

// covering are the ACLs that speak of a pattern's resources: those for principals, or all where that is nil.
func (g *ground) covering(p Pattern, principals []string) (all []authz.Binding) {
	if p.Kind == authz.AnyPattern {
		return g.ofType(p.Type, principals)
	}
	add := func(on Pattern) {
		if principals == nil {
			all = append(all, g.acls[on]...)
			return
		}
		for _, who := range principals {
			all = append(all, g.held[holding{on, who}]...)
		}
	}
	add(Pattern{p.Type, authz.Literal, authz.Wildcard})
	if p.isWildcard() {
		return all
	}
	for n := 1; n <= len(p.Name); n++ {
		add(Pattern{p.Type, authz.Prefixed, p.Name[:n]})
	}
	if p.Kind == authz.Literal {
		add(p)
	}
	return all
}

// ofType are the ACLs on resources of a type: those for principals, or all where that is nil.
func (g *ground) ofType(t authz.ResourceType, principals []string) (all []authz.Binding) {
	wanted := map[string]bool{}
	for _, who := range principals {
		wanted[who] = true
	}
	for _, p := range g.sorted[t] {
		for _, b := range g.acls[p] {
			if principals == nil || wanted[b.Principal] {
				all = append(all, b)
			}
		}
	}
	return all
}
