package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz/rego"
)

// underPolicy are the options of a broker whose one user is no super user, and where a policy in a file decides.
func underPolicy(t *testing.T, source string) (o Options, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "p.rego")
	writePolicy(t, file, source)
	o = testOptions(t.TempDir())
	o.SuperUsers = nil
	o.Policies = PolicyOptions{
		Mode: rego.Policies, Source: rego.Dir(os.DirFS(filepath.Dir(file))), Limits: rego.Limits{Timeout: 10 * time.Second},
	}
	format(t, o)
	return o, file
}

func writePolicy(t *testing.T, file, source string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func createTopic(ctx context.Context, c *kgo.Client, name string) error {
	q := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	q.Topics, q.TimeoutMillis = append(q.Topics, topic), 10_000
	r, err := q.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.Topics[0].ErrorCode)
}

// TestPoliciesDecide: a broker asks its policies with what it knows of the session, and a change of them reaches a live connection.
func TestPoliciesDecide(t *testing.T) {
	const rule = `package kafka.authz
allow {
	startswith(input.action.resourcePattern.name, "PREFIX")
	input.authentication.method == "SCRAM-SHA-512"
	input.requestContext.header.data.clientId == "under-policy"
	input.api == "CreateTopics"
}`
	o, file := underPolicy(t, strings.Replace(rule, "PREFIX", "a-", 1))
	b := start(t, o)
	defer stop(t, b)
	c := client(t, b, kgo.ClientID("under-policy"))
	defer c.Close()
	other := client(t, b, kgo.ClientID("another"))
	defer other.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := createTopic(ctx, c, "a-1"); err != nil {
		t.Errorf("what the policy allows: %v", err)
	}
	for name, by := range map[string]*kgo.Client{"b-1": c, "a-2": other} {
		if err := createTopic(ctx, by, name); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Errorf("%s, which the policy denies: %v", name, err)
		}
	}
	writePolicy(t, file, strings.Replace(rule, "PREFIX", "b-", 1))
	for err := createTopic(ctx, c, "b-1"); err != nil; err = createTopic(ctx, c, "b-1") {
		if !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Fatal(err)
		}
	}
	if err := createTopic(ctx, c, "a-3"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("what the changed policy denies: %v", err)
	}
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "chronik_policies_") {
			found++
		}
	}
	if found != 6 {
		t.Errorf("%d kinds of metrics of policies, want 6", found)
	}
}

func TestABrokerDoesNotStartWithABrokenPolicy(t *testing.T) {
	o, _ := underPolicy(t, "package kafka.authz\nallow {")
	b := New(o)
	if err := b.Start(t.Context()); err == nil {
		stop(t, b)
		t.Error("it starts")
	}
}
