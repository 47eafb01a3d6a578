//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// putMetadata makes one of each kind of durable thing; checkMetadata looks for those of all rounds so far.
func putMetadata(t *testing.T, b *harness.Broker, round int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	name := fmt.Sprintf("durable-%d", round)
	retention := "12345678"
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, err := client.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &retention}, name)
	must("create topic", err)
	acl := kadm.NewACLs().Topics(name).Allow("User:" + name).AllowHosts("*").Operations(kadm.OpRead)
	created, err := client.CreateACLs(ctx, acl)
	must("create ACL", err)
	for _, c := range created {
		must("create ACL", c.Err)
	}
	users, err := client.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: name, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: name}})
	must("create user", errors.Join(err, users.Error()))
	_, err = client.CreateDelegationToken(ctx, kadm.CreateDelegationToken{Owner: &kadm.Principal{Name: name}, MaxLifetime: -1})
	must("create token", err)
	offsets := kadm.Offsets{}
	offsets.AddOffset(name, 0, int64(40+round), -1)
	must("commit", client.CommitAllOffsets(ctx, name, offsets))
}

func checkMetadata(t *testing.T, b *harness.Broker, rounds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	topics, err := client.ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	users, err := client.DescribeUserSCRAMs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for round := range rounds + 1 {
		name := fmt.Sprintf("durable-%d", round)
		if got := len(topics[name].Partitions); got != 2 {
			t.Errorf("topic %s has %d partitions, want 2", name, got)
		}
		if _, found := users[name]; !found {
			t.Errorf("user %s is lost", name)
		}
		configs, err := client.DescribeTopicConfigs(ctx, name)
		if err != nil || len(configs) != 1 || !hasConfig(configs[0], "retention.ms", "12345678") {
			t.Errorf("retention.ms of %s is lost (%v)", name, err)
		}
		acls, err := client.DescribeACLs(ctx, kadm.NewACLs().Topics(name).Allow("User:"+name).AllowHosts("*").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral))
		if err != nil || len(acls) != 1 || len(acls[0].Described) != 1 {
			t.Errorf("ACL of %s is lost (%v)", name, err)
		}
		tokens, err := client.DescribeDelegationTokens(ctx, kadm.Principal{Type: "User", Name: name})
		if err != nil || len(tokens) != 1 {
			t.Errorf("token of %s is lost (%v)", name, err)
		}
		committed, err := client.FetchOffsets(ctx, name)
		if err != nil {
			t.Errorf("offsets of group %s: %v", name, err)
			continue
		}
		if at, found := committed.Lookup(name, 0); !found || at.At != int64(40+round) {
			t.Errorf("group %s is at %v, want %d", name, at.At, 40+round)
		}
	}
}

// checkEffect logs in as a user from before the kills, by his password and by his token, who may read the topic of his name and no other.
func checkEffect(t *testing.T, b *harness.Broker, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	super := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	tokens, err := super.DescribeDelegationTokens(ctx, kadm.Principal{Type: "User", Name: name})
	if err != nil || len(tokens) != 1 {
		t.Fatalf("tokens of %s: %v, %v", name, tokens, err)
	}
	for _, as := range [][]kgo.Opt{franzUser(t, b, "SCRAM-SHA-512", name, name), franzToken(t, b, "SCRAM-SHA-512", tokens[0])} {
		topics, err := kadm.NewClient(franzClient(t, as...)).ListTopics(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(topics.Names(), []string{name}) {
			t.Errorf("%s sees %q, want its own topic", name, topics.Names())
		}
	}
	groups, err := super.ListGroups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := groups[name]; !found {
		t.Errorf("group %s is lost", name)
	}
}

func hasConfig(r kadm.ResourceConfig, key, value string) bool {
	for _, c := range r.Configs {
		if c.Key == key && c.MaybeValue() == value {
			return true
		}
	}
	return false
}
