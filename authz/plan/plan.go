package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"

	"github.com/chronik-stream/chronik/authz"
)

// Plan is what has to be done to come from some ACLs to others.
type Plan struct {
	Add, Remove []authz.Binding
}

// Make compares what there is with what is wanted.
func Make(have, want []authz.Binding) *Plan {
	return &Plan{Add: without(want, have), Remove: without(have, want)}
}

// Empty says that there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Add)+len(p.Remove) == 0 }

// without are the ACLs of all that are not among some, sorted.
func without(all, some []authz.Binding) []authz.Binding {
	there := make(map[authz.Binding]bool, len(some))
	for i := range some {
		there[some[i]] = true
	}
	return Sorted(slices.DeleteFunc(slices.Clone(all), func(b authz.Binding) bool { return there[b] }))
}

// Sorted are the ACLs by resource, then principal and so on, each once.
func Sorted(acls []authz.Binding) []authz.Binding {
	sorted := slices.Clone(acls)
	slices.SortFunc(sorted, func(a, b authz.Binding) int {
		return cmp.Or(
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Principal, b.Principal),
			cmp.Compare(a.Host, b.Host), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Permission, b.Permission),
		)
	})
	return slices.Compact(sorted)
}

// Digest identifies a set of ACLs: "sha256:" and 64 hexadecimal digits.
func Digest(acls []authz.Binding) string {
	h := sha256.New()
	for _, b := range Sorted(acls) {
		for _, text := range [...]string{b.Name, b.Principal, b.Host} {
			part(h, text)
		}
		h.Write([]byte{byte(b.Type), byte(b.Pattern), byte(b.Operation), byte(b.Permission)})
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// part writes a text with its length, so that no two lists of texts are the same bytes.
func part(h hash.Hash, text string) {
	h.Write(append(strconv.AppendInt(nil, int64(len(text)), 10), ":"+text...))
}
