package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/config"
)

var errOneResource = errors.New("name one resource: --topic, --group, --cluster, --transactional-id, --delegation-token or --user-principal")

// explainFlags are a question, by the names of kafka-acls where it has one.
type explainFlags struct {
	question explain.Question
	named    [5]string
	cluster  bool
	asJSON   bool
}

// resourceFlags are those that name a resource.
var resourceFlags = [5]struct {
	name string
	of   authz.ResourceType
}{
	{"topic", authz.Topic},
	{"group", authz.Group},
	{"transactional-id", authz.TransactionalID},
	{"delegation-token", authz.DelegationToken},
	{"user-principal", authz.UserResource},
}

func newAuthzExplain(broker *brokerFlags) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain --principal PRINCIPAL --operation OPERATION --topic NAME",
		Short: "Say whether a principal may do something, and which ACL or rule decides",
		Long: `Asks the broker whether a principal may do something, and says which ACL or rule decides. The broker decides by the same code as when
somebody does it; nothing is recorded of the principal. Exit code 0: it was answered, whatever the answer.

Without --host and --listener it is answered for those that no rule names; where a rule names some, and the answer is another one from
there, they are listed.`,
		Example: `  chronik authz explain --bootstrap-server broker:9093 --command-config admin.properties --principal User:alice --operation READ --topic orders`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complete(); err != nil {
				return err
			}
			return broker.withBroker(cmd.Context(), func(ctx context.Context, client *kgo.Client, _ *config.Client) error {
				answer, err := askExplanation(ctx, client, &f.question)
				if err != nil {
					return fmt.Errorf("explain: %w", err)
				}
				return f.print(cmd.OutOrStdout(), answer)
			})
		},
	}
	f.on(cmd)
	return cmd
}

func (f *explainFlags) on(cmd *cobra.Command) {
	flags, q := cmd.Flags(), &f.question
	flags.StringVar(&q.Principal, "principal", "", "who, such as User:alice")
	flags.StringVar(&q.Operation, "operation", "", "what, such as READ or DescribeConfigs")
	for i, r := range resourceFlags {
		flags.StringVar(&f.named[i], r.name, "", "on the resource of type "+r.of.String()+" with this name")
	}
	flags.BoolVar(&f.cluster, "cluster", false, "on the cluster")
	flags.StringVar(&q.Host, "host", "", "from this address")
	flags.StringVar(&q.Listener, "listener", "", "by the listener of this name")
	flags.StringSliceVar(&q.Groups, "groups", nil, "with these groups, which only policies look at")
	flags.StringVar(&q.Method, "method", "", "logged in by this mechanism, or mTLS, which only policies look at")
	flags.BoolVar(&f.asJSON, "json", false, "print the answer as JSON")
	for _, name := range []string{"principal", "operation"} {
		_ = cmd.MarkFlagRequired(name) // it fails for a flag that there is not
	}
}

// complete finds the resource that was named.
func (f *explainFlags) complete() error {
	named := given(f.named[:]...)
	if f.cluster {
		named++
		f.question.ResourceType, f.question.Name = authz.Cluster.String(), authz.ClusterName
	}
	for i, r := range resourceFlags {
		if f.named[i] != "" {
			f.question.ResourceType, f.question.Name = r.of.String(), f.named[i]
		}
	}
	if named != 1 {
		return errOneResource
	}
	return f.question.Validate()
}

// askExplanation asks a broker.
func askExplanation(ctx context.Context, client *kgo.Client, question *explain.Question) (*explain.Answer, error) {
	text, err := question.Encode()
	if err != nil {
		return nil, err
	}
	q, r := kmsg.NewPtrDescribeConfigsRequest(), kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceType(explain.ConfigType), text
	q.Resources = append(q.Resources, r)
	resp, err := q.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	for i := range resp.Resources {
		r := &resp.Resources[i]
		if err := brokerError(r.ErrorCode, r.ErrorMessage, "DESCRIBE"); err != nil {
			return nil, err
		}
		for j := range r.Configs {
			if r.Configs[j].Name == explain.ConfigName {
				return explain.DecodeAnswer(textOf(r.Configs[j].Value))
			}
		}
	}
	return nil, errors.New("the broker has answered without an explanation")
}

func (f *explainFlags) print(out io.Writer, a *explain.Answer) error {
	if f.asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(a)
	}
	p := &printer{out: out}
	q := &f.question
	decision := "DENIED"
	if a.Allowed() {
		decision = "ALLOWED"
	}
	p.line("%s: %s %s %s %s", decision, shown(q.Principal), q.Operation, q.ResourceType, shown(q.Name))
	if a.Invariant != "" {
		p.line("  by the rule: %s, whatever ACLs and policies say, which is:", a.Invariant)
	}
	p.printCase("  ", a.Mode, &a.Case)
	for i := range a.Elsewhere {
		c := &a.Elsewhere[i]
		p.line("%s: %s", shown(placeOf(c, q)), verdictText(&c.Verdict))
		p.printCase("  ", a.Mode, c)
	}
	if a.Omitted > 0 {
		p.line("ACLs name %d more hosts; ask about one by --host.", a.Omitted)
	}
	if a.Case.Policies != nil {
		p.line("The policies were told of the client what the options say, and nothing of its request, certificate or encryption.")
	}
	return p.err
}

// placeOf says which host or listener a case is of that the question has left open.
func placeOf(c *explain.Case, q *explain.Question) string {
	if c.Host != q.Host {
		return "from host " + c.Host
	}
	return "by listener " + c.Listener
}

func (p *printer) printCase(indent, mode string, c *explain.Case) {
	p.line("%sby %s", indent, ruleText(&c.Verdict))
	if c.Policies == nil {
		return
	}
	p.line("%schronik.authorizer.mode is %s", indent, mode)
	p.line("%s  ACLs: %s, by %s", indent, verdictText(c.ACLs), ruleText(c.ACLs))
	p.line("%s  policies: %s, by %s", indent, verdictText(c.Policies), ruleText(c.Policies))
}
