package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/audit/replay"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/config"
)

// The exit codes of chronik authz replay beside 0.
const (
	exitFlips       = 1
	exitNotReplayed = 2
)

var (
	errFlips       = errors.New("decisions would be others")
	errNoCandidate = errors.New("one of --acls and --policies is needed, or both")
)

type replayFlags struct {
	since, acls, policies, mode, output string
	allow                               []string
}

// newAuthzReplay decides what was recorded by rules that are not in force.
func newAuthzReplay(where *brokerFlags) *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay [--since 7d] (--acls FILE | --policies DIR)",
		Short: "Try other ACLs or policies on the decisions that were recorded",
		Long: `Reads the decisions from the audit log (denials, and with chronik.audit.access what was allowed), makes each again by the ACLs of a file or the
policies of a directory, and lists those that would be others. What is not given is as in the broker: its ACLs, and its super users always.
Policies see what was recorded: principal, groups, host, listener, mechanism, TLS, certificate, API, its version, client id and time. What was
done often is tried for its first and its last time.

It needs READ on the topic __audit_log, DESCRIBE and DESCRIBE_CONFIGS on the cluster.

Exit code 0: no decision would be another; 1: some would; 2: it could not be replayed.`,
		Args: notChecked(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReplay(cmd.Context(), cmd.OutOrStdout(), where, &flags)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitNotReplayed, err} })
	f := cmd.Flags()
	f.StringVar(&flags.since, "since", "7d", "since when: a time span such as 7d, 12h or 30m, or a time such as 2030-01-31T00:00:00Z")
	f.StringVar(&flags.acls, "acls", "", "a file with all ACLs, as YAML; those of the broker when left out")
	f.StringVar(&flags.policies, "policies", "", "a directory with policies, as chronik.policies.dir")
	f.StringSliceVar(&flags.allow, "allow", nil, "functions that policies may use beside those without side effects, as chronik.policies.builtins.allow")
	f.StringVar(&flags.mode, "mode", "", "opa or acl+opa, as chronik.authorizer.mode; that of the broker when left out, acl+opa where it has none")
	f.StringVar(&flags.output, "output", "text", "text or json")
	return cmd
}

func runReplay(ctx context.Context, out io.Writer, where *brokerFlags, flags *replayFlags) error {
	report, err := replayed(ctx, where, flags)
	if err == nil && flags.output == "json" {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else if err == nil {
		err = writeReplay(out, report)
	}
	if err != nil {
		return &exitError{exitNotReplayed, err}
	}
	if n := len(report.Flips); n > 0 {
		return &exitError{exitFlips, fmt.Errorf("%w: %d", errFlips, n)}
	}
	return nil
}

func replayed(ctx context.Context, where *brokerFlags, flags *replayFlags) (*replay.Report, error) {
	since, err := parseSince(flags.since, time.Now())
	switch {
	case err != nil:
		return nil, err
	case flags.acls == "" && flags.policies == "":
		return nil, errNoCandidate
	case flags.output != "text" && flags.output != "json":
		return nil, fmt.Errorf("--output is text or json, not %q", flags.output)
	}
	var report replay.Report
	err = where.withClient(ctx, func(ctx context.Context, client *kgo.Client) error {
		candidate, err := candidateOf(ctx, client, flags)
		if err != nil {
			return err
		}
		r := replay.New(*candidate)
		trail, err := readTrail(ctx, client, since, r.Add)
		if err != nil {
			return err
		}
		report = r.Report(trail)
		return nil
	})
	return &report, err
}

// candidateOf are the rules of the broker with what the flags put in the place of some.
func candidateOf(ctx context.Context, client *kgo.Client, flags *replayFlags) (*replay.Candidate, error) {
	rules, err := rulesOf(ctx, client)
	if err != nil {
		return nil, err
	}
	if flags.acls != "" {
		if rules.acls, err = readACLs(flags.acls); err != nil {
			return nil, err
		}
	}
	acls := acl.New(rules.settings.rules)
	acls.Load(1, rules.acls)
	decides := rules.settings.mode == config.ModeOPA || rules.settings.mode == config.ModeBoth
	switch {
	case flags.policies != "":
		return withPolicies(ctx, acls, rules.settings.mode, flags)
	case decides:
		return nil, fmt.Errorf("chronik.authorizer.mode of the broker is %s: its policies decide too, and have to be given by --policies", rules.settings.mode)
	}
	return &replay.Candidate{Authorizer: acls}, nil
}

// withPolicies puts policies beside ACLs, and sets their clock by the decisions.
func withPolicies(ctx context.Context, acls authz.Authorizer, mode config.AuthorizerMode, flags *replayFlags) (*replay.Candidate, error) {
	if flags.mode != "" {
		mode = config.AuthorizerMode(flags.mode)
	}
	as := rego.Both
	switch {
	case mode == config.ModeOPA:
		as = rego.Policies
	case flags.mode != "" && mode != config.ModeBoth:
		return nil, fmt.Errorf("--mode is opa or acl+opa, not %q", flags.mode)
	}
	now := time.Now()
	engine, err := rego.New(ctx, rego.Config{
		Source: rego.Dir(os.DirFS(flags.policies)), Allowed: flags.allow, Clock: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, fmt.Errorf("--policies: %w", err)
	}
	return &replay.Candidate{
		Authorizer: rego.NewAuthorizer(rego.Rules{Mode: as, ACLs: acls, Engine: engine}),
		At:         func(at time.Time) { now = at },
	}, nil
}

func writeReplay(out io.Writer, r *replay.Report) error {
	p := &printer{out: out}
	for i := range r.Flips {
		f := &r.Flips[i]
		change := "would be DENIED "
		if f.Allowed {
			change = "would be ALLOWED"
		}
		p.line("%s %s %s on %s %s: %d times, last %s, from %s; was: %s; would be: %s", change, shown(f.Principal), f.Operation, f.Resource,
			shown(f.Name), f.Count, f.Last.Format(time.RFC3339), shown(strings.Join(f.Hosts, ", ")), whyText(f.Was), whyText(f.Would))
	}
	for _, note := range r.Notes {
		p.line("note: %s", shown(note))
	}
	p.line("%d recorded decisions, %d different ones; %d would be denied, %d would be allowed.", r.Decisions, r.Distinct, r.Lost, r.Gained)
	return p.err
}

func whyText(w replay.Why) string {
	if w.ACL == "" {
		return shown(w.Reason)
	}
	return shown(w.ACL)
}
