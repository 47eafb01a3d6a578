package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/auth"
)

// newUserDelete takes a user's passwords.
func newUserDelete(broker *brokerFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a user's passwords",
		Long: `Deletes all passwords of a user, and ends the sessions that were logged in by them before it returns. ACLs of the user stay.
What he logs in by otherwise (Kerberos, a token, a certificate) is not touched; chronik user revoke ends that too.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				if _, err := u.existing(ctx, args[0]); err != nil {
					return err
				}
				n, err := u.remove(ctx, args[0])
				if err != nil {
					return err
				}
				cmd.Printf("%d password(s) of %s deleted; his sessions by them have ended.\n", n, shown(args[0]))
				return nil
			})
		},
	}
}

// newUserRevoke takes from a user all that he can log in by, and ends his sessions.
func newUserRevoke(broker *brokerFlags) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a user's sessions and refuse what he has logged in by",
		Long: `Deletes a user's passwords, then ends all of his sessions, however they were logged in, removes the delegation tokens that he
owns, and has Kerberos tickets, tokens and certificates refused that were issued before. It is done when the command returns.
Newly issued ones are let in: disable the user where they are issued. NAME is the principal's name without User:.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				if !keep {
					n, err := u.remove(ctx, args[0])
					if err != nil {
						return err
					}
					cmd.Printf("%d password(s) of %s deleted.\n", n, shown(args[0]))
				}
				principal := auth.User(args[0]).String()
				if err := u.revoke(ctx, principal); err != nil {
					return err
				}
				cmd.Printf("The sessions of %s have ended; tickets, tokens and certificates from before now are refused.\n", shown(principal))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&keep, "keep-passwords", false, "do not delete his passwords: he can log in again by them")
	return cmd
}
