package storage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// benchDir makes a directory on the disk of the source tree: the one for temporary files may be in memory.
func benchDir(b testing.TB) string {
	b.Helper()
	dir, err := os.MkdirTemp(".", "bench-*.tmp")
	must(b, err)
	b.Cleanup(func() { must(b, os.RemoveAll(dir)) })
	return dir
}

func benchConfig(dir string) Config {
	return Config{FS: vfs.OS{}, Dir: filepath.ToSlash(dir), DefaultLogConfig: DefaultLogConfig()}
}

// benchBatch is one record that does not compress.
func benchBatch(size int) []byte {
	value := make([]byte, size)
	r := rand.New(rand.NewPCG(1, uint64(size))) //nolint:gosec // no secret
	for i := range value {
		value[i] = byte(r.Uint32())
	}
	var builder record.Builder
	builder.Add(time.Now().UnixMilli(), nil, value)
	return builder.Batch()
}

// rawWrite writes total bytes by chunks into a file of zeros that is used over and over, with fdatasync behind each chunk, and
// returns bytes per second: the most that a durable write can reach.
func rawWrite(b testing.TB, dir string, total int64, chunk int) float64 {
	b.Helper()
	const size = 64 << 20
	f, err := vfs.OS{}.Open(filepath.Join(dir, "raw"), vfs.Create)
	must(b, err)
	data := benchBatch(chunk)[:chunk]
	for off := int64(0); off < size; off += 1 << 20 {
		_, err := f.WriteAt(make([]byte, 1<<20), off)
		must(b, err)
	}
	must(b, f.Sync())
	start := time.Now()
	for written := int64(0); written < total; written += int64(chunk) {
		_, err := f.WriteAt(data, written%size)
		must(b, err)
		must(b, f.Sync())
	}
	rate := float64(total) / time.Since(start).Seconds()
	must(b, f.Close())
	return rate
}

// appenders append total bytes from several goroutines, partition by partition in turn, wait until all is confirmed, and return
// bytes per second. latency, where not nil, is told how long each call took.
func appenders(b testing.TB, logs []*Log, batch []byte, total int64, latency func(start, end time.Time)) float64 {
	b.Helper()
	const writers = 4
	var group sync.WaitGroup
	start := time.Now()
	for w := range writers {
		group.Go(func() {
			own := slices.Clone(batch)
			for n := range total / int64(len(batch)) / writers {
				begin := time.Now()
				if _, err := logs[(int(n)*writers+w)%len(logs)].Append(own, client()); err != nil {
					b.Error(err)
					return
				}
				if latency != nil {
					latency(begin, time.Now())
				}
			}
		})
	}
	group.Wait()
	for _, l := range logs {
		waitConfirmed(b, l)
	}
	return float64(total) / time.Since(start).Seconds()
}

func benchLogs(b testing.TB, d *Directory, n int) []*Log {
	b.Helper()
	logs := make([]*Log, n)
	for i := range logs {
		l, err := d.Create(TopicID{1}, "bench", int32(i), d.cfg.DefaultLogConfig)
		must(b, err)
		logs[i] = l
	}
	return logs
}

// settled gives each log a batch and makes that durable: what is measured then is appending, not the creation of files.
func settled(b testing.TB, d *Directory, logs []*Log) {
	b.Helper()
	for _, l := range logs {
		appendTo(b, l, benchBatch(1))
	}
	must(b, d.Checkpoint())
}

// waiters append total bytes from so many goroutines, each of which takes the logs in turn and waits for each batch until it is
// confirmed, and return bytes per second.
func waiters(b testing.TB, logs []*Log, batch []byte, total int64, count int) float64 {
	b.Helper()
	waiting := make([]confirmations, len(logs))
	for i, l := range logs {
		waiting[i].told.L = &waiting[i].mu
		l.OnConfirmed(waiting[i].reach)
	}
	var group sync.WaitGroup
	start := time.Now()
	for p := range count {
		group.Go(func() {
			own := slices.Clone(batch)
			for n := range int(total) / len(batch) / count {
				i := (n*count + p) % len(logs)
				result, err := logs[i].Append(own, client())
				if err != nil {
					b.Error(err)
					return
				}
				waiting[i].wait(result.LastOffset)
			}
		})
	}
	group.Wait()
	return float64(total) / time.Since(start).Seconds()
}

// confirmations are those of one log, for several producers.
type confirmations struct {
	mu   sync.Mutex
	told sync.Cond
	end  int64
}

func (c *confirmations) reach(end int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = max(c.end, end)
	c.told.Broadcast()
}

func (c *confirmations) wait(offset int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.end <= offset {
		c.told.Wait()
	}
}

// BenchmarkAppendDurable: 64 producers of 16 KiB batches, each of which waits until its batch is on disk (acks=all), to 1, 100 and
// 1,000 partitions.
func BenchmarkAppendDurable(b *testing.B) {
	benchPartitions(b, func(logs []*Log) float64 { return waiters(b, logs, benchBatch(16<<10), 1<<30, 64) })
}

// BenchmarkAppendFlood is BenchmarkAppendDurable with appenders that do not wait, until the directory makes them.
func BenchmarkAppendFlood(b *testing.B) {
	benchPartitions(b, func(logs []*Log) float64 { return appenders(b, logs, benchBatch(16<<10), 1<<30, nil) })
}

func benchPartitions(b *testing.B, load func(logs []*Log) (rate float64)) {
	one := 0.0
	for _, partitions := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("partitions=%d", partitions), func(b *testing.B) {
			for b.Loop() {
				dir := benchDir(b)
				d := openDir(b, benchConfig(dir))
				logs := benchLogs(b, d, partitions)
				settled(b, d, logs)
				rate := load(logs)
				must(b, d.Close())
				raw := rawWrite(b, dir, 512<<20, 1<<20)
				if partitions == 1 {
					one = rate
				}
				b.ReportMetric(rate/1e6, "MB/s")
				if one > 0 {
					b.ReportMetric(rate/one, "of-one-partition")
				}
				b.ReportMetric(rate/raw, "of-raw")
				b.ReportMetric(raw/1e6, "raw-MB/s")
				must(b, os.RemoveAll(dir))
			}
		})
	}
}

// BenchmarkSustained appends far more than the journal holds, beside raw writes of the same size in the same run: 16 KiB batches,
// which are written twice, and 1 MiB batches, which go round the journal.
func BenchmarkSustained(b *testing.B) {
	const total = 2 << 30
	for _, size := range []int{16 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			for b.Loop() {
				dir := benchDir(b)
				raw := rawWrite(b, dir, total/4, 1<<20)
				d := openDir(b, benchConfig(dir))
				rate := appenders(b, benchLogs(b, d, 4), benchBatch(size-200), total, nil)
				must(b, d.Close())
				raw = (raw + rawWrite(b, dir, total/4, 1<<20)) / 2
				b.ReportMetric(rate/1e6, "MB/s")
				b.ReportMetric(rate/raw, "of-raw")
				b.ReportMetric(raw/1e6, "raw-MB/s")
				must(b, os.RemoveAll(dir))
			}
		})
	}
}
