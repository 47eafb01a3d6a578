package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/config"
)

var errNothingToApprove = errors.New("no request is named; --list shows those that wait")

// newApprove decides requests that take two persons.
func newApprove() *cobra.Command {
	var list, reject bool
	cmd := &cobra.Command{
		Use:   "approve [ID...]",
		Short: "Approve what another administrator has asked for",
		Long: `Approves requests that take two persons (chronik.approval.required), over an ordinary connection. The broker has refused such a request with
POLICY_VIOLATION and its ID; once it is approved, who has asked for it asks for the same again, and it is carried out, once. To
approve takes ALTER on the cluster, and the right to do what is asked for. Nobody approves his own request, by a delegation token neither.
--reject refuses requests, and takes approvals back that were not used.`,
	}
	broker := &brokerFlags{}
	broker.on(cmd)
	cmd.Flags().BoolVar(&list, "list", false, "show the requests that wait or were decided, in place of deciding")
	cmd.Flags().BoolVar(&reject, "reject", false, "reject in place of approving")
	cmd.MarkFlagsMutuallyExclusive("list", "reject")
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		if !list && len(ids) == 0 {
			return errNothingToApprove
		}
		return broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) error {
			a := approvals{client: client}
			if list {
				return a.list(ctx, cmd, ids)
			}
			return a.decide(ctx, cmd, ids, reject)
		})
	}
	return cmd
}

// The requests that take two persons, as a broker shows them: the type of the resource and the key that decides. See docs/approval.md.
const (
	approvalResource = kmsg.ConfigResourceType(102)
	decisionKey      = "chronik.approval.decision"
)

// approvals are the requests that take two persons of a broker.
type approvals struct{ client *kgo.Client }

// list shows requests, all of them where none is named.
func (a approvals) list(ctx context.Context, cmd *cobra.Command, ids []string) error {
	if len(ids) == 0 {
		var err error
		if ids, err = configured(ctx, a.client, approvalResource); err != nil {
			return fmt.Errorf("list the requests that wait: %w", err)
		}
	}
	if len(ids) == 0 {
		cmd.Println("No request waits for an approval.")
		return nil
	}
	all, err := a.describe(ctx, ids)
	for _, id := range ids {
		if all[id] != nil {
			showApproval(cmd, id, all[id])
		}
	}
	return err
}

// describedAtOnce is how many requests are asked about at a time: each may have 16 KiB.
const describedAtOnce = 100

// describe returns what is known of requests, as far as there are such, and what is wrong with the others.
func (a approvals) describe(ctx context.Context, ids []string) (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	var errs []error
	for some := range slices.Chunk(ids, describedAtOnce) {
		errs = append(errs, a.describeSome(ctx, some, all))
	}
	return all, errors.Join(errs...)
}

func (a approvals) describeSome(ctx context.Context, ids []string, all map[string]map[string]string) error {
	q := kmsg.NewPtrDescribeConfigsRequest()
	for _, id := range ids {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = approvalResource, id
		q.Resources = append(q.Resources, r)
	}
	resp, err := q.RequestWith(ctx, a.client)
	if err != nil {
		return fmt.Errorf("describe the requests that wait: %w", err)
	}
	var errs []error
	for i := range resp.Resources {
		r := &resp.Resources[i]
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			errs = append(errs, fmt.Errorf("describe the request %s: %w: %s", r.ResourceName, err, textOf(r.ErrorMessage)))
			continue
		}
		all[r.ResourceName] = map[string]string{}
		for j := range r.Configs {
			all[r.ResourceName][r.Configs[j].Name] = textOf(r.Configs[j].Value)
		}
	}
	return errors.Join(errs...)
}

// decide shows each request, which can not change under its id, and then approves or rejects it. One that fails does not keep the others.
func (a approvals) decide(ctx context.Context, cmd *cobra.Command, ids []string, reject bool) error {
	value, done := "approve", "approved"
	if reject {
		value, done = "reject", "rejected"
	}
	all, err := a.describe(ctx, ids)
	errs := []error{err}
	for _, id := range ids {
		if all[id] == nil {
			continue
		}
		showApproval(cmd, id, all[id])
		if err := alterConfig(ctx, a.client, resource{approvalResource, id}, decisionKey, &value); err != nil {
			errs = append(errs, fmt.Errorf("the request %s is not %s: %w", id, done, err))
			continue
		}
		if !reject && all[id]["administrators"] == "2" && all[id]["first"] == "" {
			cmd.Printf("%s is approved by you; it takes another administrator as well, since who asks is none.\n", shown(id))
			continue
		}
		cmd.Printf("%s is %s.\n", shown(id), done)
	}
	return errors.Join(errs...)
}

// showApproval tells what a request asks for, who has asked, and for how long it waits.
func showApproval(cmd *cobra.Command, id string, of map[string]string) {
	cmd.Printf("%s  %s  (%s)\n", shown(id), shown(of["state"]), shown(of["operation"]))
	named := shown(of["resource.type"]) + " " + shown(of["resource"])
	if of["resource.id"] != "" {
		named += ", id " + shown(of["resource.id"])
	}
	cmd.Printf("  %s: %s\n", shown(of["action"]), named)
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if key, isState := strings.CutPrefix(name, "before."); isState {
			cmd.Printf("    before  %s = %s\n", shown(key), shown(of[name]))
		} else if key, isState := strings.CutPrefix(name, "after."); isState {
			cmd.Printf("    after   %s = %s\n", shown(key), shown(of[name]))
		}
	}
	cmd.Printf("  asked by %s from %s at %s, until %s\n", shown(of["requester"]), shown(of["host"]), shownTime(of["asked"]), shownTime(of["expires"]))
	if of["first"] != "" {
		cmd.Printf("  approved by %s first, of two administrators\n", shown(of["first"]))
	}
	if of["decider"] != "" {
		cmd.Printf("  %s by %s at %s\n", shown(of["state"]), shown(of["decider"]), shownTime(of["decided"]))
	}
}

// shownTime is a time that a broker tells in milliseconds since 1970.
func shownTime(ms string) string {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return shown(ms)
	}
	return time.UnixMilli(n).UTC().Format(time.RFC3339)
}
