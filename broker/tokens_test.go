package broker

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	franz "github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
)

// withTokens are options of a broker that has tokens.
func withTokens(t *testing.T) Options {
	t.Helper()
	o := testOptions(t.TempDir())
	o.Tokens = TokenOptions{Secret: "a secret of sixteen bytes or more", MaxLifetime: time.Hour, Expiry: time.Hour, CheckInterval: time.Hour}
	format(t, o)
	return o
}

func createToken(ctx context.Context, t *testing.T, c *kgo.Client) *kmsg.CreateDelegationTokenResponse {
	t.Helper()
	q := kmsg.NewPtrCreateDelegationTokenRequest()
	q.MaxLifetimeMillis = -1
	resp, err := q.RequestWith(ctx, c)
	if err != nil || resp.ErrorCode != 0 {
		t.Fatalf("create a token: %v, %v", err, kerr.ErrorForCode(resp.ErrorCode))
	}
	return resp
}

// byToken is a client that logs in by a token.
func byToken(t *testing.T, b *Broker, token *kmsg.CreateDelegationTokenResponse) *kgo.Client {
	t.Helper()
	as := franz.Auth{User: token.TokenID, Pass: base64.StdEncoding.EncodeToString(token.HMAC), IsToken: true}
	address := b.Addr("SASL_PLAINTEXT").String()
	c, err := kgo.NewClient(
		kgo.SeedBrokers(address), kgo.Dialer(toAddress(address)), kgo.SASL(as.AsSha512Mechanism()), kgo.RequestRetries(0),
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func cluster(ctx context.Context, c *kgo.Client) error {
	resp, err := kmsg.NewPtrDescribeClusterRequest().RequestWith(ctx, c)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

func TestTokensAreGoodUntilTheyExpire(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o := withTokens(t)
	b := start(t, o)
	owner := client(t, b)
	token := createToken(ctx, t, owner)
	owner.Close()
	stop(t, b)

	b = start(t, o) // which keeps it
	defer stop(t, b)
	owner = client(t, b)
	defer owner.Close()
	held := byToken(t, b, token)
	defer held.Close()
	if err := cluster(ctx, held); err != nil {
		t.Fatal(err)
	}
	another := kmsg.NewPtrCreateDelegationTokenRequest()
	if resp, err := another.RequestWith(ctx, held); err != nil || !errors.Is(kerr.ErrorForCode(resp.ErrorCode), kerr.DelegationTokenRequestNotAllowed) {
		t.Errorf("a token by a token: %v, %+v", err, resp)
	}
	expire := kmsg.NewPtrExpireDelegationTokenRequest()
	expire.HMAC, expire.ExpiryPeriodMillis = token.HMAC, 1
	if resp, err := expire.RequestWith(ctx, owner); err != nil || resp.ErrorCode != 0 {
		t.Fatalf("expire: %v, %+v", err, resp)
	}
	var err error
	for err == nil { // the session goes on until the token has expired
		err = cluster(ctx, held)
	}
	for err = cluster(ctx, held); !errors.Is(err, kerr.SaslAuthenticationFailed); err = cluster(ctx, held) {
		if err == nil || ctx.Err() != nil {
			t.Fatalf("a log-in by an expired token: %v", err)
		}
	}
	resp, err := kmsg.NewPtrDescribeDelegationTokenRequest().RequestWith(ctx, owner)
	if err != nil || resp.ErrorCode != 0 || len(resp.TokenDetails) != 0 {
		t.Errorf("described: %v, %+v", err, resp)
	}
}

// TestRemovedTokensEndTheirSessions: before who removes it is answered, a fetch that waits for records included.
func TestRemovedTokensEndTheirSessions(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b := start(t, withTokens(t))
	defer stop(t, b)
	owner := client(t, b)
	defer owner.Close()
	token := createToken(ctx, t, owner)
	created, err := kadm.NewClient(owner).CreateTopic(ctx, 1, 1, nil, "t")
	if err != nil {
		t.Fatal(err)
	}
	id := created.ID
	held := byToken(t, b, token)
	defer held.Close()
	if err := cluster(ctx, held); err != nil {
		t.Fatal(err)
	}
	fetched := make(chan error, 1)
	go func() {
		_, err := fetchAtEnd(id).RequestWith(ctx, held)
		fetched <- err
	}()
	expire := kmsg.NewPtrExpireDelegationTokenRequest()
	expire.HMAC, expire.ExpiryPeriodMillis = token.HMAC, -1
	if resp, err := expire.RequestWith(ctx, owner); err != nil || resp.ErrorCode != 0 {
		t.Fatalf("expire: %v, %+v", err, resp)
	}
	if err := <-fetched; err == nil {
		t.Error("the fetch is answered")
	}
	for err := cluster(ctx, held); !errors.Is(err, kerr.SaslAuthenticationFailed); err = cluster(ctx, held) {
		if err == nil || ctx.Err() != nil {
			t.Fatalf("a request by a removed token: %v", err)
		}
	}
}

// fetchAtEnd waits a minute for the first record of a topic.
func fetchAtEnd(topic kadm.TopicID) *kmsg.FetchRequest {
	q := kmsg.NewPtrFetchRequest()
	q.MaxWaitMillis, q.MinBytes = 60_000, 1
	at := kmsg.NewFetchRequestTopic()
	at.Topic, at.TopicID = "t", topic
	p := kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes = 1 << 20
	at.Partitions = append(at.Partitions, p)
	q.Topics = append(q.Topics, at)
	return q
}

// TestAnotherSecretVoidsTokens, and none at all takes the APIs away.
func TestAnotherSecretVoidsTokens(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o := withTokens(t)
	b := start(t, o)
	c := client(t, b)
	token := createToken(ctx, t, c)
	c.Close()
	stop(t, b)
	for secret, wantDescribed := range map[string]error{"another secret of sixteen bytes": nil, "": kerr.DelegationTokenAuthDisabled} {
		o.Tokens.Secret = secret
		b = start(t, o)
		held := byToken(t, b, token)
		if err := cluster(ctx, held); !errors.Is(err, kerr.SaslAuthenticationFailed) {
			t.Errorf("with secret %q: %v", secret, err)
		}
		held.Close()
		c = client(t, b)
		resp, err := kmsg.NewPtrDescribeDelegationTokenRequest().RequestWith(ctx, c)
		if err != nil || !errors.Is(kerr.ErrorForCode(resp.ErrorCode), wantDescribed) {
			t.Errorf("with secret %q: described: %v, %+v", secret, err, resp)
		}
		c.Close()
		stop(t, b)
	}
}

func TestSecretMayNotBeShort(t *testing.T) {
	o := withTokens(t)
	o.Tokens.Secret = "short"
	b := New(o)
	if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "short,") {
		t.Errorf("it starts: %v", err)
	}
}

// TestSecretsOfTokensAreNotLogged: neither those of log-ins that succeed, nor of those that fail.
func TestSecretsOfTokensAreNotLogged(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o := withTokens(t)
	log := &lockedBuffer{}
	o.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := start(t, o)
	owner := client(t, b)
	token := createToken(ctx, t, owner)
	held := byToken(t, b, token)
	if err := cluster(ctx, held); err != nil {
		t.Fatal(err)
	}
	held.Close()
	unknown := *token
	unknown.TokenID = "p0Vhyz6vSVCJxDpCo1pCQw"
	refused := byToken(t, b, &unknown)
	if err := cluster(ctx, refused); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("an unknown id: %v", err)
	}
	refused.Close()
	for _, period := range []int64{1 << 40, -1, -1} {
		expire := kmsg.NewPtrExpireDelegationTokenRequest()
		expire.HMAC, expire.ExpiryPeriodMillis = token.HMAC, period
		if _, err := expire.RequestWith(ctx, owner); err != nil {
			t.Fatal(err)
		}
	}
	owner.Close()
	stop(t, b)
	said := log.String()
	for _, form := range []string{base64.StdEncoding.EncodeToString(token.HMAC), hex.EncodeToString(token.HMAC), fmt.Sprintf("%d", token.HMAC), o.Tokens.Secret} {
		if strings.Contains(said, form) {
			t.Errorf("%q is in the log", form)
		}
	}
	for _, event := range []string{token.TokenID, "delegation token p0Vhyz6vSVCJxDpCo1pCQw", "unknown or expired delegation token"} {
		if !strings.Contains(said, event) {
			t.Errorf("%q is not in the log", event)
		}
	}
}

// lockedBuffer is what several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestExpiredTokensAreRemovedAtTheInterval, and recorded so.
func TestExpiredTokensAreRemovedAtTheInterval(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o := withTokens(t)
	o.Tokens.Expiry, o.Tokens.CheckInterval = time.Millisecond, 20*time.Millisecond
	b := start(t, o)
	defer stop(t, b)
	removed := make(chan string, 1)
	b.store.Subscribe(func(old, next *meta.Image, d meta.Delta) {
		for _, id := range d.TokensChanged {
			if old.Token(id) != nil && next.Token(id) == nil {
				removed <- id
			}
		}
	})
	c := client(t, b, kgo.ConsumeTopics(controller.AuditTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer c.Close()
	token := createToken(ctx, t, c)
	select {
	case id := <-removed:
		if id != token.TokenID {
			t.Errorf("removed was %s, not %s", id, token.TokenID)
		}
	case <-ctx.Done():
		t.Fatal("it is not removed")
	}
	created, swept := false, false
	for !created || !swept {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			created = created || bytes.Contains(r.Value, []byte(`"CreateDelegationToken"`))
			swept = swept || bytes.Contains(r.Value, []byte(`"SweepDelegationToken"`)) && bytes.Contains(r.Value, []byte(token.TokenID))
			if bytes.Contains(r.Value, []byte(base64.StdEncoding.EncodeToString(token.HMAC))) {
				t.Errorf("a token's secret is in the audit log: %s", r.Value)
			}
		})
	}
}
