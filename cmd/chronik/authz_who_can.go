package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/config"
)

func newAuthzWhoCan(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "who-can OPERATION TYPE:NAME",
		Short: "List who may do something, and by which ACL",
		Long: `Lists all principals that may do something, super users included, by which ACL and from where, and those whom an ACL denies it. It
needs DESCRIBE and DESCRIBE_CONFIGS on the cluster: the second for super.users.`,
		Example: `  chronik authz who-can READ topic:orders --bootstrap-server broker:9093 --command-config admin.properties
  chronik authz who-can ALTER cluster --bootstrap-server broker:9093 --command-config admin.properties`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			op, err := authz.ParseOperation(args[0])
			if err != nil {
				return err
			}
			if op == authz.All {
				return fmt.Errorf("ALL is no operation that anybody does; ask about one of %v", authz.OperationsOn(authz.Topic))
			}
			on, err := parseResource(args[1])
			if err != nil {
				return err
			}
			return broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) error {
				return whoCan(ctx, cmd.OutOrStdout(), client, op, on)
			})
		},
	}
}

func whoCan(ctx context.Context, out io.Writer, client *kgo.Client, op authz.Operation, on authz.Resource) error {
	settings, err := settingsOf(ctx, client)
	if err != nil {
		return err
	}
	f := every()
	f.Type, f.Name, f.Pattern = on.Type, &on.Name, authz.Match
	bindings, err := describeACLs(ctx, client, f)
	if err != nil {
		return err
	}
	authorizer := acl.New(settings.rules)
	authorizer.Load(1, bindings)
	p := &printer{out: out}
	p.line("%s on %s", op, resourceText(on))
	p.superUsers(settings)
	all := explain.WhoCan(authorizer.Pin(), bindings, op, on)
	if settings.mode == config.ModeOPA {
		all = slices.DeleteFunc(all, func(a explain.Access) bool { return a.Decision.Allowed }) // policies alone allow
	}
	p.access(all)
	if note := settings.modeNote(); note != "" {
		p.line("%s", note)
	}
	return p.err
}

func (p *printer) superUsers(s *authorizerSettings) {
	for _, user := range s.rules.SuperUsers {
		p.line("  may: %s, a super user", shown(user.String()))
	}
	for _, listener := range slices.Sorted(maps.Keys(s.rules.SuperUsersBy)) {
		for _, user := range s.rules.SuperUsersBy[listener] {
			p.line("  may: %s, a super user by listener %s", shown(user.String()), shown(listener))
		}
	}
}

// access prints who may and then whom an ACL denies it. Whoever is only not allowed is not listed. From a host that is named for a
// principal it is said again only where the answer or its reason is another one.
func (p *printer) access(all []explain.Access) {
	var base *explain.Access
	var may, denied []explain.Access
	for i := range all {
		a := &all[i]
		switch {
		case a.Host == authz.AnyHost:
			base = a
		case base != nil && base.Principal == a.Principal && base.Decision == a.Decision:
			continue
		}
		switch {
		case a.Decision.Reason == acl.ReasonSuperUser:
		case a.Decision.Allowed:
			may = append(may, *a)
		case a.Decision.Rule != nil:
			denied = append(denied, *a)
		}
	}
	if len(may) == 0 {
		p.line("  no ACL allows it to anybody else")
	}
	for i := range may {
		p.oneAccess("may", &may[i], all)
	}
	for i := range denied {
		p.oneAccess("denied", &denied[i], all)
	}
}

func (p *printer) oneAccess(what string, a *explain.Access, all []explain.Access) {
	who, from := shown(a.Principal), "from any host"
	if a.Principal == explain.Everybody {
		who = explain.Everybody + " (every principal that is not listed here)"
	}
	differs := slices.ContainsFunc(all, func(b explain.Access) bool {
		return b.Principal == a.Principal && b.Decision.Allowed != a.Decision.Allowed
	})
	switch {
	case a.Host != authz.AnyHost:
		from = "from host " + shown(a.Host)
	case differs:
		from = "from any host that is not listed here"
	}
	v := explain.VerdictOf(a.Decision)
	p.line("  %s: %s, %s, by %s", what, who, from, ruleText(&v))
}
