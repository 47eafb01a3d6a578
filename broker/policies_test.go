package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/meta"
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

// TestAPolicyLimitsTheTopicsOfAnHour: one by one, at once, and after a restart; a request that is only checked makes nothing.
func TestAPolicyLimitsTheTopicsOfAnHour(t *testing.T) {
	o, _ := underPolicy(t, `package kafka.authz
import rego.v1
import data.chronik.creations
allow if {
	count(creations.deny) == 0 with data.creations as {"limit": 3}
	input.action.operation != "DESCRIBE_CONFIGS"
}`)
	b := start(t, o)
	c := client(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ask := func(validateOnly bool, names ...string) (codes []error) {
		t.Helper()
		q := kmsg.NewPtrCreateTopicsRequest()
		q.ValidateOnly, q.TimeoutMillis = validateOnly, 10_000
		for _, name := range names {
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
			q.Topics = append(q.Topics, topic)
		}
		r, err := q.RequestWith(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Topics {
			codes = append(codes, kerr.ErrorForCode(r.Topics[i].ErrorCode))
		}
		return codes
	}
	expect := func(what string, want error, got []error) {
		t.Helper()
		for _, err := range got {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	for range 5 {
		expect("checked only", nil, ask(true, "t-1", "t-2", "t-3"))
	}
	expect("checked only, too many", kerr.TopicAuthorizationFailed, ask(true, "t-1", "t-2", "t-3", "t-4"))
	expect("too many at once", kerr.TopicAuthorizationFailed, ask(false, "t-1", "t-2", "t-3", "t-4"))
	expect("two", nil, ask(false, "t-1", "t-2"))
	expect("two more", kerr.TopicAuthorizationFailed, ask(false, "t-3", "t-4"))
	expect("the third", nil, ask(false, "t-3"))
	expect("the fourth", kerr.TopicAuthorizationFailed, ask(false, "t-4"))
	c.Close()
	stop(t, b)

	b = start(t, o)
	defer stop(t, b)
	c = client(t, b)
	defer c.Close()
	expect("the fourth after a restart", kerr.TopicAuthorizationFailed, ask(false, "t-4"))
}

// TestAPolicyLimitsTopicsOfRequestsAtOnce: together, many connections create no more than one could.
func TestAPolicyLimitsTopicsOfRequestsAtOnce(t *testing.T) {
	o, _ := underPolicy(t, `package kafka.authz
import rego.v1
import data.chronik.creations
allow if count(creations.deny) == 0 with data.creations as {"limit": 5}`)
	b := start(t, o)
	defer stop(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var at sync.WaitGroup
	for i := range 12 {
		at.Go(func() {
			c := client(t, b)
			defer c.Close()
			if err := createTopic(ctx, c, fmt.Sprintf("at-once-%d", i)); err != nil && !errors.Is(err, kerr.TopicAuthorizationFailed) {
				t.Error(err)
			}
		})
	}
	at.Wait()
	if made := topicsNamed(b, "at-once-"); made == 0 || made > 5 {
		t.Errorf("%d topics are made", made)
	}
}

// TestAPolicyLimitsTopicsThatNobodyWaitsFor: a request whose client does not wait for its outcome counts until that is known.
func TestAPolicyLimitsTopicsThatNobodyWaitsFor(t *testing.T) {
	o, _ := underPolicy(t, `package kafka.authz
import rego.v1
import data.chronik.creations
allow if count(creations.deny) == 0 with data.creations as {"limit": 5}`)
	b := start(t, o)
	c := client(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 50 {
		q := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = fmt.Sprintf("unawaited-%d", i), 1, 1
		q.Topics, q.TimeoutMillis = append(q.Topics, topic), 0
		if _, err := c.Broker(1).Request(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	c.Close()
	stop(t, b)
	b = start(t, o) // what is in the log is known
	defer stop(t, b)
	if made := topicsNamed(b, "unawaited-"); made == 0 || made > 5 {
		t.Errorf("%d topics are made", made)
	}
}

// topicsNamed counts topics by a prefix of their names.
func topicsNamed(b *Broker, prefix string) (n int) {
	b.store.Image().Topics(func(topic *meta.Topic) bool {
		if strings.HasPrefix(topic.Name, prefix) {
			n++
		}
		return true
	})
	return n
}

func TestABrokerDoesNotStartWithABrokenPolicy(t *testing.T) {
	o, _ := underPolicy(t, "package kafka.authz\nallow {")
	b := New(o)
	if err := b.Start(t.Context()); err == nil {
		stop(t, b)
		t.Error("it starts")
	}
}
