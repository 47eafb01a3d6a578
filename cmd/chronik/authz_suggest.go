package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/audit/suggest"
	"github.com/chronik-stream/chronik/authz/plan"
	"github.com/chronik-stream/chronik/broker/config"
)

var errNoPrefix = errors.New("--prefixes has an empty one")

type suggestFlags struct {
	since    string
	prefixes []string
	hosts    bool
}

// newAuthzSuggest derives ACLs from what was done.
func newAuthzSuggest(where *brokerFlags) *cobra.Command {
	var flags suggestFlags
	cmd := &cobra.Command{
		Use:   "suggest [--since 7d] [--prefixes NAME,...] [--hosts]",
		Short: "Derive the least ACLs from what principals really did",
		Long: `Reads what was allowed from the audit log (chronik.audit.access) and prints the least ACLs that allow it, as YAML. ACLs in force that deny are
kept. Comments tell of ACLs in force that nobody used, that are wider than what was done, of topics that were asked for and that there are
not, and of what the log can not tell: what happens once a year is not in a week.

It needs READ on the topic __audit_log, DESCRIBE and DESCRIBE_CONFIGS on the cluster.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSuggest(cmd.Context(), cmd.OutOrStdout(), where, &flags)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.since, "since", "7d", "since when: a time span such as 7d, 12h or 30m, or a time such as 2030-01-31T00:00:00Z")
	f.StringSliceVar(&flags.prefixes, "prefixes", nil, "beginnings of names: one prefixed ACL stands for the resources of a principal that begin so")
	f.BoolVar(&flags.hosts, "hosts", false, "allow only the hosts that uses came from")
	return cmd
}

func runSuggest(ctx context.Context, out io.Writer, where *brokerFlags, flags *suggestFlags) error {
	since, err := parseSince(flags.since, time.Now())
	if err != nil {
		return err
	}
	if slices.Contains(flags.prefixes, "") {
		return errNoPrefix // no ACL has the prefix of all names: that would be the wildcard
	}
	var report suggest.Report
	var mode config.AuthorizerMode
	err = where.withClient(ctx, func(ctx context.Context, client *kgo.Client) error {
		rules, err := rulesOf(ctx, client)
		if err != nil {
			return err
		}
		mode = rules.settings.mode
		topics, err := topicNames(ctx, client)
		if err != nil {
			return err
		}
		s := suggest.New(suggest.Config{Current: rules.acls, Topics: topics, Prefixes: flags.prefixes, Hosts: flags.hosts})
		trail, err := readTrail(ctx, client, since, s.Add)
		if err != nil {
			return err
		}
		report = s.Report(trail)
		return nil
	})
	if err != nil {
		return err
	}
	return writeSuggestion(out, &report, mode, since)
}

// topicNames are the names of all topics, whether the caller may describe them or not.
func topicNames(ctx context.Context, client *kgo.Client) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	all, err := configured(ctx, client, kmsg.ConfigResourceTypeTopic)
	if err != nil {
		return nil, fmt.Errorf("list the topics (DESCRIBE_CONFIGS on the cluster): %w", err)
	}
	names := make(map[string]bool, len(all))
	for _, name := range all {
		names[name] = true
	}
	return names, nil
}

// writeSuggestion writes the ACLs, behind comments.
func writeSuggestion(out io.Writer, r *suggest.Report, mode config.AuthorizerMode, since time.Time) error {
	p := &printer{out: out}
	p.line("# The least ACLs for what was done since %s.", since.UTC().Format(time.RFC3339))
	p.line("# note: lists of all topics, groups, transactions and tokens show what one may DESCRIBE, and are no uses: who needs them needs more than this")
	for _, note := range r.Notes {
		p.line("# note: %s", shown(note))
	}
	if mode != config.ModeACL {
		p.line("# note: chronik.authorizer.mode is %s: policies decide too", shown(string(mode)))
	}
	for _, user := range r.SuperUsers {
		p.line("# super user, needs no ACL: %s", shown(user))
	}
	for _, m := range r.Missing {
		p.line("# no such topic, no ACL for it: %s %s on %s", shown(m.Principal), m.Operation, shown(m.Topics))
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		p.line("# %s: %s: %s", f.What, shown(audit.RuleText(&f.ACL)), shown(f.Detail))
	}
	if p.err != nil {
		return fmt.Errorf("write the suggestion: %w", p.err)
	}
	return plan.Write(out, r.ACLs)
}
