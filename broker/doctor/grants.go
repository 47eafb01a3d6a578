package doctor

import (
	"maps"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/meta"
)

// everybody is the principal of ACLs that are for whoever has logged in.
const everybody = auth.UserType + ":*"

// grantChecks look at users and what ACLs let them do.
func grantChecks() []Check {
	return []Check{
		{
			ID: "many-cluster-administrators", State: Weak, Severity: Medium, Controls: []string{"AC-2(7)", "AC-6(5)", "PCI 7.2.2", "CC6.3"},
			Title:   "Many have ALTER on the cluster: they can change ACLs and passwords, and so become anybody.",
			Mend:    "take ALTER and ALL on the cluster from all but three: kafka-acls --remove --cluster --operation Alter ...",
			running: true,
			find: func(f *Facts, e *examination) {
				administrators := f.clusterAdministrators()
				if len(administrators) > manyAdministrators {
					names := slices.Sorted(maps.Keys(administrators))
					e.found("ACLs of the cluster", "%d principals, such as %s", len(names), strings.Join(names[:manyAdministrators], ", "))
				}
			},
		},
		{
			ID: "acl-for-everybody", State: Open, Severity: High, Controls: []string{"AC-3", "AC-6", "PCI 7.2.2", "CC6.3", "KG-004"},
			Title:   "An ACL allows something to everybody (User:*).",
			Mend:    "give the right to those who need it, and take this ACL away with kafka-acls --remove",
			running: true,
			find: func(f *Facts, e *examination) {
				f.Running.Image.ACLs(func(b authz.Binding) bool {
					if b.Permission == authz.Allow && b.Principal == everybody {
						e.found("ACL", "%s allows %s on %s %s (%s) from host %s", b.Principal, b.Operation, b.Type, b.Name, b.Pattern, b.Host)
					}
					return true
				})
			},
		},
		{
			ID: "user-without-rights", State: Weak, Severity: Low, Controls: []string{"AC-2", "AC-2(3)", "PCI 8.2.6", "CC6.2"},
			Title:   "A user can log in and has no ACL of his own: he may have been forgotten.",
			Mend:    "delete the user's credentials, or give him ACLs",
			running: true,
			find:    usersWithoutRights,
		},
	}
}

// clusterAdministrators are the principals whom an ACL allows to ALTER the cluster.
func (f *Facts) clusterAdministrators() map[string]bool {
	administrators := map[string]bool{}
	f.Running.Image.ACLs(func(b authz.Binding) bool {
		if b.Permission == authz.Allow && b.Type == authz.Cluster && (b.Operation == authz.Alter || b.Operation == authz.All) {
			administrators[b.Principal] = true
		}
		return true
	})
	return administrators
}

func usersWithoutRights(f *Facts, e *examination) {
	granted := map[string]bool{}
	for _, users := range f.superUsers() {
		for _, p := range users {
			granted[p] = true
		}
	}
	f.Running.Image.ACLs(func(b authz.Binding) bool {
		if b.Permission == authz.Allow {
			granted[b.Principal] = true
		}
		return true
	})
	f.Running.Image.ScramUsers(func(user string, _ []meta.ScramCredential) bool {
		if !granted[auth.User(user).String()] {
			e.found("user "+user, "nothing is granted to %s", auth.User(user))
		}
		return true
	})
}
