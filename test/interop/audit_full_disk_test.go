//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// ballast is a file that takes all space of a disk, again and again.
type ballast struct{ file *os.File }

func newBallast(t *testing.T, disk string) *ballast {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &ballast{f}
}

// fill takes what space there is.
func (b *ballast) fill(t *testing.T) {
	t.Helper()
	for size := 64 << 10; size > 0; size /= 16 {
		var err error
		for err == nil {
			_, err = b.file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// remove gives the space back.
func (b *ballast) remove(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.Remove(b.file.Name()), b.file.Truncate(0)); err != nil {
		t.Fatal(err)
	}
}

// tryLogin opens a connection as the administrator.
func tryLogin(ctx context.Context, t *testing.T, b *harness.Broker) error {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "PLAIN"), kgo.RequestRetries(0), kgo.RetryTimeout(time.Second))...)
	defer client.Close()
	return client.Ping(ctx)
}

// TestFullDiskOfTheAuditLog: when the audit log takes no events, nobody logs in, or everybody does, as chronik.audit.on.failure says; sessions that
// are open go on. When there is space again so does the log, and it tells how many events it has not.
func TestFullDiskOfTheAuditLog(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"deny", "allow"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			disk := smallDisk(t)
			b := harness.Start(t, "CHRONIK_LOG_DIRS="+filepath.Join(disk, "data"), "CHRONIK_JOURNAL_BYTES=8388608",
				"CHRONIK_LOG_SEGMENT_BYTES=1048576", "CHRONIK_AUDIT_ON_FAILURE="+policy)
			ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
			defer cancel()
			before := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
			if err := before.Ping(ctx); err != nil {
				t.Fatal(err)
			}

			space := newBallast(t, disk)
			logins := 0
			for metric(t, b, "chronik_audit_log_failing") == 0 {
				space.fill(t)
				if err := tryLogin(ctx, t, b); err != nil && metric(t, b, "chronik_audit_log_failing") == 0 {
					t.Fatalf("log-in %d while the log works: %v", logins, err)
				}
				logins++
			}
			switch err := tryLogin(ctx, t, b); {
			case policy == "deny" && !errors.Is(err, kerr.SaslAuthenticationFailed):
				t.Errorf("a log-in that can not be recorded: %v", err)
			case policy == "allow" && err != nil:
				t.Errorf("a log-in that may go unrecorded: %v", err)
			}
			if err := before.Ping(ctx); err != nil || !b.Running() {
				t.Errorf("a session that is open: %v", err)
			}
			contains(t, b.Log(), "audit log fails", "not_recorded=")
			lost := metric(t, b, "chronik_audit_lost_events_total")
			if lost == 0 {
				t.Error("no event is counted as lost")
			}

			space.remove(t)
			waitFor(t, "the audit log to work again", func() bool { return metric(t, b, "chronik_audit_log_failing") == 0 })
			if err := tryLogin(ctx, t, b); err != nil {
				t.Errorf("with space again: %v", err)
			}
			waitFor(t, "the gap to be in the audit log", func() bool { return gapsIn(t, b) >= lost })
		})
	}
}

// gapsIn is how many log-ins and log-offs the audit log says that it has not.
func gapsIn(t *testing.T, b *harness.Broker) (lost float64) {
	t.Helper()
	kcat := append(saslKcat(t, b, "PLAIN"), "-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e")
	for _, line := range strings.Split(strings.TrimSpace(harness.Command(t, "", "kcat", kcat...)), "\n") {
		var e struct {
			Class    int `json:"class_uid"`
			Unmapped struct {
				Lost map[string]float64 `json:"lost"`
			} `json:"unmapped"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if e.Class == 6008 {
			lost += e.Unmapped.Lost["authentication"] + e.Unmapped.Lost["logoff"]
		}
	}
	return lost
}
