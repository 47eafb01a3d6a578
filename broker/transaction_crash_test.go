package broker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// crashWorld is a node whose log directories are in memory, so that its power can be cut at any change to them.
type crashWorld struct {
	*txnNode
	disk *vfs.Memory
}

// newCrashWorld makes a node that has committed a transaction and was stopped.
func newCrashWorld(ctx context.Context, t *testing.T, level int16) *crashWorld {
	t.Helper()
	w := &crashWorld{txnNode: formatTxnNode(ctx, t, level), disk: vfs.NewMemory(nil)}
	for i, name := range []string{"/one", "/two"} {
		data, err := os.ReadFile(filepath.Join(w.options.LogDirs[i], "meta.properties"))
		w.must(err)
		w.must(w.disk.Mkdir(name))
		w.must(vfs.ReplaceFile(w.disk, name+"/meta.properties", data))
		w.options.LogDirs[i] = name
	}
	w.must(vfs.SyncDir(w.disk, "/"))
	w.options.Files = w.disk
	w.before()
	return w
}

// copy is another node in the same state. The world is not running.
func (w *crashWorld) copy(t *testing.T) *crashWorld {
	t.Helper()
	clock := new(fastClock)
	c := &crashWorld{txnNode: &txnNode{t: t, ctx: w.ctx, options: w.options, forward: clock.forward}, disk: w.disk.Crash(1)}
	w.disk = w.disk.Crash(1)
	c.options.MetadataDir = filepath.Join(t.TempDir(), "metadata")
	c.must(os.CopyFS(c.options.MetadataDir, os.DirFS(w.options.MetadataDir)))
	c.options.Files, c.options.Clock = c.disk, clock.now
	return c
}

// interrupt does a transaction during which the power is cut. It reports whether it was ended as far as its client knows.
func (w *crashWorld) interrupt(e ending, cut powerCut) (ended bool) {
	w.t.Helper()
	c := w.client()
	defer c.Close()
	if _, _, err := c.ProducerID(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		defer cancel()
		w.powerless(ctx)
	}()
	if cut.begin != nil {
		cut.begin(w)
	}
	err := beginIn(ctx, c, "interrupted")
	if err == nil && cut.end != nil {
		cut.end(w)
	}
	if err == nil {
		err = e.end(ctx, w.txnNode, c)
	}
	cancel()
	<-watched
	return err == nil
}

// abandon writes to both log directories, so that each notices that its power is gone and nobody waits for them.
func (w *crashWorld) abandon() {
	w.t.Helper()
	for p := range int32(crashPartitions) {
		var b record.Builder
		b.Add(time.Now().UnixMilli(), nil, nil)
		_, _ = w.broker.replicas.Get("t", p).AppendOwn(b.Batch(), time.Now()) // fails now or at the sync
	}
	for _, d := range w.broker.directories {
		<-d.Failed()
	}
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	_ = w.broker.Shutdown(ctx) // its disk is gone
}

// crash loses what was not synced, as the seed says, and starts the node again.
func (w *crashWorld) crash(seed uint64) {
	w.t.Helper()
	left := w.disk.Crash(seed)
	w.abandon()
	w.disk, w.options.Files = left, left
	w.broker = start(w.t, w.options)
}

// powerFails cuts the power during a transaction and starts the node again. The transaction has ended in one way everywhere, and a client
// with the same transactional id goes on. It returns in which state it was when the power went, and whether it was over by then.
func powerFails(t *testing.T, base *crashWorld, seed uint64, e ending, cut powerCut) (state string, over bool) {
	t.Helper()
	w := base.copy(t)
	w.broker = start(t, w.options)
	ended := w.interrupt(e, cut)
	over = ended && w.complete()
	w.crash(seed)
	defer func() { stop(t, w.broker) }()
	c := client(t, w.broker)
	defer c.Close()
	admin := kadm.NewClient(c)
	state = w.where(admin)
	next := w.client()
	defer next.Close()
	if _, _, err := next.ProducerID(w.ctx); err != nil {
		t.Fatalf("%s, %s: the next producer: %v", e.name, state, err)
	}
	committed := w.check(admin)
	if committed && !e.commits || !committed && ended && e.commits {
		t.Errorf("%s, %s: committed %v; the client was told of the end: %v", e.name, state, committed, ended)
	}
	w.must(transactIn(w.ctx, next, "after"))
	t.Logf("%s, %s: ended %v, committed %v", e.name, state, ended, committed)
	return state, over
}

// TestPowerFailsAtEachStepOfATransaction cuts the power at each change to the disk that a transaction makes, from its first batch to its
// completion: at every append of its coordinator and of its partitions, before it is on the disk and after it. Of the transactions that
// are aborted, which begin in the same way, it takes a sample of the changes from their end on.
func TestPowerFailsAtEachStepOfATransaction(t *testing.T) {
	for level := range int16(3) {
		t.Run(fmt.Sprintf("transaction.version %d", level), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			base := newCrashWorld(ctx, t, level)
			for _, e := range endings() {
				stride := 1
				switch {
				case testing.Short() || raceDetector || !e.commits:
					stride = 5
				case level == 1: // the same changes as at 0
					stride = 2
				}
				for n, over := 0, false; !over; n += stride {
					cut := powerCut{end: cutAfter(n)}
					if e.commits {
						cut = powerCut{begin: cutAfter(n)}
					}
					_, over = powerFails(t, base, uint64(n), e, cut) //nolint:gosec // not negative
				}
			}
		})
	}
}
