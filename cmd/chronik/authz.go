package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
)

// newAuthz is the group of commands about who may do what.
func newAuthz() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "authz",
		Short: "Ask who may do what, and why, and keep ACLs in a file",
		Long: `Asks a running broker who may do what, and brings its ACLs into a file and back, over an ordinary connection, with the client's settings
that Apache Kafka's tools take. To ask needs DESCRIBE on the cluster, as kafka-acls --list does.`,
	}
	flags := &brokerFlags{}
	flags.on(cmd)
	cmd.AddCommand(newAuthzExplain(flags), newAuthzWhoCan(flags), newAuthzExport(flags), newAuthzPlan(flags), newAuthzApply(flags))
	cmd.AddCommand(newAuthzSuggest(flags), newAuthzReplay(flags))
	return cmd
}

// brokerError is an error that a broker answered with, nil for none. needs is what the caller has to be allowed for.
func brokerError(code int16, message *string, needs string) error {
	err := kerr.ErrorForCode(code)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return fmt.Errorf("%w: it needs %s on the cluster", err, needs)
	case message == nil:
		return err
	}
	return fmt.Errorf("%w: %s", err, *message)
}

// aclText is an ACL on one line.
func aclText(a *explain.ACL) string {
	return fmt.Sprintf("%s %s on %s %s (%s) for %s from host %s",
		a.PermissionType, a.Operation, a.ResourceType, shown(a.Name), a.PatternType, shown(a.Principal), shown(a.Host))
}

// ruleText says what decided.
func ruleText(v *explain.Verdict) string {
	switch {
	case v.ACL != nil:
		return "the ACL " + aclText(v.ACL)
	case v.Reason == acl.ReasonSuperUser:
		return "the rule: super users may do everything"
	case v.Reason == acl.ReasonDefault:
		return "the rule: what no ACL allows is denied"
	case v.Reason == acl.ReasonNoACL:
		return "allow.everyone.if.no.acl.found: no ACL of anybody speaks of the resource"
	default:
		return "the rule: " + shown(v.Reason)
	}
}

func verdictText(v *explain.Verdict) string {
	if v.Allowed {
		return "ALLOWED"
	}
	return "DENIED"
}

// resourceText is a resource as it is written in sentences.
func resourceText(on authz.Resource) string {
	if on.Type == authz.Cluster {
		return "the cluster"
	}
	return on.Type.String() + " " + shown(on.Name)
}

// resourceNames are the types as arguments have them.
var resourceNames = map[string]authz.ResourceType{
	"topic": authz.Topic, "group": authz.Group, "cluster": authz.Cluster, "transactional-id": authz.TransactionalID,
	"delegation-token": authz.DelegationToken, "user": authz.UserResource,
}

// parseResource reads TYPE:NAME, such as topic:orders; cluster needs no name.
func parseResource(text string) (authz.Resource, error) {
	kind, name, _ := strings.Cut(text, ":")
	on := authz.Resource{Type: resourceNames[strings.ReplaceAll(strings.ToLower(kind), "_", "-")], Name: name}
	switch {
	case on.Type == 0:
		return on, fmt.Errorf("unknown resource %q: it is topic:NAME, group:NAME, cluster, transactional-id:NAME, delegation-token:ID or user:Type:NAME", text)
	case on.Type == authz.Cluster && (name == "" || name == authz.ClusterName):
		return authz.TheCluster(), nil
	case on.Type == authz.Cluster:
		return on, fmt.Errorf("the only cluster is %s, not %q", authz.ClusterName, name)
	case name == "":
		return on, fmt.Errorf("the resource %q has no name: it is %s:NAME", text, kind)
	}
	return on, nil
}
