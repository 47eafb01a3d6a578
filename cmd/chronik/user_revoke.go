package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

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
				of, err := u.existing(ctx, args[0])
				if err != nil {
					return err
				}
				if err := u.remove(ctx, args[0], of); err != nil {
					return err
				}
				cmd.Printf("%d password(s) of %s deleted; his sessions by them have ended.\n", len(of), shown(args[0]))
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
		Long: `Deletes a user's passwords, ends all of his sessions, however they were logged in, removes the delegation tokens that he
owns, and has Kerberos tickets, tokens and certificates refused that were issued before. It is done when the command returns.
Newly issued ones are let in: disable the user where they are issued. NAME is the principal's name without User:.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				n, err := u.revokeUser(ctx, args[0], keep)
				if err != nil {
					return err
				}
				if !keep {
					cmd.Printf("%d password(s) of %s deleted.\n", n, shown(args[0]))
				}
				cmd.Printf("The sessions of %s have ended; tickets, tokens and certificates from before now are refused.\n", shown(auth.User(args[0]).String()))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&keep, "keep-passwords", false, "do not delete his passwords: he can log in again by them")
	return cmd
}

// revokeUser takes a user's passwords, unless he keeps them, and then revokes him, so that he does not come back in between. Who revokes
// himself needs his own password until the end. It returns how many passwords there were.
func (u users) revokeUser(ctx context.Context, name string, keep bool) (passwords int, err error) {
	var before, after []kadm.CredInfo
	if !keep {
		if before, err = u.credentials(ctx, name); err != nil {
			return 0, err
		}
	}
	passwords = len(before)
	if name == u.name && passwords > 0 {
		before, after = before[:passwords-1], before[passwords-1:]
	}
	if err := u.remove(ctx, name, before); err != nil {
		return 0, fmt.Errorf("%s is not revoked: %w", name, err)
	}
	if err := u.revoke(ctx, auth.User(name).String()); err != nil {
		return 0, fmt.Errorf("%w; passwords of his that are not deleted: %d", err, len(after))
	}
	return passwords, u.remove(ctx, name, after)
}
