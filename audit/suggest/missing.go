package suggest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/authz"
)

// Missing is what a principal was allowed to do with topics, had there been such: nothing came of it, and it needs no ACL.
type Missing struct {
	Principal string
	Operation authz.Operation
	// Topics are some of their names, in words.
	Topics string
}

// dropMissing forgets the uses of topics that there are not, and that were not deleted in the time of the log. Of what is to be created
// the name says what it is to be.
func (s *Suggestion) dropMissing(deleted map[string]bool) []Missing {
	type asked struct {
		who string
		op  authz.Operation
	}
	topics := map[asked]map[string]bool{}
	drop := func(u use) bool {
		if u.on.Type != authz.Topic || u.any || u.op == authz.Create || s.cfg.Topics[u.on.Name] || deleted[u.on.Name] {
			return false
		}
		by := asked{u.who.String(), u.op}
		if topics[by] == nil {
			topics[by] = map[string]bool{}
		}
		topics[by][u.on.Name] = true
		return true
	}
	for u := range s.uses {
		if drop(u) {
			delete(s.uses, u)
		}
	}
	for u := range s.choices {
		if drop(u) {
			delete(s.choices, u)
		}
	}
	var all []Missing
	for by, names := range topics {
		all = append(all, Missing{by.who, by.op, listed(names)})
	}
	slices.SortFunc(all, func(a, b Missing) int {
		return cmp.Or(strings.Compare(a.Principal, b.Principal), cmp.Compare(a.Operation, b.Operation))
	})
	return all
}
