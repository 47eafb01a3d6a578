package record

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// sieved is a batch of ten records, of which every third one is a tombstone.
func sieved(t testing.TB, w *Walker, codec Codec) Batch {
	t.Helper()
	var b Builder
	for i := range 10 {
		value := fmt.Appendf(nil, "value %d", i)
		if i%3 == 0 {
			value = nil
		}
		b.Add(javaTime+int64(100*i), fmt.Appendf(nil, "key %d", i), value, Header{Key: "h", Value: []byte{byte(i)}})
	}
	plain := b.Batch()
	out, err := w.Encode(nil, plain, codec, 3, plain.Records())
	if err != nil {
		t.Fatal(err)
	}
	Batch(out).SetBaseOffset(1000)
	Batch(out).SetLeaderEpoch(7)
	return out
}

func TestSieveKeepsWhatStays(t *testing.T) {
	w := NewWalker()
	for codec := None; codec <= Zstd; codec++ {
		for _, horizon := range []int64{NoHorizon, javaTime + 86_400_000} {
			b := sieved(t, w, codec)
			s := NewSieve(w)
			found, err := s.Sift(b, func(e Entry) bool { return e.Offset%2 == 1 })
			if err != nil || found != (Sifted{Read: 10, Kept: 5, Tombstones: 2}) {
				t.Fatalf("%s: %+v, %v", codec, found, err)
			}
			out, err := s.Write([]byte("before"), b, horizon)
			if err != nil {
				t.Fatal(err)
			}
			got := Batch(out[len("before"):])
			if got.CRC() != got.ComputeCRC() || got.Size() != int64(len(got)) || got.BaseOffset() != 1000 || got.LastOffset() != 1009 ||
				got.LeaderEpoch() != 7 || got.Codec() != codec || got.Count() != 5 || got.MaxTimestamp() != javaTime+900 || got.DeleteHorizon() != horizon {
				t.Errorf("%s, horizon %d: the header is %x", codec, horizon, []byte(got[:HeaderSize]))
			}
			offset := int64(1001)
			err = w.Records(got, func(r Record) bool {
				i := offset - 1000
				if r.Offset != offset || r.Timestamp != javaTime+100*i || string(r.Key) != fmt.Sprint("key ", i) || (r.Value == nil) != (i%3 == 0) ||
					len(r.Headers) != 1 || r.Headers[0].Value[0] != byte(i) {
					t.Errorf("%s, horizon %d: %+v at offset %d", codec, horizon, r, offset)
				}
				offset += 2
				return true
			})
			if err != nil || offset != 1011 {
				t.Errorf("%s, horizon %d: the records end before offset %d: %v", codec, horizon, offset, err)
			}
		}
	}
}

func TestSieveRefusesMalformedRecords(t *testing.T) {
	w := NewWalker()
	whole := sieved(t, w, None)
	s := NewSieve(w)
	all := func(Entry) bool { return true }
	for cut := HeaderSize; cut < len(whole); cut++ {
		if _, err := s.Sift(whole[:cut], all); err == nil {
			t.Fatalf("a batch cut at %d of %d bytes was taken", cut, len(whole))
		}
	}
	if _, err := s.Sift(append(bytes.Clone(whole), 0), all); !errors.Is(err, errAfter) {
		t.Errorf("bytes behind the last record: %v", err)
	}
	outside := bytes.Clone(whole)
	outside[lastDeltaAt+3] = 3 // the records claim offsets up to 9
	if err := s.Each(outside, func(Entry) bool { return true }); !errors.Is(err, errRecord) {
		t.Errorf("a record behind the batch's last offset: %v", err)
	}
}

func TestAppendEmpty(t *testing.T) {
	b := sieved(t, NewWalker(), LZ4)
	got := Batch(AppendEmpty(nil, b))
	if len(got) != HeaderSize || got.CRC() != got.ComputeCRC() || got.Size() != HeaderSize || got.Count() != 0 || got.Codec() != None ||
		got.BaseOffset() != 1000 || got.LastOffset() != 1009 || got.BaseTimestamp() != -1 || got.MaxTimestamp() != b.MaxTimestamp() {
		t.Errorf("an empty batch is %x", []byte(got))
	}
}

func TestSieveAllocatesNothingPerRecord(t *testing.T) {
	w := NewWalker()
	var b Builder
	for i := range 1000 {
		b.Add(javaTime, fmt.Appendf(nil, "key %d", i), []byte("value"))
	}
	batch := b.Batch()
	s := NewSieve(w)
	out := make([]byte, 0, 2*len(batch))
	run := func() {
		if _, err := s.Sift(batch, func(e Entry) bool { return e.Offset%2 == 0 }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(out, batch, NoHorizon); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > mostAllocs {
		t.Errorf("%v allocations for a batch of 1000 records", n)
	}
}
