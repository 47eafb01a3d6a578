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

	"github.com/chronik-stream/chronik/authz/rego"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

const (
	letsAll  = "package kafka.authz\nallow = true"
	letsNone = "package kafka.authz\nallow = false"
)

// pinnedTo are options by which changes of policies take two persons.
func pinnedTo(t *testing.T, source string) (o Options, file string) {
	t.Helper()
	o, file = underPolicy(t, source)
	o.Approvals.Operations, o.Approvals.Expiration = []string{meta.ApprovePolicyChanges}, time.Hour
	return o, file
}

func digestOfFiles(t *testing.T, file string) string {
	t.Helper()
	digest, err := rego.Digest(rego.Dir(os.DirFS(filepath.Dir(file))))
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// require sets the digest as a request would that has its approval; "" removes it.
func require(t *testing.T, b *Broker, digest string) {
	t.Helper()
	op := meta.ConfigOp{Op: meta.SetConfig, Name: meta.PoliciesDigest, Value: digest}
	if digest == "" {
		op.Op = meta.DeleteConfig
	}
	result, err := b.metadata.Propose(t.Context(), &meta.AlterConfigs{
		Origin:    meta.Origin{EventID: "e", Principal: "User:a", API: "IncrementalAlterConfigs", Time: time.Now()},
		Resources: []meta.ResourceChange{{Key: meta.ResourceKey{Type: meta.BrokerConfig}, Ops: []meta.ConfigOp{op}}},
	})
	if err != nil || result.Items[0].Code != wire.None {
		t.Fatalf("%+v, %v", result, err)
	}
}

// waitsForDigest waits until a broker has looked at files that are not those that are required.
func waitsForDigest(t *testing.T, b *Broker, times uint64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); b.policies.Stats().NotRequired < times; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", b.policies.Stats())
		}
	}
}

// TestFirstPoliciesAreRecordedAndHeldTo: the first start records them, others stay out of force while the broker runs, and keep it from
// starting; what was required later is in force at the next start.
func TestFirstPoliciesAreRecordedAndHeldTo(t *testing.T) {
	o, file := pinnedTo(t, letsNone)
	first := digestOfFiles(t, file)
	b := start(t, o)
	if got := b.store.Image().PoliciesDigest(); got != first || b.policies.Digest() != first {
		t.Fatalf("required is %q, in force %s, the files have %s", got, b.policies.Digest(), first)
	}
	writePolicy(t, file, letsAll)
	second := digestOfFiles(t, file)
	waitsForDigest(t, b, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := client(t, b)
	defer c.Close()
	if err := createTopic(ctx, c, "t-1"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("what was not approved is in force: %v", err)
	}
	stop(t, b)

	other := New(o)
	err := other.Start(t.Context())
	if err == nil {
		stop(t, other)
		t.Fatal("it starts with other policies than those that are required")
	}
	for _, part := range []string{first, second, "chronik policy digest", "chronik policy require"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %s: %v", part, err)
		}
	}
	writePolicy(t, file, letsNone)
	b = start(t, o)
	require(t, b, second)
	waitsForDigest(t, b, 1)
	writePolicy(t, file, letsAll)
	c2 := client(t, b)
	defer c2.Close()
	for err := createTopic(ctx, c2, "t-2"); err != nil; err = createTopic(ctx, c2, "t-2") {
		if !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Fatal(err)
		}
	}
	stop(t, b)
	b = start(t, o)
	defer stop(t, b)
	if b.policies.Digest() != second {
		t.Errorf("in force is %s", b.policies.Digest())
	}
}

// TestNoPoliciesWhereSomeAreRequired: neither an empty or missing directory nor a mode without policies is a way round them.
func TestNoPoliciesWhereSomeAreRequired(t *testing.T) {
	o, file := pinnedTo(t, letsNone)
	stop(t, start(t, o))
	for _, step := range []struct {
		what   string
		change func(*Options)
		want   string
	}{
		{"the mode acl", func(o *Options) { o.Policies = PolicyOptions{} }, "chronik.authorizer.mode"},
		{"another directory", func(o *Options) {
			writePolicy(t, filepath.Join(filepath.Dir(file), "new.rego"), letsAll)
		}, "chronik policy digest"},
		{"an empty directory", func(*Options) { removeAll(t, filepath.Dir(file)) }, "list the policies"},
	} {
		changed := o
		step.change(&changed)
		b := New(changed)
		err := b.Start(t.Context())
		if err == nil {
			stop(t, b)
		}
		if err == nil || !strings.Contains(err.Error(), step.want) {
			t.Errorf("%s: %v, want %q", step.what, err, step.want)
		}
	}
	o.Policies = PolicyOptions{}
	o.Approvals.Operations = nil
	b := start(t, o)
	defer stop(t, b)
	if b.store.Image().PoliciesDigest() == "" {
		t.Error("the digest is gone")
	}
}

func removeAll(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// TestPoliciesThatAreNotRequiredDecideNothing: not for a moment, since the metadata log is replayed before there are any.
func TestPoliciesThatAreNotRequiredDecideNothing(t *testing.T) {
	o, file := pinnedTo(t, letsNone)
	stop(t, start(t, o))
	writePolicy(t, file, letsAll)
	b := New(o)
	err := b.Start(t.Context())
	if !errors.Is(err, rego.ErrNotRequired) || b.authorizer != nil || b.policies != nil || b.server != nil {
		t.Errorf("%v, authorizer %v, server %v", err, b.authorizer, b.server)
	}
}

// TestADigestHoldsWithoutTheRule: it was set once, and holds while it is set; where it is removed, the files count as they come.
func TestADigestHoldsWithoutTheRule(t *testing.T) {
	o, file := underPolicy(t, letsNone)
	b := start(t, o)
	if got := b.store.Image().PoliciesDigest(); got != "" {
		t.Errorf("recorded without the rule: %s", got)
	}
	require(t, b, digestOfFiles(t, file))
	writePolicy(t, file, letsAll)
	waitsForDigest(t, b, 1)
	if s := b.policies.Stats(); s.Loaded != 1 {
		t.Errorf("%+v", s)
	}
	if f := b.policyFacts(); !f.Broken || f.InForce != f.Required || f.InForce != b.policies.Digest() {
		t.Errorf("the doctor is told of %+v", f)
	}
	require(t, b, "")
	for deadline := time.Now().Add(time.Minute); b.policies.Digest() != digestOfFiles(t, file); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("without a digest the files do not count")
		}
	}
	stop(t, b)
}

// TestTheDigestHasOneName: the configuration and the metadata do not know each other.
func TestTheDigestHasOneName(t *testing.T) {
	k := config.NewTable().Key(config.BrokerScope, meta.PoliciesDigest)
	if k == nil || k.Update != config.ClusterWide {
		t.Errorf("%+v", k)
	}
}
