package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/plan"
	"github.com/chronik-stream/chronik/broker/config"
)

// applyAtOnce is how many ACLs one request adds or removes: a broker takes a thousand filters at a time, and 4 MiB.
const applyAtOnce = 500

var (
	errACLsChanged = errors.New("the ACLs have changed since the plan was made; nothing was changed: plan anew")
	errNotYes      = errors.New("nothing was changed: the answer was not yes")
)

// applyFlags say what is applied and whether it is asked about.
type applyFlags struct {
	file, expect string
	yes          bool
}

func newAuthzApply(broker *brokerFlags) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply --file FILE",
		Short: "Change the ACLs to those of a file",
		Long: `Prints the plan, asks, and changes the ACLs of a running broker to those of the file. ACLs are added before others are removed, and nobody
gains or loses in between what he has before and after. When it ends well the ACLs were read again and are those of the file. It needs
ALTER, DESCRIBE and DESCRIBE_CONFIGS on the cluster.

Exit code 2: nothing was changed, because the answer was not yes, or because the ACLs are not those any more that the plan was made for.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			want, err := readACLs(f.file)
			if err != nil {
				return err
			}
			return f.run(cmd, broker, want)
		},
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.expect, "expect", "", "the digest that chronik authz plan has printed: other ACLs than those are not touched")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return cmd
}

// run plans and, where that is confirmed, applies. The time for the answer is nobody's: each of the two has a connection of its own.
func (f *applyFlags) run(cmd *cobra.Command, broker *brokerFlags, want []authz.Binding) error {
	out := &printer{out: cmd.OutOrStdout()}
	var p *planned
	err := broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) (err error) {
		p, err = planFor(ctx, client, want)
		return err
	})
	if err != nil {
		return err
	}
	if f.expect != "" && f.expect != plan.Digest(p.have) {
		return &exitError{exitRefused, fmt.Errorf("%w (expected %s, there is %s)", errACLsChanged, f.expect, plan.Digest(p.have))}
	}
	if err := p.print(out); err != nil || p.plan.Empty() {
		return err
	}
	if !f.yes {
		if err := confirm(cmd, "Change the ACLs so?"); err != nil {
			return err
		}
	}
	// A hundred thousand ACLs take longer than a command usually may: each request is bounded, not all together.
	return broker.withClient(cmd.Context(), func(ctx context.Context, client *kgo.Client) error {
		if err := p.apply(ctx, client); err != nil {
			return err
		}
		out.line("Done: the ACLs are those of the file, %s.", plan.Digest(want))
		return out.err
	})
}

// confirm asks on the terminal, or whatever the standard input is, until the command is interrupted.
func confirm(cmd *cobra.Command, question string) error {
	cmd.PrintErr(question + " Only yes does: ")
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 64)).ReadString('\n')
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return fmt.Errorf("read the answer: %w", a.err)
		}
		if strings.TrimSpace(a.line) == "yes" {
			return nil
		}
	case <-cmd.Context().Done():
	}
	return &exitError{exitRefused, errNotYes}
}

// apply carries out a plan if the ACLs are still those that it was made for, and looks whether they have become what it was made to.
func (p *planned) apply(ctx context.Context, client *kgo.Client) error {
	have, err := describeACLs(ctx, client, every())
	if err != nil {
		return err
	}
	if !plan.Make(p.have, have).Empty() {
		return &exitError{exitRefused, errACLsChanged}
	}
	done := 0
	for _, step := range p.plan.Steps(applyAtOnce) {
		change := deleteACLs
		if step.Add {
			change = createACLs
		}
		if err := change(ctx, client, step.ACLs); err != nil {
			return fmt.Errorf("%w; %d changes of %d were made before, and apply goes on from there", err, done, len(p.plan.Add)+len(p.plan.Remove))
		}
		done += len(step.ACLs)
	}
	if have, err = describeACLs(ctx, client, every()); err != nil {
		return fmt.Errorf("the ACLs were changed, and could not be read again: %w", err)
	}
	if left := plan.Make(have, p.want); !left.Empty() {
		return fmt.Errorf("somebody else changes ACLs: after all changes %d are missing and %d are too many; plan anew", len(left.Add), len(left.Remove))
	}
	return nil
}
