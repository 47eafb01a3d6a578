package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/authz/plan"
	"github.com/chronik-stream/chronik/broker/config"
)

// planned is a plan with what it rests on.
type planned struct {
	have, want []authz.Binding
	plan       *plan.Plan
	settings   *authorizerSettings
}

func newAuthzPlan(broker *brokerFlags) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "plan --file FILE",
		Short: "Say what a file of ACLs would change, who gains and who loses what",
		Long: `Compares the ACLs of a running broker with those of a file, and says which would be added and removed, and who could do what he can not
do now, or could not do what he can: an ALLOW that a DENY hides gives nothing. Nothing is changed. It needs DESCRIBE and DESCRIBE_CONFIGS on
the cluster.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			want, err := readACLs(file)
			if err != nil {
				return err
			}
			return broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) error {
				p, err := planFor(ctx, client, want)
				if err != nil {
					return err
				}
				return p.print(&printer{out: cmd.OutOrStdout()})
			})
		},
	}
	fileFlag(cmd, &file)
	return cmd
}

func fileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "file", "", "the file with all ACLs that there are to be, as chronik authz export prints them")
	_ = cmd.MarkFlagRequired("file") // it fails for a flag that there is not
}

func readACLs(path string) ([]authz.Binding, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("the file of ACLs: %w", err)
	}
	defer func() { _ = file.Close() }()
	acls, err := plan.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return acls, nil
}

func planFor(ctx context.Context, client *kgo.Client, want []authz.Binding) (*planned, error) {
	settings, err := settingsOf(ctx, client)
	if err != nil {
		return nil, err
	}
	have, err := describeACLs(ctx, client, every())
	if err != nil {
		return nil, err
	}
	return &planned{have: have, want: want, plan: plan.Make(have, want), settings: settings}, nil
}

func (p *planned) print(to *printer) error {
	to.line("There are %d ACLs now, %s.", len(p.have), plan.Digest(p.have))
	if p.plan.Empty() {
		to.line("The file has the same: there is nothing to do.")
		return to.err
	}
	to.line("To add: %d. To remove: %d.", len(p.plan.Add), len(p.plan.Remove))
	to.acls("+", p.plan.Add)
	to.acls("-", p.plan.Remove)
	effects, err := plan.Effects(p.settings.rules, p.have, p.want)
	if err != nil {
		return errors.Join(to.err, err)
	}
	to.effects("Gains:", effects, true)
	to.effects("Loses:", effects, false)
	if len(p.settings.rules.SuperUsers) > 0 {
		to.line("Super users gain and lose nothing.")
	}
	if note := p.settings.modeNote(); note != "" {
		to.line("%s", note)
	}
	return to.err
}

func (p *printer) acls(sign string, acls []authz.Binding) {
	for _, b := range acls {
		a := explain.ACLOf(b)
		p.line("  %s %s", sign, aclText(&a))
	}
}

func (p *printer) effects(title string, all []plan.Effect, gains bool) {
	p.line("%s", title)
	some := false
	for i := range all {
		if e := &all[i]; e.Gains == gains {
			p.line("  %s: %s on %s, %s", affectedText(e), operationsText(e.Operations), patternText(e.On), hostsText(e))
			some = true
		}
	}
	if !some {
		p.line("  nobody anything")
	}
}

func affectedText(e *plan.Effect) string {
	switch {
	case e.Principal != explain.Everybody:
		return shown(e.Principal)
	case e.On.Kind == authz.AnyPattern:
		return fmt.Sprintf("every principal that no ACL on a %s names", e.On.Type)
	default:
		return "every principal that no ACL on it names"
	}
}

func operationsText(ops []authz.Operation) string {
	names := make([]string, len(ops))
	for i, op := range ops {
		names[i] = op.String()
	}
	return strings.Join(names, ", ")
}

// patternText says which resources a pattern stands for.
func patternText(p plan.Pattern) string {
	switch {
	case p.Kind == authz.AnyPattern:
		return fmt.Sprintf("some %s, as idempotent producers need", p.Type)
	case p.Kind == authz.Prefixed:
		return fmt.Sprintf("each %s that begins with %s and that no narrower ACL names", p.Type, shown(p.Name))
	case p.Name == authz.Wildcard:
		return fmt.Sprintf("each %s that no narrower ACL names", p.Type)
	default:
		return resourceText(authz.Resource{Type: p.Type, Name: p.Name})
	}
}

func hostsText(e *plan.Effect) string {
	hosts := make([]string, len(e.Hosts))
	for i, h := range slices.Sorted(slices.Values(e.Hosts)) {
		hosts[i] = shown(h)
	}
	list := strings.Join(hosts, ", ")
	switch {
	case !e.AnyHost:
		return "from " + list
	case len(hosts) > 0:
		return "from any host but " + list
	default:
		return "from any host"
	}
}
