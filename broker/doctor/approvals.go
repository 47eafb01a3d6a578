package doctor

import (
	"maps"
	"slices"
	"strings"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/config"
)

// approvalChecks look at whether what takes two persons really does, and whether there are two.
func approvalChecks() []Check {
	return []Check{
		{
			ID: "approval-without-grants", State: Weak, Severity: Medium, Controls: []string{"AC-3(2)", "AC-5", "AC-6(5)", "CC6.3"},
			Title: "Operations take the approval of a second administrator, but an administrator can make himself a second one, who approves.",
			Mend:  "add super-user-grants to chronik.approval.required",
			find: func(f *Facts, e *examination) {
				required := f.Config.Approvals.Required
				if len(required) > 0 && !slices.Contains(required, config.ApproveSuperUserGrants) {
					e.found("chronik.approval.required", "chronik.approval.required=%s", strings.Join(required, ","))
				}
			},
		},
		{
			ID: "approval-without-approver", State: Open, Severity: Medium, Controls: []string{"AC-3(2)", "AC-5", "CP-2", "CC6.3"},
			Title:   "Operations take the approval of a second administrator, and there is none: they wait in vain.",
			Mend:    "give a second person ALTER on the cluster, or a place in super.users",
			running: true,
			find:    nobodyApproves,
		},
	}
}

// nobodyApproves counts who may approve anything: super users, and whom an ACL allows to ALTER the cluster. Where policies decide alone, or
// an ACL speaks of everybody, that can not be counted.
func nobodyApproves(f *Facts, e *examination) {
	if len(f.Config.Approvals.Required) == 0 || f.Config.Policies.Mode == config.ModeOPA {
		return
	}
	administrators := f.clusterAdministrators()
	for _, users := range f.superUsers() {
		for _, p := range users {
			administrators[p] = true
		}
	}
	delete(administrators, auth.Anonymous().String()) // who approves nothing
	if administrators[everybody] || len(administrators) > 1 {
		return
	}
	e.found("administrators", "of those who may ALTER the cluster there is %s", nameOrNobody(slices.Collect(maps.Keys(administrators))))
}

func nameOrNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return "one, " + names[0]
}
