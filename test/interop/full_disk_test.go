//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

const fullDiskBytes = 64 << 20

// smallDisk mounts a memory file system of 64 MiB until the test ends. It needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", fullDiskBytes)); err != nil {
		t.Fatalf("mount a memory file system (this test needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillTopic produces until the broker refuses, and returns how many records were acknowledged. Each holds its own number.
func fillTopic(t *testing.T, client *kgo.Client, topic string, from int) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	pad := strings.Repeat("x", 60_000)
	for n := from; ; n++ {
		err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d %s", n, pad)}).FirstErr()
		if err == nil {
			continue
		}
		if !errors.Is(err, kerr.KafkaStorageError) {
			t.Fatalf("record %d: %v", n, err)
		}
		return n
	}
}

// checkNumbers reads a topic from its first offset on and compares the numbers of its records, which are from, from+1, ... to-1.
func checkNumbers(t *testing.T, b *harness.Broker, topic string, from, to int) {
	t.Helper()
	client := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	next := from
	for next < to {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", next, to, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			number, _, _ := strings.Cut(string(r.Value), " ")
			if number != fmt.Sprint(next) {
				t.Fatalf("record %s at offset %d in place of %d", number, r.Offset, next)
			}
			next++
		})
	}
}

// TestFullDisk fills a disk: producers get a clean error, nothing that was acknowledged is lost, the broker stays up, starts on the
// full disk too, and goes on by itself when there is space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	b := harness.Start(t, "CHRONIK_LOG_DIRS="+filepath.Join(disk, "data"), "CHRONIK_JOURNAL_BYTES=8388608",
		"CHRONIK_LOG_SEGMENT_BYTES=1048576", "CHRONIK_LOG_RETENTION_CHECK_INTERVAL_MS=500", "CHRONIK_LOG_SEGMENT_DELETE_DELAY_MS=100")
	createTopic(t, b, "filling", 1)
	producer := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.RecordRetries(0), kgo.DisableIdempotentWrite(),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxProduceRequestsInflightPerBroker(1))...)
	n := fillTopic(t, producer, "filling", 0)
	if n < fullDiskBytes/4/60_000 {
		t.Errorf("only %d records fitted", n)
	}
	if !b.Running() {
		t.Fatal("the broker ended on a full disk")
	}
	metrics := scrape(t, b)
	contains(t, metrics, "chronik_offline_log_directories 0", `chronik_log_directory_full{directory="`+filepath.Join(disk, "data")+`"} 1`)
	if none := `chronik_log_directory_refused_batches_total{directory="` + filepath.Join(disk, "data") + `",reason="full"} 0`; strings.Contains(metrics, none) {
		t.Error("no refused batch is counted")
	}
	checkNumbers(t, b, "filling", 0, n)

	for _, end := range []func(testing.TB){b.Kill, b.Stop} {
		end(t)
		b.Run(t)
		checkNumbers(t, b, "filling", 0, n)
	}

	// On the full disk records can be deleted, and then there is space.
	half := n / 2
	contains(t, admin(t, b, deleteRecordsCommand, "--offset-json-file", deleteFile(t, "filling", 0, half)), fmt.Sprintf("low_watermark: %d", half))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	patient := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	if err := patient.ProduceSync(ctx, &kgo.Record{Topic: "filling", Value: fmt.Appendf(nil, "%d ", n)}).FirstErr(); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	checkNumbers(t, b, "filling", half, n+1)
	contains(t, scrape(t, b), `chronik_log_directory_full{directory="`+filepath.Join(disk, "data")+`"} 0`)
}

// TestBallastOnTheDisk takes the space away from outside and gives it back.
func TestBallastOnTheDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	b := harness.Start(t, "CHRONIK_LOG_DIRS="+filepath.Join(disk, "data"), "CHRONIK_JOURNAL_BYTES=8388608", "CHRONIK_LOG_SEGMENT_BYTES=1048576")
	createTopic(t, b, "filling", 1)
	producer := franzClient(t, append(franzSASL(t, b, "SCRAM-SHA-512"), kgo.RecordRetries(0), kgo.DisableIdempotentWrite(),
		kgo.ProducerBatchCompression(kgo.NoCompression()))...)
	space := newBallast(t, disk)
	space.fill(t)
	n := fillTopic(t, producer, "filling", 0)
	space.remove(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for producer.ProduceSync(ctx, &kgo.Record{Topic: "filling", Value: fmt.Appendf(nil, "%d ", n)}).FirstErr() != nil {
		if ctx.Err() != nil || !b.Running() {
			t.Fatal("the broker does not go on with space again")
		}
	}
	checkNumbers(t, b, "filling", 0, n+1)
}
