package storage

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// loadGate is a file system that holds up the load of each log, where its files are listed first.
type loadGate struct {
	vfs.FS
	mu      sync.Mutex
	seen    map[string]bool
	loading int
	release chan struct{}
}

func (g *loadGate) List(dir string) ([]vfs.Info, error) {
	if dir != testDir && g.enter(dir) {
		<-g.release
		g.mu.Lock()
		g.loading--
		g.mu.Unlock()
	}
	return g.FS.List(dir)
}

// enter says whether a directory is listed for the first time.
func (g *loadGate) enter(dir string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seen[dir] {
		return false
	}
	g.seen[dir] = true
	g.loading++
	return true
}

// held is how many logs are loaded at this moment, when all goroutines wait.
func (g *loadGate) held() int {
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.loading
}

// TestRecoveryThreadsLoadLogsAtOnce: a start loads as many logs at a time as num.recovery.threads.per.data.dir says, no fewer while
// there are that many, and no more; after a clean stop as after a kill.
func TestRecoveryThreadsLoadLogsAtOnce(t *testing.T) {
	const logs = 7
	for threads, want := range map[int]int{0: DefaultRecoveryThreads, 1: 1, 3: 3, 20: logs} {
		for _, clean := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d threads, clean %v", threads, clean), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gate := &loadGate{FS: diskOfLogs(t, logs, clean), seen: map[string]bool{}, release: make(chan struct{})}
					cfg := testConfig(gate)
					cfg.RecoveryThreads = threads
					opened := make(chan error, 1)
					var d *Directory
					go func() {
						var err error
						d, err = Open(cfg)
						opened <- err
					}()
					for left := logs; left > 0; left-- {
						if n := gate.held(); n != min(want, left) {
							t.Errorf("%d logs are loaded at once with %d left, want %d", n, left, min(want, left))
						}
						gate.release <- struct{}{}
					}
					must(t, <-opened)
					for i := range logs {
						if l := d.Log(fmt.Sprint("topic", i), 0); l == nil || l.EndOffset() != int64(i+1) {
							t.Errorf("log %d is not loaded", i)
						}
					}
					must(t, d.Close())
				})
			})
		}
	}
}

// diskOfLogs is a disk with logs as a clean stop, or a kill, leaves them.
func diskOfLogs(t *testing.T, logs int, clean bool) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	for i := range logs {
		l, err := d.Create(TopicID{byte(i + 1)}, fmt.Sprint("topic", i), 0, d.cfg.DefaultLogConfig)
		must(t, err)
		appendTo(t, l, batchOf(i+1, 100, testTime.UnixMilli()))
		waitConfirmed(t, l)
	}
	if clean {
		must(t, d.Close())
		return disk
	}
	next := disk.Kill()
	_ = d.Close() // without its disk
	return next
}
