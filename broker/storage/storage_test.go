package storage

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	testTopic = TopicID{1, 2, 3}
	testTime  = time.UnixMilli(1_700_000_000_000)
)

const testDir = "/data"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testConfig is for small files, and a directory that does nothing by itself.
func testConfig(fsys vfs.FS) Config {
	cfg := DefaultLogConfig()
	cfg.SegmentBytes = 16 << 10
	cfg.IndexIntervalBytes = 500
	cfg.RetentionMs = -1
	cfg.VerifyTransactions = false
	return Config{
		FS: fsys, Dir: testDir, JournalFileBytes: 256 << 10, CheckpointInterval: time.Hour, CheckpointBytes: 1 << 40,
		DefaultLogConfig: cfg, Clock: func() time.Time { return testTime },
	}
}

func openDir(t testing.TB, cfg Config) *Directory {
	t.Helper()
	d, err := Open(cfg)
	must(t, err)
	return d
}

func newLogIn(t testing.TB, d *Directory) *Log {
	t.Helper()
	l, err := d.Create(testTopic, "topic", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	return l
}

// batchOf makes a batch of n records with a value of so many bytes.
func batchOf(n, size int, timestamp int64) []byte {
	var b record.Builder
	for i := range n {
		b.Add(timestamp+int64(i), fmt.Appendf(nil, "key %d", i), bytes.Repeat([]byte{byte('a' + i%26)}, size))
	}
	return b.Batch()
}

func client() AppendInfo { return AppendInfo{LeaderEpoch: 1, Origin: Client} }

func appendTo(t testing.TB, l *Log, batch []byte) AppendResult {
	t.Helper()
	r, err := l.Append(batch, client())
	must(t, err)
	return r
}

// waitConfirmed waits until everything is confirmed.
func waitConfirmed(t testing.TB, l *Log) {
	t.Helper()
	reached := make(chan struct{}, 1)
	end := l.EndOffset()
	l.OnConfirmed(func(confirmed int64) {
		if confirmed >= end {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
	})
	if l.Confirmed() >= end {
		return
	}
	select {
	case <-reached:
	case <-time.After(10 * time.Second):
		t.Fatalf("%d is confirmed, %d is the end", l.Confirmed(), end)
	}
}

// readAll returns the bytes of the whole log.
func readAll(t testing.TB, l *Log) []byte {
	t.Helper()
	var all []byte
	for offset := l.StartOffset(); offset < l.EndOffset(); {
		data, err := l.Read(offset, 3000, l.EndOffset(), true, nil)
		must(t, err)
		if len(data) == 0 {
			if a := l.active(); a.base == l.EndOffset() && a.size.Load() == 0 {
				break // a roll to a replicated batch behind a gap, and a crash before the batch
			}
			t.Fatalf("nothing to read at %d, the end is %d", offset, l.EndOffset())
		}
		record.Batches(data, func(b record.Batch) bool {
			offset = b.LastOffset() + 1
			return true
		})
		all = append(all, data...)
	}
	return all
}

func TestAppendAndReadBack(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	var want []byte
	for i := range 200 {
		b := batchOf(1+i%5, 100+i, testTime.UnixMilli()+int64(i))
		r := appendTo(t, l, b)
		if r.BaseOffset+int64(i%5) != r.LastOffset || r.Duplicate || r.AppendTime != -1 {
			t.Fatalf("batch %d: %+v", i, r)
		}
		want = append(want, b...)
	}
	if !bytes.Equal(readAll(t, l), want) {
		t.Fatal("what is read is not what was written")
	}
	waitConfirmed(t, l)
	if n := len(*l.segments.Load()); n < 5 {
		t.Fatalf("%d segments", n)
	}
	must(t, d.Close())
	for _, next := range []*vfs.Memory{disk.Crash(1), disk.Kill()} {
		d = openDir(t, testConfig(next))
		if !bytes.Equal(readAll(t, d.Log("topic", 0)), want) {
			t.Fatal("after a clean stop: what is read is not what was written")
		}
		must(t, d.Close())
	}
}

func TestReplayAfterCrash(t *testing.T) {
	for seed := range uint64(20) {
		disk := vfs.NewMemory(nil)
		d := openDir(t, testConfig(disk))
		l := newLogIn(t, d)
		var want []byte
		for i := range 100 {
			b := batchOf(1+i%5, 100+i, testTime.UnixMilli()+int64(i))
			appendTo(t, l, b)
			want = append(want, b...)
			if i == 50 {
				must(t, d.Checkpoint())
			}
		}
		waitConfirmed(t, l)
		next := disk.Crash(seed)
		_ = d.Close() // without power
		d = openDir(t, testConfig(next))
		l = d.Log("topic", 0)
		if l == nil || !bytes.Equal(readAll(t, l), want) {
			t.Fatalf("seed %d: confirmed records are gone", seed)
		}
		if l.Confirmed() != l.EndOffset() {
			t.Fatalf("seed %d: %d is confirmed, %d is the end", seed, l.Confirmed(), l.EndOffset())
		}
		must(t, d.Close())
	}
}
