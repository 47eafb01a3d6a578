package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth/password"
	"github.com/chronik-stream/chronik/broker/config"
)

var (
	errUserExists  = errors.New("the user exists; chronik user passwd changes his password")
	errUserUnknown = errors.New("the user has no SCRAM credential")
)

// newUser is the group of commands about users and their passwords.
func newUser() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Manage users and their passwords",
		Long: `Manages the users of SCRAM (and of PLAIN, where it checks the same) of a running broker, over an ordinary connection: whoever may ALTER
the cluster. The broker never sees a password that is set here. Passwords are asked for and not shown, or read from a file, and
have to satisfy the broker's chronik.password.min.length.`,
	}
	flags := &brokerFlags{}
	flags.on(cmd)
	cmd.AddCommand(newUserAdd(flags), newUserPasswd(flags), newUserList(flags), newUserShow(flags), newUserDelete(flags),
		newUserRevoke(flags), newUserReinstate(flags), newUserUnlock(flags))
	return cmd
}

// users is what the commands ask a broker.
type users struct {
	client *kgo.Client
	admin  *kadm.Client
	// name and mechanism are what the command itself logs in by, "" without SASL.
	name, mechanism string
}

// withUsers runs something with a broker.
func (f *brokerFlags) withUsers(cmd *cobra.Command, run func(context.Context, users) error) error {
	return f.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, as *config.Client) error {
		return run(ctx, users{client: client, admin: kadm.NewClient(client), name: as.User, mechanism: as.Mechanism})
	})
}

// credentials are those of one user; nil where he has none.
func (u users) credentials(ctx context.Context, user string) ([]kadm.CredInfo, error) {
	described, err := u.admin.DescribeUserSCRAMs(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("describe user %s: %w", user, err)
	}
	of := described[user]
	switch {
	case errors.Is(of.Err, kerr.ResourceNotFound):
		return nil, nil
	case of.Err != nil:
		return nil, fmt.Errorf("describe user %s: %w: %s", user, of.Err, of.ErrMessage)
	}
	u.ownLast(of.CredInfos)
	return of.CredInfos, nil
}

// existing is credentials of a user who has to have some.
func (u users) existing(ctx context.Context, user string) ([]kadm.CredInfo, error) {
	of, err := u.credentials(ctx, user)
	if err == nil && len(of) == 0 {
		err = fmt.Errorf("%w: %s", errUserUnknown, user)
	}
	return of, err
}

// ownLast puts the credential last that the command may have logged in by. When it is one's own, changing or deleting it ends the session
// and nothing else can be changed.
func (u users) ownLast(of []kadm.CredInfo) {
	last := kadm.ScramSha512 // PLAIN is checked against the strongest
	if u.mechanism == kadm.ScramSha256.String() {
		last = kadm.ScramSha256
	}
	isLast := func(c kadm.CredInfo) int {
		if c.Mechanism == last {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(of, func(a, b kadm.CredInfo) int { return isLast(a) - isLast(b) })
}

// alter makes one change of a user's credentials: a request may name a user once.
func (u users) alter(ctx context.Context, user string, del []kadm.DeleteSCRAM, upsert []kadm.UpsertSCRAM) error {
	altered, err := u.admin.AlterUserSCRAMs(ctx, del, upsert)
	if err != nil {
		return fmt.Errorf("change user %s: %w", user, err)
	}
	if of := altered[user]; of.Err != nil {
		return fmt.Errorf("change user %s: %w: %s", user, of.Err, of.ErrMessage)
	}
	return nil
}

// remove deletes credentials of a user, and says how many are left when it can not.
func (u users) remove(ctx context.Context, user string, of []kadm.CredInfo) error {
	for i, c := range of {
		if err := u.alter(ctx, user, []kadm.DeleteSCRAM{{User: user, Mechanism: c.Mechanism}}, nil); err != nil {
			return fmt.Errorf("%w; passwords of his that are not deleted: %d", err, len(of)-i)
		}
	}
	return nil
}

// policy is the broker's rule for passwords, or the usual one where the caller may not see the broker's configuration or the broker has
// no such key.
func (u users) policy(ctx context.Context) password.Policy {
	policy := password.Policy{MinLength: password.DefaultMinLength}
	brokers, err := u.admin.ListBrokers(ctx)
	if err != nil || len(brokers) == 0 {
		return policy
	}
	configs, err := u.admin.DescribeBrokerConfigs(ctx, brokers[0].NodeID)
	if err != nil {
		return policy
	}
	for _, of := range configs {
		for _, c := range of.Configs {
			if n, err := strconv.Atoi(c.MaybeValue()); err == nil && c.Key == "chronik.password.min.length" {
				policy.MinLength = n
			}
		}
	}
	return policy
}

// The configuration of principals: the type of the resource and its keys. See docs/security.md.
const (
	principalConfig  = kmsg.ConfigResourceType(100)
	revokedBeforeKey = "chronik.revoked.before.ms"
	loginLockedKey   = "chronik.login.locked"
)

// alterPrincipal sets what is said of a principal, or deletes it where the value is nil.
func (u users) alterPrincipal(ctx context.Context, principal, key string, value *string) error {
	return alterConfig(ctx, u.client, resource{principalConfig, principal}, key, value)
}

// revoke ends what a principal has open, and makes useless what he could come again with but for a password.
func (u users) revoke(ctx context.Context, principal string) error {
	if err := u.alterPrincipal(ctx, principal, revokedBeforeKey, kmsg.StringPtr("now")); err != nil {
		return fmt.Errorf("%s is not revoked: %w", principal, err)
	}
	return nil
}

// revokedBefore is when a principal was revoked, in milliseconds; "" for never.
func (u users) revokedBefore(ctx context.Context, principal string) (string, error) {
	q := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = principalConfig, principal
	q.Resources = append(q.Resources, r)
	resp, err := q.RequestWith(ctx, u.client)
	if err != nil {
		return "", fmt.Errorf("describe %s: %w", principal, err)
	}
	for i := range resp.Resources {
		if err := kerr.ErrorForCode(resp.Resources[i].ErrorCode); err != nil {
			return "", fmt.Errorf("describe %s: %w: %s", principal, err, textOf(resp.Resources[i].ErrorMessage))
		}
		for j := range resp.Resources[i].Configs {
			if c := &resp.Resources[i].Configs[j]; c.Name == revokedBeforeKey {
				return textOf(c.Value), nil
			}
		}
	}
	return "", nil
}

// revoked are the principals that were revoked.
func (u users) revoked(ctx context.Context) ([]string, error) {
	names, err := configured(ctx, u.client, principalConfig)
	if err != nil {
		return nil, fmt.Errorf("list revoked principals: %w", err)
	}
	return names, nil
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
