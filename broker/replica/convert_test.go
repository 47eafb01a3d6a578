package replica

import (
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/wire"
)

// storedCodec reads what stands in the log from an offset on.
func storedCodec(t *testing.T, r *Replica, offset int64) record.Codec {
	t.Helper()
	data, err := r.Read(offset, 1<<20, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := record.Batch(data)
	b = b[:b.Size()]
	if b.BaseOffset() != offset || b.CRC() != b.ComputeCRC() {
		t.Errorf("at offset %d is offset %d, checksum %#x of %#x", offset, b.BaseOffset(), b.CRC(), b.ComputeCRC())
	}
	return b.Codec()
}

// TestATopicsCompressionIsThatOfItsLog covers clients' and own batches, and a change while the topic is served.
func TestATopicsCompressionIsThatOfItsLog(t *testing.T) {
	w := newWorld(t, 1)
	compression := record.Compression{}
	w.change = func(s *Settings) { s.Compression = compression }
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	at := int64(0)
	for _, codec := range []record.Codec{record.None, record.Zstd, record.Gzip, record.Snappy, record.LZ4, record.None} {
		if at > 0 { // the first round is compression.type=producer
			levels := record.DefaultLevels()
			compression = record.Compression{Fixed: true, Codec: codec, Level: levels.Of(codec)}
			w.set.Reconfigure(w.image)
		}
		if a := mustAppend(t, r, batchOf(30, testTime)); a.BaseOffset != at || a.LastOffset != at+29 {
			t.Errorf("%s: appended at %d to %d, want %d", codec, a.BaseOffset, a.LastOffset, at)
		}
		own, err := r.AppendOwn(batchOf(30, testTime), testTime)
		if err != nil || own.Wait(t.Context()) != nil {
			t.Fatalf("%s: %v", codec, err)
		}
		for _, offset := range []int64{at, at + 30} {
			if got := storedCodec(t, r, offset); got != codec {
				t.Errorf("the batch at %d is stored with %s, want %s", offset, got, codec)
			}
		}
		at += 60
	}
	if got := w.counted("chronik_converted_records_total", "zstd"); got != 60 {
		t.Errorf("%v records were converted to zstd, want 60", got)
	}
}

// TestADuplicateIsKnownWhateverItsCompression: conversion leaves sequences alone.
func TestADuplicateIsKnownWhateverItsCompression(t *testing.T) {
	w := newWorld(t, 1)
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	first := mustAppend(t, r, idempotent(0))
	w.change = func(s *Settings) { s.Compression = record.Compression{Fixed: true, Codec: record.LZ4, Level: 9} }
	w.set.Reconfigure(w.image)
	again := mustAppend(t, r, idempotent(0))
	if !again.Duplicate || again.BaseOffset != first.BaseOffset || r.LogEnd() != 1 {
		t.Errorf("sent again: %+v, the log ends at %d", again.AppendResult, r.LogEnd())
	}
	if next := mustAppend(t, r, idempotent(1)); next.Duplicate || next.BaseOffset != 1 {
		t.Errorf("the next batch: %+v", next.AppendResult)
	}
}

func TestRefusedBatchesAreCountedByReason(t *testing.T) {
	w := newWorld(t, 1)
	w.change = func(s *Settings) {
		s.MaxMessageBytes = 3000
		s.Compression = record.Compression{Fixed: true, Codec: record.None}
	}
	w.create("a", 1, []int32{1})
	r := w.replica("a", 0)
	var b record.Builder
	b.Add(testTime.UnixMilli(), nil, []byte(strings.Repeat("v", 5000)))
	plain := b.Batch()
	packed, err := record.NewWalker().Encode(nil, plain, record.Zstd, 3, plain.Records())
	if err != nil {
		t.Fatal(err)
	}
	torn := batchOf(1, testTime)
	torn[30]++
	for name, c := range map[string]struct {
		batch []byte
		code  int16
	}{
		"too large": {packed, wire.MessageTooLarge}, // only once it is decompressed
		"corrupt":   {torn, wire.CorruptMessage},
		"timestamp": {batchOf(1, testTime.AddDate(0, 0, 1)), wire.InvalidTimestamp},
		"invalid":   {nil, wire.InvalidRecord},
	} {
		if _, err := r.Append(c.batch, true, true, 0, testTime); wire.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %d", name, err, c.code)
		}
		if got := w.counted("chronik_refused_batches_total", name); got != 1 {
			t.Errorf("%s: counted %v times", name, got)
		}
	}
}
