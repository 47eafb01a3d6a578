package storage

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// acknowledged appends batches one after the other, each when the one before it is confirmed, until stop is set, and tells when
// each began and ended.
func acknowledged(b testing.TB, l *Log, batch []byte, stop *atomic.Bool, tell func(begin, end time.Time)) {
	confirmed := make(chan int64, 1)
	l.OnConfirmed(func(end int64) { confirmed <- end })
	for !stop.Load() {
		begin := time.Now()
		if _, err := l.Append(batch, client()); err != nil {
			b.Error(err)
			return
		}
		<-confirmed
		tell(begin, time.Now())
	}
}

// BenchmarkCheckpointLatency compares the time until an append is confirmed during checkpoints and between them.
func BenchmarkCheckpointLatency(b *testing.B) {
	const producers, checkpoints = 16, 10
	for b.Loop() {
		dir := benchDir(b)
		d := openDir(b, benchConfig(dir))
		var during, between []time.Duration
		var mu sync.Mutex
		appended := make(chan struct{}, 1<<20)
		var busy, stop atomic.Bool
		var group sync.WaitGroup
		for _, l := range benchLogs(b, d, producers) {
			batch := benchBatch(16 << 10)
			group.Go(func() {
				acknowledged(b, l, batch, &stop, func(begin, end time.Time) {
					appended <- struct{}{}
					mu.Lock()
					defer mu.Unlock()
					if busy.Load() {
						during = append(during, end.Sub(begin))
					} else {
						between = append(between, end.Sub(begin))
					}
				})
			})
		}
		for range checkpoints {
			for range 4000 {
				<-appended
			}
			busy.Store(true)
			must(b, d.Checkpoint())
			busy.Store(false)
		}
		stop.Store(true)
		group.Wait()
		must(b, d.Close())
		in, out := p99(during), p99(between)
		b.ReportMetric(float64(in.Microseconds()), "p99-us-in-checkpoint")
		b.ReportMetric(float64(out.Microseconds()), "p99-us-between")
		b.ReportMetric(float64(in)/float64(max(out, 1)), "in/between")
		must(b, os.RemoveAll(dir))
	}
}

func p99(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*99/100]
}

// BenchmarkReadPageCache reads a log that the page cache holds, beside plain reads of its file.
func BenchmarkReadPageCache(b *testing.B) {
	const total, size = 512 << 20, 1 << 20
	dir := benchDir(b)
	d := openDir(b, benchConfig(dir))
	l := benchLogs(b, d, 1)[0]
	appenders(b, []*Log{l}, benchBatch(16<<10), total, nil)
	dst := make([]byte, 0, 2*size)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		read := 0
		for offset := int64(0); offset < l.EndOffset(); {
			data, err := l.Read(offset, size, l.EndOffset(), true, dst)
			must(b, err)
			for rest := data; len(rest) > 0; {
				h, ok := parseHeader(rest)
				if !ok {
					b.Fatal("no batch was read")
				}
				offset, rest = h.last()+1, rest[h.size:]
			}
			read += len(data)
		}
		rate := float64(read) / time.Since(start).Seconds()
		raw := rawRead(b, l.active().name(logSuffix), size)
		b.ReportMetric(rate/1e6, "MB/s")
		b.ReportMetric(rate/raw, "of-raw")
	}
	must(b, d.Close())
}

func rawRead(b testing.TB, name string, chunk int) float64 {
	b.Helper()
	f, err := vfs.OS{}.Open(name, vfs.ReadOnly)
	must(b, err)
	p := make([]byte, chunk)
	start := time.Now()
	read := int64(0)
	for {
		n, err := f.ReadAt(p, read)
		read += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		must(b, err)
	}
	rate := float64(read) / time.Since(start).Seconds()
	must(b, f.Close())
	return rate
}

// BenchmarkAppendAllocations appends batches of a thousand records.
func BenchmarkAppendAllocations(b *testing.B) {
	d := openDir(b, benchConfig(benchDir(b)))
	l := benchLogs(b, d, 1)[0]
	batch := batchOf(1000, 10, time.Now().UnixMilli())
	b.ReportAllocs()
	for b.Loop() {
		appendTo(b, l, batch)
	}
	waitConfirmed(b, l)
	must(b, d.Close())
}

// BenchmarkRecovery opens a directory of BENCH_RECOVERY_BYTES, 10 GB where that is not set, after a clean stop, and after an end
// without one that leaves the journal as full as it gets.
func BenchmarkRecovery(b *testing.B) {
	total := int64(10_000_000_000)
	if text := os.Getenv("BENCH_RECOVERY_BYTES"); text != "" {
		var err error
		total, err = strconv.ParseInt(text, 10, 64)
		must(b, err)
	}
	for b.Loop() {
		dir := benchDir(b)
		cfg := benchConfig(dir)
		d := openDir(b, cfg)
		logs := benchLogs(b, d, 8)
		appenders(b, logs, benchBatch(1<<20-200), total, nil)
		must(b, d.Close())

		start := time.Now()
		d = openDir(b, cfg)
		b.ReportMetric(time.Since(start).Seconds(), "s-clean")

		logs = slices.Collect(d.Logs)
		d.cfg.ReferenceBytes = math.MaxInt64 // all goes through the journal
		d.checkpointing.Lock()               // none comes until the end
		appenders(b, logs, benchBatch(16<<10), DefaultCheckpointBytes, nil)
		ends := map[string]int64{}
		for _, l := range logs {
			ends[l.path] = l.EndOffset()
		}
		d.journal.Fail(errors.New("killed"))
		d.checkpointing.Unlock()
		if err := d.Close(); err == nil {
			b.Fatal("a directory that has failed was closed cleanly")
		}
		start = time.Now()
		d = openDir(b, cfg)
		b.ReportMetric(time.Since(start).Seconds(), "s-killed")
		for l := range d.Logs {
			if l.EndOffset() != ends[l.path] {
				b.Fatalf("%s ends at %d, not at %d", l.path, l.EndOffset(), ends[l.path])
			}
		}
		must(b, d.Close())
		must(b, os.RemoveAll(dir))
	}
}

// BenchmarkReferences is why batches go round the journal from DefaultReferenceBytes on: each size both ways.
func BenchmarkReferences(b *testing.B) {
	const total = 1 << 30
	for _, size := range []int{64 << 10, 128 << 10, 256 << 10, 512 << 10, 1<<20 - 200} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			for b.Loop() {
				rates := map[int64]float64{}
				for _, from := range []int64{1, 1 << 40} {
					dir := benchDir(b)
					cfg := benchConfig(filepath.ToSlash(dir))
					cfg.ReferenceBytes = from
					d := openDir(b, cfg)
					rates[from] = appenders(b, benchLogs(b, d, 4), benchBatch(size), total, nil)
					must(b, d.Close())
					must(b, os.RemoveAll(dir))
				}
				b.ReportMetric(rates[1]/1e6, "MB/s-round")
				b.ReportMetric(rates[1<<40]/1e6, "MB/s-through")
				b.ReportMetric(rates[1]/rates[1<<40], "round/through")
			}
		})
	}
}
