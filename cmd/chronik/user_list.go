package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/auth"
)

// newUserList lists the users.
func newUserList(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the users that have passwords, and the principals that were revoked",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				all, err := u.admin.DescribeUserSCRAMs(ctx)
				if err != nil {
					return fmt.Errorf("list users: %w", err)
				}
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, user := range all.Sorted() {
					for _, c := range user.CredInfos {
						_, _ = fmt.Fprintf(table, "%s\t%s\t%d iterations\n", shown(user.User), c.Mechanism, c.Iterations)
					}
				}
				revoked, err := u.revoked(ctx)
				if err != nil {
					return err
				}
				for _, principal := range revoked {
					_, _ = fmt.Fprintf(table, "%s\trevoked\tchronik user show tells when\n", shown(principal))
				}
				return table.Flush()
			})
		},
	}
}

// newUserShow shows one user.
func newUserShow(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show what a user can log in by, and whether he was revoked",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				of, err := u.credentials(ctx, args[0])
				if err != nil {
					return err
				}
				principal := auth.User(args[0]).String()
				before, err := u.revokedBefore(ctx, principal)
				if err != nil {
					return err
				}
				show(cmd, principal, of, before)
				return nil
			})
		},
	}
}

func show(cmd *cobra.Command, principal string, of []kadm.CredInfo, revokedBefore string) {
	cmd.Println(shown(principal))
	if len(of) == 0 {
		cmd.Println("  no password of the broker's")
	}
	for _, c := range of {
		cmd.Printf("  %s, %d iterations\n", c.Mechanism, c.Iterations)
	}
	if ms, err := strconv.ParseInt(revokedBefore, 10, 64); err == nil {
		cmd.Printf("  revoked: tickets, tokens and certificates from before %s are refused\n", time.UnixMilli(ms).UTC().Format(time.RFC3339Nano))
	}
}
