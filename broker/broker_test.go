package broker

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	franz "github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/authz/explain"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/handler"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimVariable) != "" {
		fmt.Fprintln(os.Stderr, beVictim(context.Background(), os.Stdin, os.Stdout))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

const (
	testUser     = "admin"
	testPassword = "admin-secret"
)

// plainRules are topic rules without a configuration behind them.
type plainRules struct{}

func (plainRules) ValidateTopicConfigs(map[string]string) error                      { return nil }
func (plainRules) EffectiveTopicConfigs(map[string]string) []handler.EffectiveConfig { return nil }
func (plainRules) DefaultPartitions() int                                            { return 1 }
func (plainRules) DefaultReplicationFactor() int                                     { return 1 }
func (plainRules) AutoCreateTopics() bool                                            { return true }
func (plainRules) DeleteTopicsEnabled() bool                                         { return true }
func (plainRules) MoveBytesPerSecond() int64                                         { return math.MaxInt64 }

func (plainRules) ReplicaSettings(*meta.Topic) *replica.Settings {
	log := storage.DefaultLogConfig()
	return &replica.Settings{Log: log, BeforeMaxMs: math.MaxInt64, AfterMaxMs: math.MaxInt64, MaxMessageBytes: int(log.MaxMessageBytes), MinISR: 1}
}

func testOptions(dir string) Options {
	return Options{
		NodeID: 1, Version: "test", LogDirs: []string{filepath.Join(dir, "data")}, MetadataDir: filepath.Join(dir, "data", "__chronik_metadata"),
		Listeners: []Listener{{
			Name: "SASL_PLAINTEXT", Protocol: "SASL_PLAINTEXT", Address: "127.0.0.1:0", AdvertisedHost: "127.0.0.1",
			Mechanisms: []string{"SCRAM-SHA-512"},
		}},
		Logins:            guard.Config{First: time.Millisecond, Most: time.Second, Lockout: time.Minute, Scope: guard.UserAddress},
		SuperUsers:        []auth.Principal{auth.User(testUser)},
		RetentionInterval: time.Hour,
		Group: group.Config{
			MinSessionTimeout: time.Second, MaxSessionTimeout: time.Minute, MaxSize: 100, MaxOffsetMetadata: 4096,
			OffsetsRetention: time.Hour, ExpiryInterval: time.Minute, MaxAppendBytes: 1 << 19,
		},
		OffsetsTopic: InternalTopic{Partitions: 3, Factor: 1}, OffsetCommitTimeout: 20 * time.Second,
		Transactions: txn.Config{
			MaxTimeout: time.Minute, AbortInterval: time.Second, IDExpiration: time.Hour, ExpiryInterval: time.Minute,
			MarkerRetryMin: 10 * time.Millisecond, MarkerRetryMax: time.Second, MaxAppendBytes: 1 << 19,
		},
		TransactionTopic: InternalTopic{Partitions: 3, Factor: 1},
		AddPause:         20 * time.Millisecond, AddLimit: 100 * time.Millisecond,
		FetchSessions: 10, MaxFetchBytes: 50 << 20,
		Topics:     func(func() *meta.Image) TopicRules { return plainRules{} },
		ConfigRows: func(handler.MetadataLog, *explain.Rules) []api.Row { return nil },
		Clock:      time.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

func format(t *testing.T, o Options) {
	t.Helper()
	formatWith(t, o, nil)
}

func formatWith(t *testing.T, o Options, features map[string]int16) {
	t.Helper()
	c, err := scram.Derive(testPassword, scram.NewSalt(), scram.DefaultIterations, scram.SHA512)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Format(t.Context(), FormatOptions{
		NodeID: o.NodeID, LogDirs: o.LogDirs, MetadataDir: o.MetadataDir, Logger: o.Logger, Features: features,
		Users: []meta.ScramCredential{{
			User: testUser, Mechanism: meta.ScramSHA512, Salt: c.Salt, StoredKey: c.StoredKey, ServerKey: c.ServerKey, Iterations: c.Iterations,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, o Options) *Broker {
	t.Helper()
	b := New(o)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func stop(t *testing.T, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func client(t *testing.T, b *Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	return clientAt(t, b.Addr("SASL_PLAINTEXT").String(), opts...)
}

func clientAt(t *testing.T, address string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(address), kgo.SASL(franz.Auth{User: testUser, Pass: testPassword}.AsSha512Mechanism()),
		kgo.RequestRetries(3), kgo.Dialer(toAddress(address)),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// toAddress reaches the broker wherever it advertises itself: its port is not known before it listens.
func toAddress(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

func TestABrokerKeepsWhatItAcknowledged(t *testing.T) {
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	c := client(t, b)
	admin := kadm.NewClient(c)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := admin.CreateTopic(ctx, 2, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		r := &kgo.Record{Topic: "t", Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "value-%d", i)}
		if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 7, -1)
	if err := admin.CommitAllOffsets(ctx, "g", offsets); err != nil {
		t.Fatal(err)
	}
	c.Close()
	stop(t, b)

	b = start(t, o)
	defer stop(t, b)
	c = client(t, b, kgo.ConsumeTopics("t", controller.AuditTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer c.Close()
	committed, err := kadm.NewClient(c).FetchOffsets(ctx, "g")
	if err != nil {
		t.Fatal(err)
	}
	if at, found := committed.Lookup("t", 0); !found || at.At != 7 {
		t.Errorf("the committed offset is %d", at.At)
	}
	seen, created := map[string]bool{}, 0
	for len(seen) < 100 || created == 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", len(seen), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Topic == controller.AuditTopic {
				if strings.Contains(string(r.Value), `"CreateTopics"`) && strings.Contains(string(r.Value), `"t"`) {
					created++
				}
				if strings.Contains(string(r.Value), testPassword) {
					t.Error("a password in the audit log")
				}
				return
			}
			seen[string(r.Value)] = true
		})
	}
	if created != 1 {
		t.Errorf("the creation of the topic stands %d times in the audit log", created)
	}
}

func TestDirectoriesOfOthersAreRefused(t *testing.T) {
	o := testOptions(t.TempDir())
	if err := New(o).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "chronik format") {
		t.Errorf("an unformatted directory: %v", err)
	}
	format(t, o)
	b := start(t, o)
	if err := New(o).Start(t.Context()); err == nil {
		t.Error("a directory in use is opened twice")
	}
	stop(t, b)
	o.NodeID = 2
	if err := New(o).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "another node") {
		t.Errorf("a directory of another node: %v", err)
	}
}
