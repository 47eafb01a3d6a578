package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/auth/scram"
)

// newUserAdd makes a user.
func newUserAdd(broker *brokerFlags) *cobra.Command {
	var mechanisms []string
	var iterations int
	secret := &passwordFlag{}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a user",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hashes, err := hashesOf(mechanisms)
			if err != nil {
				return err
			}
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				if of, err := u.credentials(ctx, args[0]); err != nil || len(of) > 0 {
					return orExists(err, args[0])
				}
				return u.set(ctx, cmd, secret, args[0], hashes, func(scram.Hash) int { return iterations })
			})
		},
	}
	secret.on(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&mechanisms, "mechanism", []string{"SCRAM-SHA-512"}, "SCRAM-SHA-256, SCRAM-SHA-512, or both, separated by a comma")
	flags.IntVar(&iterations, "iterations", scram.DefaultIterations, "how often the password is hashed; give all users the same")
	return cmd
}

func orExists(err error, user string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", errUserExists, user)
}

// newUserPasswd changes a user's password.
func newUserPasswd(broker *brokerFlags) *cobra.Command {
	secret := &passwordFlag{}
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Change a user's password",
		Long: `Changes the password of a user, for each mechanism that he has one for. His sessions end, at once or after
chronik.credential.rotation.grace.ms.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return broker.withUsers(cmd, func(ctx context.Context, u users) error {
				of, err := u.existing(ctx, args[0])
				if err != nil {
					return err
				}
				var hashes []scram.Hash
				iterations := map[scram.Hash]int{}
				for _, c := range of {
					h := scram.Hash(c.Mechanism)
					hashes, iterations[h] = append(hashes, h), int(c.Iterations)
				}
				return u.set(ctx, cmd, secret, args[0], hashes, func(h scram.Hash) int { return iterations[h] })
			})
		},
	}
	secret.on(cmd)
	return cmd
}

func hashesOf(mechanisms []string) ([]scram.Hash, error) {
	var hashes []scram.Hash
	for _, m := range mechanisms {
		h, err := scram.ParseHash(m)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// set reads a password and makes credentials of it. The salts are made here, of the form that all others have.
func (u users) set(ctx context.Context, cmd *cobra.Command, secret *passwordFlag, user string, hashes []scram.Hash, iterations func(scram.Hash) int) error {
	policy := u.policy(ctx)
	text, err := secret.read(cmd, user)
	if err != nil {
		return err
	}
	if err := policy.Check(user, text); err != nil {
		return err
	}
	// Typing may take longer than the time that a command has with the broker.
	ctx, cancel := context.WithTimeout(cmd.Context(), clientTimeout)
	defer cancel()
	for _, h := range hashes {
		salt := scram.NewSalt()
		salted, err := scram.Salted(text, salt, iterations(h), h)
		if err != nil {
			return err
		}
		upsert := kadm.UpsertSCRAM{
			User: user, Mechanism: kadm.ScramMechanism(h), Iterations: int32(iterations(h)), Salt: salt, SaltedPassword: salted, //nolint:gosec // Salted has checked it
		}
		if err := u.alter(ctx, user, nil, []kadm.UpsertSCRAM{upsert}); err != nil {
			return err
		}
		cmd.Printf("%s has a password for %s, %d iterations.\n", shown(user), h, iterations(h))
	}
	return nil
}
