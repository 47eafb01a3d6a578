//go:build interop

package interop

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestTheLastDirectoryEndsTheBroker: where a write fails and no directory is left, the process ends, its last line says why, and
// what was acknowledged is there after the repair.
func TestTheLastDirectoryEndsTheBroker(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "kept", 1)
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.RecordRetries(0), kgo.DisableIdempotentWrite())...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	produce := func(value string) error {
		return client.ProduceSync(ctx, &kgo.Record{Topic: "kept", Value: []byte(value)}).FirstErr()
	}
	if err := produce("0"); err != nil {
		t.Fatal(err)
	}
	b.LimitFileSize(t, 4096)
	if err := produce("1"); err == nil {
		t.Error("a record was acknowledged that could not be written")
	}
	if code := b.ExitCode(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
	lines := strings.Split(strings.TrimSpace(b.Log()), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "the broker has stopped because it can not go on: every log directory is offline: ") || !strings.Contains(last, "file too large") {
		t.Errorf("the last line is %q", last)
	}
	b.Run(t)
	checkNumbers(t, b, "kept", 0, 1)
}
