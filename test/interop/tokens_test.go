//go:build interop

package interop

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/test/harness"
)

const tokensOn = "CHRONIK_DELEGATION_TOKEN_SECRET_KEY=" + tokenSecretKey

// franzToken are the options of a client that logs in by a token.
func franzToken(t *testing.T, b *harness.Broker, mechanism string, token kadm.DelegationToken) []kgo.Opt {
	t.Helper()
	as := scram.Auth{User: token.TokenID, Pass: base64.StdEncoding.EncodeToString(token.HMAC), IsToken: true}
	chosen := map[string]sasl.Mechanism{"SCRAM-SHA-256": as.AsSha256Mechanism(), "SCRAM-SHA-512": as.AsSha512Mechanism()}[mechanism]
	return []kgo.Opt{kgo.SeedBrokers(b.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, b, false)), kgo.SASL(chosen)}
}

// TestTokensOfClients lets Java's clients and franz-go log in by tokens, with each SCRAM mechanism: they may do what the owner may.
func TestTokensOfClients(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, tokensOn, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	createTopic(t, b, "shared", 1)
	createTopic(t, b, "closed", 1)
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:alice", "--operation", "All", "--topic", "shared", "--group", "*")
	owner := addUser(t, b, "alice", "alice-secret")
	failsAs(t, b, owner, "Delegation Token authorization failed", tokenCommand, "--create", "--max-life-time-period", "-1", "--owner-principal", "User:bob")
	out := tokensAs(t, b, owner, "--create", "--max-life-time-period", "-1", "--renewer-principal", "User:scheduler")
	id, hmac := tokenOf(t, out)
	for i, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		file := asToken(t, b, mechanism, id, hmac)
		tools.Must(t, roundTrip, "produce", b.Bootstrap(), file, "shared", "10", mechanism)
		contains(t, tools.Must(t, roundTrip, "consume", b.Bootstrap(), file, "shared", "10", "by-"+mechanism), mechanism+"-9")
		refused := tools.Run(t, roundTrip, "produce", b.Bootstrap(), file, "closed", "1", "x")
		if refused.Exit == 0 {
			t.Errorf("%d: the owner may not write there", i)
		}
		contains(t, refused.Out+refused.Err, "TopicAuthorizationException")
		wrong := tools.Run(t, roundTrip, "produce", b.Bootstrap(), b.Properties(t, mechanism, id, hmac), "shared", "1", "x")
		if wrong.Exit == 0 {
			t.Errorf("%s: a token opens the account of a user", mechanism)
		}
		contains(t, wrong.Out+wrong.Err, "SaslAuthenticationException")
	}
	failsAs(t, b, asToken(t, b, "SCRAM-SHA-512", id, hmac), "not allowed", tokenCommand, "--create", "--max-life-time-period", "-1")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	secret, err := base64.StdEncoding.DecodeString(hmac)
	if err != nil {
		t.Fatal(err)
	}
	token := kadm.DelegationToken{TokenID: id, HMAC: secret}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		topics, err := kadm.NewClient(franzClient(t, franzToken(t, b, mechanism, token)...)).ListTopics(ctx)
		if err != nil || !topics.Has("shared") || topics.Has("closed") {
			t.Errorf("franz-go by %s: %v, %v", mechanism, topics.Names(), err)
		}
	}
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:auditor", "--operation", "Describe", "--delegation-token", id)
	auditor := addUser(t, b, "auditor", "auditor-secret")
	contains(t, tokensAs(t, b, auditor, "--describe", "--owner-principal", "User:alice"), "Total number of tokens : 1", id, "User:scheduler")
	admin(t, b, aclCommand, "--add", "--allow-principal", "User:manager", "--operation", "CreateTokens", "--operation", "DescribeTokens", "--user-principal", "User:alice")
	manager := addUser(t, b, "manager", "manager-secret")
	tokensAs(t, b, manager, "--create", "--max-life-time-period", "-1", "--owner-principal", "User:alice")
	contains(t, tokensAs(t, b, manager, "--describe", "--owner-principal", "User:alice"), "Total number of tokens : 2")
}

// tokensAs runs kafka-delegation-tokens as the user of a client file.
func tokensAs(t *testing.T, b *harness.Broker, file string, args ...string) string {
	t.Helper()
	return tools.Must(t, tokenCommand, append([]string{"--bootstrap-server", b.Bootstrap(), "--command-config", file}, args...)...)
}

// failsAs runs a tool as the user of a client file, which has to fail and print the text.
func failsAs(t *testing.T, b *harness.Broker, file, text, main string, args ...string) {
	t.Helper()
	out := tools.Run(t, main, append([]string{"--bootstrap-server", b.Bootstrap(), "--command-config", file}, args...)...)
	if out.Exit == 0 {
		t.Errorf("%s: exit 0\n%s", main, out.Out)
	}
	contains(t, out.Out+out.Err, text)
}

// TestRenewedTokensGoOn has Java's producer send for longer than its token lives, while that is renewed: re-authentication (KIP-368) keeps
// the connection. Then the token ends, and with it the producer.
func TestRenewedTokensGoOn(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, tokensOn, "CHRONIK_DELEGATION_TOKEN_EXPIRY_TIME_MS=3000")
	createTopic(t, b, "long", 1)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	owner := kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...))
	token, err := owner.CreateDelegationToken(ctx, kadm.CreateDelegationToken{MaxLifetime: -1})
	if err != nil {
		t.Fatal(err)
	}
	renewing, stop := context.WithCancel(ctx)
	renewed := make(chan error, 1)
	go func() { renewed <- renewUntil(renewing, owner, token.HMAC) }()
	file := asToken(t, b, "SCRAM-SHA-512", token.TokenID, base64.StdEncoding.EncodeToString(token.HMAC))
	out := tools.Must(t, producerPerf, "--topic", "long", "--num-records", "70", "--record-size", "10", "--throughput", "10",
		"--bootstrap-server", b.Bootstrap(), "--command-config", file)
	contains(t, out, "70 records sent")
	stop()
	if err := <-renewed; err != nil {
		t.Fatal(err)
	}
	held := franzClient(t, append(franzToken(t, b, "SCRAM-SHA-512", token), kgo.RequestRetries(0))...)
	for !errors.Is(err, kerr.SaslAuthenticationFailed) { // after the session has ended with the token
		if ctx.Err() != nil {
			t.Fatalf("the token is over: %v", err)
		}
		_, err = kmsg.NewPtrDescribeClusterRequest().RequestWith(ctx, held)
	}
	if tokens, err := owner.DescribeDelegationTokens(ctx); err != nil || len(tokens) != 0 {
		t.Errorf("described: %v, %v", tokens, err)
	}
}

// renewUntil renews a token each second.
func renewUntil(ctx context.Context, owner *kadm.Client, hmac []byte) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := owner.RenewDelegationToken(ctx, hmac, 3*time.Second); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}
