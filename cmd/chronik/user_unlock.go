package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
)

// newUserUnlock ends a user's lock-out.
func newUserUnlock(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "unlock NAME",
		Short: "End a user's lock-out after failed log-ins",
		Long: `Ends the lock-outs of a user (chronik.login.lockout.attempts) and forgets his failed log-ins, from whatever address they came. NAME is the
one that he logs in by. What an address is held back for, whoever it guesses at, stays.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				if err := u.alterPrincipal(ctx, auth.User(args[0]).String(), loginLockedKey, kmsg.StringPtr("false")); err != nil {
					return fmt.Errorf("unlock %s: %w", args[0], err)
				}
				cmd.Printf("No lock-out keeps %s out now.\n", shown(args[0]))
				return nil
			})
		},
	}
}

// newUserReinstate forgets a revocation.
func newUserReinstate(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "reinstate NAME",
		Short: "Take a revocation back",
		Long: `Forgets that a user was revoked: tickets, tokens and certificates from before are good again until they expire. His passwords and
delegation tokens do not come back.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				principal := auth.User(args[0]).String()
				if err := u.alterPrincipal(ctx, principal, revokedBeforeKey, nil); err != nil {
					return fmt.Errorf("reinstate %s: %w", args[0], err)
				}
				cmd.Printf("%s is not revoked any more.\n", shown(principal))
				return nil
			})
		},
	}
}
