package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/config"
)

func newPolicyDigest() *cobra.Command {
	return &cobra.Command{
		Use:   "digest (DIR | BUNDLE)",
		Short: "Print the digest of policies, by which brokers may require them",
		Long: `Prints the digest of policies as chronik.policies.digest has it: of a directory, a SHA-256 of each *.rego and data.json in it and below it, by
name and content; of a bundle, that of the file. It does not look at whether they are right, nor at who signed a bundle.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			digest, err := digestAt(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), digest)
			return err
		},
	}
}

// digestAt is the digest of a directory or a bundle.
func digestAt(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("look at the policies: %w", err)
	case info.IsDir():
		return rego.Digest(rego.Dir(os.DirFS(path)))
	default:
		return rego.BundleDigest(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	}
}

func newPolicyRequire() *cobra.Command {
	var flags policyFlags
	broker := &brokerFlags{}
	cmd := &cobra.Command{
		Use:   "require (DIR | --dir DIR | --bundle FILE --key FILE)",
		Short: "Let brokers put these policies in force, and no others",
		Long: `Sets chronik.policies.digest of all brokers to the digest of these policies, once they are found to be right: a broker that has them puts
them in force within two seconds, and others stay out. It takes ALTER_CONFIGS on the cluster and, with policy-changes in
chronik.approval.required, the approval of a second administrator: the first time it fails with the id of the request; once that is approved
by chronik approve, the same command succeeds. The brokers' files may be changed before or after. Kafka's tools can do the same:
kafka-configs --alter --entity-type brokers --entity-default --add-config chronik.policies.digest=DIGEST`,
		Args: cobra.MaximumNArgs(1),
	}
	flags.add(cmd)
	broker.on(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := flags.take(args); err != nil {
			return err
		}
		source, err := flags.source()
		if err != nil {
			return err
		}
		digest, err := rego.Check(cmd.Context(), source, flags.allow)
		if err != nil {
			return fmt.Errorf("no broker would put these policies in force: %w", err)
		}
		return broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) error {
			if err := alterConfig(ctx, client, resource{kind: kmsg.ConfigResourceTypeBroker}, config.PoliciesDigest, &digest); err != nil {
				return fmt.Errorf("policies of sha256 %s are not required: %w", digest, err)
			}
			cmd.Printf("Policies of sha256 %s are required.\n", digest)
			return nil
		})
	}
	return cmd
}
