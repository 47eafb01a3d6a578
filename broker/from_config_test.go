package broker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chronik-stream/chronik/auth/guard"
	"github.com/chronik-stream/chronik/auth/password"
	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/storage"
)

// TestEveryKeyOfTheStorageReachesIt gives each key a value of its own, so that none can be left out or take another's place.
func TestEveryKeyOfTheStorageReachesIt(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	o := options(t, map[string]string{
		"log.dirs": dirs[0] + "," + dirs[1], "cordoned.log.dirs": dirs[1],
		"chronik.flush.policy": "interval", "chronik.flush.interval.ms": "1", "chronik.journal.bytes": "20971520",
		"log.flush.offset.checkpoint.interval.ms": "2", "log.flush.scheduler.interval.ms": "3", "producer.id.expiration.ms": "4",
		"producer.id.expiration.check.interval.ms": "5", "num.recovery.threads.per.data.dir": "6",
		"log.retention.check.interval.ms": "7",
		"chronik.segment.cache.files":     "108", "chronik.segment.cache.index.bytes": "5009", "chronik.segment.cache.policy": "lfu",
		"chronik.segment.cache.ttl.ms": "10", "chronik.segment.cache.warmup": "11",
		"log.cleaner.threads": "12", "log.cleaner.backoff.ms": "13", "log.cleaner.dedupe.buffer.size": "14000000",
		"log.cleaner.io.buffer.load.factor": "0.15", "log.cleaner.io.buffer.size": "16000", "log.cleaner.io.max.bytes.per.second": "17",
		"chronik.scrub.interval.ms": "18", "chronik.scrub.bytes.per.second": "190000",
	})
	b := &Broker{options: o, cache: &storage.SegmentCache{}, logger: o.Logger}
	for i, dir := range dirs {
		got := b.directoryConfig(dir)
		if got.Clock == nil || got.Logger != o.Logger || got.Cache != b.cache || got.FS != o.Files {
			t.Errorf("%+v", got)
		}
		got.Clock, got.Logger, got.Cache, got.FS = nil, nil, nil, nil
		want := storage.Config{
			Dir: filepath.ToSlash(dir), FlushPolicy: journal.FlushInterval, FlushInterval: time.Millisecond,
			CheckpointBytes: 20 << 20, JournalFileBytes: 10 << 20, CheckpointInterval: 2 * time.Millisecond,
			FlushCheckInterval: 3 * time.Millisecond, ProducerIDExpiration: 4 * time.Millisecond,
			ProducerIDExpirationInterval: 5 * time.Millisecond, RecoveryThreads: 6, ReserveBytes: storage.DefaultReserveBytes,
			Cordoned: i == 1,
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(want)); diff != "" {
			t.Error(diff)
		}
	}
	type rest struct {
		Retention time.Duration
		Segments  storage.CacheConfig
		WarmUp    int
		Cleaner   storage.CleanerConfig
		Scrub     storage.ScrubConfig
	}
	want := rest{
		Retention: 7 * time.Millisecond,
		Segments:  storage.CacheConfig{Files: 108, IndexBytes: 5009, Policy: evict.LFU, TTL: 10 * time.Millisecond}, WarmUp: 11,
		Cleaner: storage.CleanerConfig{
			Threads: 12, Backoff: 13 * time.Millisecond, DedupeBytes: 14_000_000, LoadFactor: 0.15, IOBytes: 16_000, BytesPerSecond: 17,
		},
		Scrub: storage.ScrubConfig{Interval: 18 * time.Millisecond, BytesPerSecond: 190_000},
	}
	got := rest{Retention: o.RetentionInterval, Segments: o.Segments, WarmUp: o.WarmUpSegments, Cleaner: o.Cleaner, Scrub: o.Scrub}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFlushPolicies: a policy that is not known is the safest one.
func TestFlushPolicies(t *testing.T) {
	for name, want := range map[string]journal.FlushPolicy{
		"acks": journal.FlushAcks, "interval": journal.FlushInterval, "os": journal.FlushOS,
	} {
		if got := options(t, map[string]string{"chronik.flush.policy": name}).FlushPolicy; got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
	if got := flushPolicy(0); got != journal.FlushAcks {
		t.Errorf("no policy is %s", got)
	}
	if got := options(t, nil); got.FlushPolicy != journal.FlushAcks || got.Segments.Policy != evict.LRU {
		t.Errorf("by default the policies are %s and %v", got.FlushPolicy, got.Segments.Policy)
	}
}

func TestKeysOfDelegationTokensReachThem(t *testing.T) {
	o := options(t, map[string]string{
		"delegation.token.secret.key": "0123456789abcdef", "delegation.token.max.lifetime.ms": "3",
		"delegation.token.expiry.time.ms": "2", "delegation.token.expiry.check.interval.ms": "1",
	})
	want := TokenOptions{Secret: "0123456789abcdef", MaxLifetime: 3 * time.Millisecond, Expiry: 2 * time.Millisecond, CheckInterval: time.Millisecond}
	if diff := cmp.Diff(want, o.Tokens); diff != "" {
		t.Error(diff)
	}
}

func TestKeysOfLogInsReachTheGuard(t *testing.T) {
	o := options(t, map[string]string{
		"connection.failed.authentication.delay.ms": "1", "chronik.login.failures.delay.max.ms": "2", "chronik.login.lockout.attempts": "3",
		"chronik.login.lockout.ms": "4000", "chronik.login.lockout.scope": "user", "chronik.credential.rotation.grace.ms": "5",
		"chronik.password.min.length": "6",
	})
	want := guard.Config{First: time.Millisecond, Most: 2 * time.Millisecond, Attempts: 3, Lockout: 4 * time.Second, Scope: guard.User}
	if o.Logins != want || o.RotationGrace != 5*time.Millisecond || o.Passwords.MinLength != 6 || o.Limits.FailedLoginDelay != time.Millisecond {
		t.Errorf("%+v, grace %s, %+v, %s", o.Logins, o.RotationGrace, o.Passwords, o.Limits.FailedLoginDelay)
	}
	o = options(t, map[string]string{"connection.failed.authentication.delay.ms": "0"})
	if o.Logins.First != 0 || o.Logins.Scope != guard.UserAddress || o.Limits.FailedLoginDelay >= 0 {
		t.Errorf("without a delay: %+v, %s", o.Logins, o.Limits.FailedLoginDelay)
	}
}

// TestWeakPasswordOfAFileIsTold: the file, the user and the key that says how long a password has to be, and not the password.
func TestWeakPasswordOfAFileIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("alice=a-long-enough-word\nbob=brief\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := plainUsersFile(file, password.Policy{MinLength: 12})
	if err == nil || strings.Contains(err.Error(), "brief") {
		t.Fatalf("%v", err)
	}
	for _, told := range []string{"chronik.sasl.plain.users.file", file, `"bob"`, "12 characters", "chronik.password.min.length"} {
		if !strings.Contains(err.Error(), told) {
			t.Errorf("%q does not tell %s", err, told)
		}
	}
}
