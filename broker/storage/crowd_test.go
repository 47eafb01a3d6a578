package storage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// unevenFS lets other goroutines run within writes and syncs, now and then for long.
type unevenFS struct{ vfs.FS }

type unevenFile struct{ vfs.File }

func (u unevenFS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := u.FS.Open(name, mode)
	return unevenFile{f}, err
}

func (f unevenFile) WriteAt(p []byte, off int64) (int, error) {
	linger(3)
	return f.File.WriteAt(p, off)
}

func (f unevenFile) Sync() error {
	linger(40)
	defer linger(40)
	return f.File.Sync()
}

func linger(most int) {
	for range rand.IntN(most) { //nolint:gosec // no secret
		runtime.Gosched()
	}
}

// crowd are producers that keep some batches of one log on their way, as clients do.
type crowd struct {
	log  *Log
	mu   sync.Mutex
	more sync.Cond
}

func newCrowd(l *Log) *crowd {
	c := &crowd{log: l}
	c.more.L = &c.mu
	l.OnConfirmed(func(int64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.more.Broadcast()
	})
	return c
}

func (c *crowd) await(end int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.log.Confirmed() < end {
		c.more.Wait()
	}
}

// produce appends batches of all sizes and waits for the answer to each.
func (c *crowd) produce(batches int, random *rand.Rand) error {
	const onTheirWay = 5
	ends := make([]int64, 0, batches)
	for i := range batches {
		size := 1 << (4 + random.IntN(11))
		r, err := c.log.Append(batchOf(1, size, int64(i)), client())
		if err != nil {
			return fmt.Errorf("append a record of %d bytes: %w", size, err)
		}
		ends = append(ends, r.LastOffset+1)
		if n := len(ends) - onTheirWay; n >= 0 {
			c.await(ends[n])
		}
		if err := c.disturb(random); err != nil {
			return err
		}
	}
	c.await(ends[len(ends)-1])
	return nil
}

// TestACrowdIsAnswered has many producers at work over some logs, with a journal that is always about to be full, while checkpoints,
// retention and the making and deletion of logs go on: every append is confirmed. An answer that is lost is a test that does not end.
func TestACrowdIsAnswered(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		policy := []journal.FlushPolicy{journal.FlushAcks, journal.FlushOS, journal.FlushAcks, journal.FlushInterval}[round%4]
		references := []int64{4000, math.MaxInt64, 1, 30000}[round/2%4]
		t.Run(fmt.Sprintf("%s, references from %d, round %d", policy, references, round), func(t *testing.T) {
			cfg := testConfig(unevenFS{vfs.NewMemory(nil)})
			cfg.FlushPolicy, cfg.ReferenceBytes = policy, references
			cfg.JournalFileBytes, cfg.CheckpointBytes = 64<<10, 128<<10
			cfg.DefaultLogConfig.SegmentBytes = 100 << 10
			crowdOf(t, cfg, uint64(round)) //nolint:gosec // small
		})
	}
}

func crowdOf(t *testing.T, cfg Config, seed uint64) {
	t.Helper()
	d := openDir(t, cfg)
	var crowds []*crowd
	for i := range []int{1, 3, 20}[seed%3] {
		l, err := d.Create(testTopic, "topic", int32(i), cfg.DefaultLogConfig)
		must(t, err)
		crowds = append(crowds, newCrowd(l))
	}
	const inAll = 24
	var producers sync.WaitGroup
	for i := range inAll {
		producers.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // repeats itself
			if err := crowds[i%len(crowds)].produce(60, random); err != nil {
				t.Errorf("producer %d: %v", i, err)
			}
		})
	}
	producers.Wait()
	must(t, d.Close())
}

// disturb does one of the things that go on beside appends.
func (c *crowd) disturb(random *rand.Rand) error {
	switch l := c.log; random.IntN(60) {
	case 0:
		return l.d.Checkpoint()
	case 1:
		if err := l.raiseStart(max(l.StartOffset(), l.Confirmed()-20), nil); err != nil {
			return err
		}
		_, err := l.Retain(testTime, l.Confirmed())
		return err
	case 2:
		other := TopicID{9, byte(random.IntN(256)), byte(random.IntN(256))}
		partition := 100 + random.Int32N(1<<30)
		if _, err := l.d.Create(other, "other", partition, l.Config()); err != nil {
			return err
		}
		return l.d.Delete(other, partition)
	default:
		return nil
	}
}
