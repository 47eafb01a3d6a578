package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/authz/rego"
)

// The exit codes of chronik policy beside 0.
const (
	exitDenied    = 1
	exitUndecided = 2
)

// maxPolicyInput bounds the input document of a question.
const maxPolicyInput = 1 << 20

var (
	errDenied      = errors.New("the policies deny it")
	errTestsFailed = errors.New("tests of policies failed")
	errNoPolicies  = errors.New("one directory is needed, as an argument or by --dir, or --bundle with --key")
)

type policyFlags struct {
	dir, bundle, key, input string
	allow                   []string
}

// newPolicy gathers the commands of policies in Rego.
func newPolicy() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Test policies in Rego, ask them without a broker, and say which may be in force", Args: cobra.NoArgs}
	cmd.AddCommand(newPolicyTest(), newPolicyEval(), newPolicyExplain(), newPolicyDigest(), newPolicyRequire())
	return cmd
}

func (p *policyFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.dir, "dir", "", "the directory of the policies, as chronik.policies.dir")
	f.StringVar(&p.bundle, "bundle", "", "a signed bundle, as chronik.policies.bundle")
	f.StringVar(&p.key, "key", "", "the public key of the bundle in PEM, as chronik.policies.bundle.key")
	f.StringSliceVar(&p.allow, "allow", nil, "functions that policies may use beside those without side effects, as chronik.policies.builtins.allow")
}

// take takes the directory as an argument.
func (p *policyFlags) take(args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case p.dir != "":
		return errNoPolicies
	}
	p.dir = args[0]
	return nil
}

func (p *policyFlags) source() (rego.Source, error) {
	switch {
	case given(p.dir, p.bundle) != 1 || (p.bundle == "") != (p.key == ""):
		return nil, errNoPolicies
	case p.dir != "":
		return rego.Dir(os.DirFS(p.dir)), nil
	}
	key, err := os.ReadFile(p.key)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	return rego.Bundle(os.DirFS(filepath.Dir(p.bundle)), filepath.Base(p.bundle), key)
}

func newPolicyTest() *cobra.Command {
	var flags policyFlags
	cmd := &cobra.Command{
		Use:   "test (DIR | --dir DIR | --bundle FILE --key FILE)",
		Short: "Run the tests of policies: the rules whose names begin with test_ in *_test.rego",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.take(args); err != nil {
				return err
			}
			return runPolicyTest(cmd.Context(), cmd.OutOrStdout(), &flags)
		},
	}
	flags.add(cmd)
	return cmd
}

func runPolicyTest(ctx context.Context, out io.Writer, flags *policyFlags) error {
	source, err := flags.source()
	if err != nil {
		return err
	}
	results, err := rego.Test(ctx, source, flags.allow)
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		what := "ok"
		if !r.Passed {
			failed++
			what = "FAILED"
		}
		if r.Err != nil {
			what += " " + r.Err.Error()
		}
		if _, err := fmt.Fprintln(out, shown(r.Name), shown(what)); err != nil {
			return err
		}
	}
	if failed > 0 || len(results) == 0 {
		return fmt.Errorf("%w: %d of %d", errTestsFailed, failed, len(results))
	}
	return nil
}

func newPolicyEval() *cobra.Command {
	return newPolicyQuestion("eval", "Ask policies about an input document in JSON, from a file or the standard input", false)
}

func newPolicyExplain() *cobra.Command {
	return newPolicyQuestion("explain", "As eval, with each step of the evaluation", true)
}

func newPolicyQuestion(name, short string, trace bool) *cobra.Command {
	var flags policyFlags
	cmd := &cobra.Command{
		Use:   name + " (DIR | --dir DIR | --bundle FILE --key FILE) [--input FILE]",
		Short: short,
		Long:  short + ".\n\nExit code 0: they allow; 1: they deny; 2: it could not be decided.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.take(args); err != nil {
				return &exitError{exitUndecided, err}
			}
			out := cmd.OutOrStdout()
			if trace {
				return askPolicies(cmd, &flags, out)
			}
			return askPolicies(cmd, &flags, nil)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&flags.input, "input", "-", "a file with the input document; - is the standard input")
	return cmd
}

func askPolicies(cmd *cobra.Command, flags *policyFlags, trace io.Writer) error {
	source, err := flags.source()
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	input, err := policyInput(cmd, flags.input)
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	o, err := rego.Try(cmd.Context(), source, flags.allow, input, trace)
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	answer := "denied"
	if o.Allowed {
		answer = "allowed"
	}
	if _, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSuffix(answer+": "+shown(o.Reason), ": ")); err != nil {
		return &exitError{exitUndecided, err}
	}
	if !o.Allowed {
		return &exitError{exitDenied, errDenied}
	}
	return nil
}

func policyInput(cmd *cobra.Command, name string) (string, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the operator names it
		if err != nil {
			return "", fmt.Errorf("--input: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxPolicyInput+1))
	if err != nil {
		return "", fmt.Errorf("--input: %w", err)
	}
	if len(b) > maxPolicyInput {
		return "", fmt.Errorf("--input: more than %d bytes", maxPolicyInput)
	}
	return string(b), nil
}
