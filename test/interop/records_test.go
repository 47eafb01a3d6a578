//go:build interop

package interop

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// Offsets of fields in a record batch, version 2.
const (
	crcAt        = 17
	attributesAt = 21
	lastDeltaAt  = 23
	countAt      = 57
	recordsAt    = 61
)

// TestPoisonedBatches sends batches that no honest client makes: each is refused and nothing is stored.
func TestPoisonedBatches(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	const topic = "poisoned"
	createTopic(t, b, topic, 1)
	id := topicID(t, b, topic)
	client := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	const corrupt, invalidRecord = 2, 87 // which of them is Apache Kafka's answer to the same batch
	cases := map[string]struct {
		batch []byte
		code  int16
	}{
		"control bit":      {signed(edit(oneRecord("x"), attributesAt+1, 1<<5)), invalidRecord},
		"wrong CRC":        {edit(oneRecord("x"), crcAt, 0xff), corrupt},
		"wrong count":      {signed(edit(oneRecord("x"), countAt+3, 7)), invalidRecord},
		"count and delta":  {signed(edit(edit(oneRecord("x"), countAt+3, 7), lastDeltaAt+3, 6)), invalidRecord},
		"no records":       {signed(edit(oneRecord("x"), countAt+3, 0)), invalidRecord},
		"compression bomb": {bomb(t), invalidRecord},
		"cut short":        {oneRecord("x")[:recordsAt+2], invalidRecord},
		"two batches":      {append(oneRecord("x"), oneRecord("y")...), invalidRecord},
		"old magic":        {edit(oneRecord("x"), 16, 1), invalidRecord},
		"empty":            {nil, invalidRecord},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			q := &kmsg.ProduceRequest{Acks: -1, TimeoutMillis: 5000, Topics: []kmsg.ProduceRequestTopic{{
				Topic: topic, TopicID: id, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: c.batch}},
			}}}
			resp, err := client.Broker(1).RetriableRequest(ctx, q)
			if err != nil {
				t.Fatalf("request: %v", err)
			}
			got := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
			if got != c.code {
				t.Errorf("code %d, want %d", got, c.code)
			}
		})
	}
	contains(t, admin(t, b, getOffsets, "--topic", topic), topic+":0:0")
	franzProduce(t, franzSASL(t, b, "SCRAM-SHA-512"), topic, []string{"honest"})
	contains(t, admin(t, b, getOffsets, "--topic", topic), topic+":0:1")
}

// oneRecord is a valid batch of one record.
func oneRecord(value string) []byte {
	record := []byte{0, 0, 0, 1}
	record = binary.AppendVarint(record, int64(len(value)))
	record = append(append(record, value...), 0)
	return batchOf(0, binary.AppendVarint(nil, int64(len(record))), record)
}

func batchOf(codec byte, records ...[]byte) []byte {
	body := bytes.Join(records, nil)
	out := make([]byte, recordsAt, recordsAt+len(body))
	binary.BigEndian.PutUint32(out[8:], uint32(recordsAt-12+len(body)))
	binary.BigEndian.PutUint32(out[12:], 0xffffffff)
	out[16] = 2
	out[attributesAt+1] = codec
	now := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint64(out[27:], now)
	binary.BigEndian.PutUint64(out[35:], now)
	for i := 43; i < countAt; i++ {
		out[i] = 0xff
	}
	binary.BigEndian.PutUint32(out[countAt:], 1)
	return signed(append(out, body...))
}

func edit(batch []byte, at int, value byte) []byte {
	batch[at] = value
	return batch
}

// signed puts the right CRC into a batch.
func signed(batch []byte) []byte {
	binary.BigEndian.PutUint32(batch[crcAt:], crc32.Checksum(batch[attributesAt:], crc32.MakeTable(crc32.Castagnoli)))
	return batch
}

// bomb is a small gzip batch that unpacks to 256 MiB of zeros.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 256 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return batchOf(1, packed.Bytes())
}
