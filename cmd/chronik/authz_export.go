package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/authz/plan"
	"github.com/chronik-stream/chronik/broker/config"
)

func newAuthzExport(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Print all ACLs as YAML",
		Long: `Prints all ACLs as YAML, one a line and sorted: the same ACLs are the same bytes. It needs DESCRIBE on the cluster. What is printed is what
chronik authz plan and apply read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) error {
				acls, err := describeACLs(ctx, client, every())
				if err != nil {
					return err
				}
				return plan.Write(cmd.OutOrStdout(), acls)
			})
		},
	}
}
