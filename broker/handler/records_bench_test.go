package handler

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// kibBatch has n records of 1 KiB.
func kibBatch(n int) []byte {
	var b record.Builder
	value := bytes.Repeat([]byte("x"), 1<<10)
	for range n {
		b.Add(recordsTime.UnixMilli(), nil, value)
	}
	return b.Batch()
}

// produced runs one Produce request to its end.
func (b *recordsBroker) produced(row api.Row, c *api.Call) error {
	resp := row.Handle(context.Background(), c).Later(context.Background()).(*kmsg.ProduceResponse)
	if code := resp.Topics[0].Partitions[0].ErrorCode; code != wire.None {
		return wire.Errorf(code, "produce")
	}
	return nil
}

// TestNoAllocationPerRecord: a batch of 900 records costs the handlers what a batch of one costs.
func TestNoAllocationPerRecord(t *testing.T) {
	b := newRecordsBroker(t, storage.Config{FS: vfs.OS{}, Dir: t.TempDir()})
	allocs := map[int]float64{}
	for _, n := range []int{1, 900} {
		batch := kibBatch(n)
		q := produceRequest("t", 1, 0, batch)
		allocs[n] = testing.AllocsPerRun(50, func() {
			record.Batch(batch).SetBaseOffset(0)
			row, c, _ := b.call(q, 9)
			if err := b.produced(row, c); err != nil {
				t.Fatal(err)
			}
		})
	}
	if allocs[900] > allocs[1]+20 {
		t.Errorf("%.0f allocations for one record, %.0f for many", allocs[1], allocs[900])
	}
	row, c, _ := b.call(fetchRequest(0, fetchOf("t", 1, 0, 100)), 12)
	fetches := testing.AllocsPerRun(50, func() {
		if resp := row.Handle(context.Background(), c).Response.(*kmsg.FetchResponse); len(resp.Topics[0].Partitions[0].RecordBatches) == 0 {
			t.Fatal("nothing fetched")
		}
	})
	if fetches > 40 {
		t.Errorf("%.0f allocations for a fetch of hundreds of records", fetches)
	}
}

// BenchmarkProduce is the handler's path of one batch with acks=-1, the disk included; parallel producers share its commits.
func BenchmarkProduce(b *testing.B) {
	for _, n := range []int{1, 16, 512} {
		b.Run(fmt.Sprintf("%dKiB", n), func(b *testing.B) {
			world := newRecordsBroker(b, storage.Config{FS: vfs.OS{}, Dir: b.TempDir()})
			b.SetBytes(int64(n << 10))
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				batch := kibBatch(n)
				q := produceRequest("t", 1, 0, batch)
				for pb.Next() {
					record.Batch(batch).SetBaseOffset(0)
					row, c, _ := world.call(q, 9)
					if err := world.produced(row, c); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkFetch reads 1 MiB of 16 KiB batches per request.
func BenchmarkFetch(b *testing.B) {
	world := newRecordsBroker(b, storage.Config{FS: vfs.OS{}, Dir: b.TempDir()})
	for range 128 {
		row, c, _ := world.call(produceRequest("t", 1, 0, kibBatch(16)), 9)
		if err := world.produced(row, c); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		row, c, _ := world.call(fetchRequest(0, fetchOf("t", 1, 0, 64)), 12)
		answer := row.Handle(context.Background(), c)
		answer.Sent()
		resp := answer.Response.(*kmsg.FetchResponse)
		if n := len(resp.Topics[0].Partitions[0].RecordBatches); n < 1<<19 {
			b.Fatalf("%d bytes", n)
		}
	}
}
