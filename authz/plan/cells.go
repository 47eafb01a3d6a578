package plan

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/authz"
)

// Pattern is a set of resource names that ACLs do not tell apart: one name (LITERAL), what begins with Name and no longer pattern names (PREFIXED),
// or what no pattern but the wildcard names (LITERAL, the wildcard).
type Pattern struct {
	Type authz.ResourceType
	Kind authz.PatternType
	Name string
}

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
	// sorted are the patterns of a type by their names and kinds.
	sorted map[authz.ResourceType][]Pattern
	// fresh is a character that no pattern has.
	fresh string
}

func groundOf(sets ...[]authz.Binding) *ground {
	g := &ground{acls: map[Pattern][]authz.Binding{}, sorted: map[authz.ResourceType][]Pattern{}}
	used := map[rune]bool{}
	for _, set := range sets {
		for _, b := range set {
			g.acls[patternOf(b)] = append(g.acls[patternOf(b)], b)
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

// covering are the ACLs that speak of a pattern's resources.
func (g *ground) covering(p Pattern) []authz.Binding {
	all := slices.Clone(g.acls[Pattern{p.Type, authz.Literal, authz.Wildcard}])
	if p.isWildcard() {
		return all
	}
	for n := 1; n <= len(p.Name); n++ {
		all = append(all, g.acls[Pattern{p.Type, authz.Prefixed, p.Name[:n]}]...)
	}
	if p.Kind == authz.Literal {
		all = append(all, g.acls[p]...)
	}
	return all
}
