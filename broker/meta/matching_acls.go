package meta

import "github.com/chronik-stream/chronik/authz"

// MatchingACLs calls yield for each ACL that the filter matches, in the order of ACLs. The more of the resource the filter names, the fewer
// ACLs are looked at: to find those of one pattern among a hundred thousand takes microseconds.
func (img *Image) MatchingACLs(f authz.Filter, yield func(authz.Binding) bool) {
	img.acls.Root().WalkPrefix(aclPrefix(f), func(_ []byte, b authz.Binding) bool { return f.Matches(b) && !yield(b) })
}

// aclPrefix is what the keys of all ACLs that the filter matches begin with.
func aclPrefix(f authz.Filter) []byte {
	if f.Type == authz.AnyResource {
		return nil
	}
	prefix := []byte{byte(f.Type)}
	if !f.Pattern.Concrete() {
		return prefix
	}
	prefix = append(prefix, byte(f.Pattern))
	for _, field := range []*string{f.Name, f.Principal, f.Host} {
		if field == nil {
			break
		}
		prefix = appendField(prefix, *field)
	}
	return prefix
}
