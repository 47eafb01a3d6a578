package quorum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/chronik-stream/chronik/broker/wire"
)

// written is a directory whose log holds these entries, and a snapshot after the first snapshotAt of them where it is not 0.
func written(t *testing.T, snapshotAt int, entries ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "metadata")
	cfg := config(t, dir, &journal{})
	cfg.Create = true
	q := mustOpen(t, cfg)
	for i, e := range entries {
		if _, err := q.Propose(context.Background(), []byte(e)); err != nil {
			t.Fatal(err)
		}
		if i+1 == snapshotAt {
			if err := q.raft.Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// spoil replaces every occurrence in a file.
func spoil(t *testing.T, path, old, by string) {
	t.Helper()
	raw, err := os.ReadFile(path) //nolint:gosec // a test's own file
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(old)) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(raw, []byte(old), []byte(by)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustNotOpen(t *testing.T, dir string, want error) {
	t.Helper()
	m := &journal{}
	q, err := Open(context.Background(), config(t, dir, m))
	if err == nil {
		t.Errorf("it opens, with %q", m.entries)
		_ = q.Close()
		return
	}
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestASnapshotAndTheEntriesAfterItAreReplayedOnce(t *testing.T) {
	dir := written(t, 2, "one", "two", "three", "four")
	m := &journal{}
	q := mustOpen(t, config(t, dir, m))
	defer func() { _ = q.Close() }()
	if want := []string{"one", "two", "three", "four"}; !slices.Equal(m.entries, want) {
		t.Errorf("replayed %q, want %q", m.entries, want)
	}
}

func TestADamagedEntryIsFound(t *testing.T) {
	dir := written(t, 0, "one", "entry-to-spoil", "three")
	spoil(t, filepath.Join(dir, logFile), "entry-to-spoil", "entry-is-spoilt")
	mustNotOpen(t, dir, ErrDamaged)
}

func TestAnEntryOfANewerVersionIsRefused(t *testing.T) {
	dir := written(t, 0, "one")
	spoil(t, filepath.Join(dir, logFile), "CHRE\x01", "CHRE\x02")
	mustNotOpen(t, dir, ErrFormat)
}

func TestADamagedSnapshotIsFound(t *testing.T) {
	dir := written(t, 1, "one", "two")
	states, err := filepath.Glob(filepath.Join(dir, "snapshots", "*", "state.bin"))
	if err != nil || len(states) != 1 {
		t.Fatalf("snapshots %v, %v", states, err)
	}
	spoil(t, states[0], "one", "eno")
	if _, err := Open(context.Background(), config(t, dir, &journal{})); err == nil {
		t.Error("it opens")
	}
}

func TestAMissingSnapshotIsFound(t *testing.T) {
	dir := written(t, 2, "one", "two", "three")
	store, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	last, err := store.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.DeleteRange(1, last-1), store.Close(), os.RemoveAll(filepath.Join(dir, "snapshots"))); err != nil {
		t.Fatal(err)
	}
	mustNotOpen(t, dir, ErrDamaged)
}

func TestATruncatedLogIsFound(t *testing.T) {
	for _, size := range []int64{0, 4096, 8192, 12288, 20000} {
		dir := written(t, 0, "one", "two", "three")
		if err := os.Truncate(filepath.Join(dir, logFile), size); err != nil {
			t.Fatal(err)
		}
		if q, err := Open(context.Background(), config(t, dir, &journal{})); err == nil {
			t.Errorf("cut to %d bytes it opens", size)
			_ = q.Close()
		}
	}
}

func TestRandomDamageNeverPanics(t *testing.T) {
	dir := written(t, 0, "one", "two", "three")
	path := filepath.Join(dir, logFile)
	whole, err := os.ReadFile(path) //nolint:gosec // a test's own file
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := 0; at < len(whole); at += 611 {
		damaged := bytes.Clone(whole)
		for i := at; i < min(at+40, len(damaged)); i++ {
			damaged[i] ^= 0x5a
		}
		copied := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(copied, logFile), damaged, 0o600), os.WriteFile(filepath.Join(copied, formatFile), []byte("1\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		store, err := openStore(copied)
		if err == nil {
			err = verify(store, 0)
			if !errors.Is(err, errStuck) {
				_ = store.Close()
			}
		}
		if err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no damage is found")
	}
}

func TestAnotherNodesLogIsRefused(t *testing.T) {
	dir := written(t, 0, "one")
	cfg := config(t, dir, &journal{})
	cfg.NodeID = 2
	if _, err := Open(context.Background(), cfg); !errors.Is(err, ErrOtherNode) {
		t.Errorf("error %v", err)
	}
}

func TestAnInterruptedFormatIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "metadata")
	if err := errors.Join(os.MkdirAll(dir+unfinished, 0o700), os.WriteFile(filepath.Join(dir+unfinished, logFile), []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	mustNotOpen(t, dir, ErrNotFormatted)
	cfg := config(t, dir, &journal{})
	cfg.Create = true
	if err := mustOpen(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), cfg); err == nil {
		t.Error("a log is made over another")
	}
	if _, err := os.Stat(dir + unfinished); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}

func TestADirectoryWithOtherFilesIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letter"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, dir, &journal{})
	cfg.Create = true
	if _, err := Open(context.Background(), cfg); err == nil {
		t.Error("the directory is taken")
	}
	if _, err := os.Stat(filepath.Join(dir, "letter")); err != nil {
		t.Error(err)
	}
}

func TestALogInUseIsRefused(t *testing.T) {
	dir := written(t, 0, "one")
	q := mustOpen(t, config(t, dir, &journal{}))
	if _, err := Open(context.Background(), config(t, dir, &journal{})); err == nil {
		t.Error("two nodes have one log")
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestManyProposersShareTheLog(t *testing.T) {
	m := &journal{}
	cfg := config(t, filepath.Join(t.TempDir(), "metadata"), m)
	cfg.Create = true
	q := mustOpen(t, cfg)
	var all sync.WaitGroup
	failures := make(chan error, 200)
	for who := range 8 {
		all.Go(func() {
			for i := range 10 {
				if _, err := q.Propose(context.Background(), fmt.Appendf(nil, "%d-%d", who, i)); err != nil {
					failures <- err
				}
			}
		})
	}
	all.Wait()
	if len(failures) > 0 {
		t.Fatal(<-failures)
	}
	if err := q.Barrier(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(m.entries) != 80 {
		t.Errorf("%d entries", len(m.entries))
	}
	for who := range 8 {
		last := -1
		for at, e := range m.entries {
			if i := slices.Index(m.entries, e); i != at {
				t.Fatalf("%s is there twice", e)
			}
			var w, n int
			if _, err := fmt.Sscanf(e, "%d-%d", &w, &n); err != nil || w == who && n != last+1 {
				t.Fatalf("%s after %d-%d", e, who, last)
			}
			if w == who {
				last = n
			}
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Propose(context.Background(), []byte("late")); wire.CodeOf(err) != wire.RequestTimedOut {
		t.Errorf("a proposal to a closed log: %v", err)
	}
}

func TestOutcomes(t *testing.T) {
	for err, code := range map[error]int16{
		raft.ErrNotLeader: wire.NotController, raft.ErrEnqueueTimeout: wire.NotController, raft.ErrLeadershipLost: wire.RequestTimedOut,
		raft.ErrRaftShutdown: wire.RequestTimedOut, errPoison: wire.RequestTimedOut,
	} {
		if got := outcome(err); wire.CodeOf(got) != code || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}
