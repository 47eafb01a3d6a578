package quorum

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/broker/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a machine that remembers what it was told; "poison" is an entry that it can not follow.
type journal struct {
	entries []string
}

var errPoison = errors.New("poison")

func (j *journal) Apply(index uint64, data []byte) (any, error) {
	if string(data) == "poison" {
		return nil, errPoison
	}
	j.entries = append(j.entries, string(data))
	return index, nil
}

func (j *journal) Snapshot() func(io.Writer) error {
	entries := strings.Join(j.entries, "\n")
	return func(w io.Writer) error {
		_, err := io.WriteString(w, entries)
		return err
	}
}

func (j *journal) Restore(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	j.entries = strings.Split(string(raw), "\n")
	return nil
}

func config(t *testing.T, dir string, m Machine) Config {
	t.Helper()
	return Config{Dir: dir, NodeID: 1, Machine: m, Logger: slog.New(slog.DiscardHandler)}
}

func mustOpen(t *testing.T, cfg Config) *Quorum {
	t.Helper()
	q, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestEntriesAreThereAfterARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "metadata")
	first := config(t, dir, &journal{})
	first.Create = true
	q := mustOpen(t, first)
	for i := range 10 {
		if _, err := q.Propose(context.Background(), fmt.Appendf(nil, "entry-%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}

	again := &journal{}
	q = mustOpen(t, config(t, dir, again))
	if len(again.entries) != 10 || again.entries[9] != "entry-9" {
		t.Errorf("after a restart the log holds %q", again.entries)
	}
	if !q.IsLeader() {
		t.Error("the sole voter does not lead")
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnEntryThatCanNotBeFollowedStopsTheNode(t *testing.T) {
	cfg := config(t, t.TempDir(), &journal{})
	cfg.Create = true
	q := mustOpen(t, cfg)
	defer func() { _ = q.Close() }()
	if _, err := q.Propose(context.Background(), []byte("poison")); !errors.Is(err, errPoison) {
		t.Errorf("error %v, want the machine's", err)
	}
	<-q.Failed()
	if _, err := q.Propose(context.Background(), []byte("after")); !errors.Is(err, errPoison) || !errors.Is(q.Err(), errPoison) {
		t.Errorf("a failed node goes on: %v", err)
	}
}

func TestAnEndedContextIsAnUnknownOutcome(t *testing.T) {
	cfg := config(t, t.TempDir(), &journal{})
	cfg.Create = true
	q := mustOpen(t, cfg)
	defer func() { _ = q.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := q.Propose(ctx, []byte("x")); err != nil && wire.CodeOf(err) != wire.RequestTimedOut {
		t.Errorf("code %s, want REQUEST_TIMED_OUT", wire.CodeName(wire.CodeOf(err)))
	}
}

func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := Open(context.Background(), config(t, t.TempDir(), &journal{})); !errors.Is(err, ErrNotFormatted) {
		t.Errorf("an empty directory: %v", err)
	}
	newer := t.TempDir()
	if err := os.WriteFile(filepath.Join(newer, formatFile), []byte("2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), config(t, newer, &journal{})); !errors.Is(err, ErrFormat) {
		t.Errorf("a newer format: %v", err)
	}
	damaged := t.TempDir()
	cfg := config(t, damaged, &journal{})
	cfg.Create = true
	if err := mustOpen(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, logFile), []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), config(t, damaged, &journal{})); err == nil {
		t.Error("a damaged log opens")
	}
}
