package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fixed(c Codec) Compression {
	levels := DefaultLevels()
	return Compression{Fixed: true, Codec: c, Level: levels.Of(c)}
}

// headerOf is what a conversion must not change.
type headerOf struct {
	Base, BaseTimestamp, MaxTimestamp, Producer int64
	LeaderEpoch, LastDelta, Sequence, Count     int32
	Epoch                                       int16
	LogAppendTime, Transactional, Control       bool
}

func header(b Batch) headerOf {
	return headerOf{
		b.BaseOffset(), b.BaseTimestamp(), b.MaxTimestamp(), b.ProducerID(), b.LeaderEpoch(), b.LastOffsetDelta(), b.BaseSequence(), b.Count(),
		b.ProducerEpoch(), b.LogAppendTime(), b.Transactional(), b.Control(),
	}
}

// TestEveryCodecBecomesEveryOther converts a batch of an idempotent producer, with null and empty keys, values and headers.
func TestEveryCodecBecomesEveryOther(t *testing.T) {
	w := NewWalker()
	for from := None; from <= Zstd; from++ {
		for to := None; to <= Zstd; to++ {
			b := packed(t, javaBatch(t, "idempotent"), from)
			before := bytes.Clone(b)
			r := Rules{MaxBytes: 1 << 20, Now: javaTime, BeforeMax: math.MaxInt64, AfterMax: 3_600_000, ZstdAllowed: true, Compression: fixed(to)}
			got, err := w.Validate(b, r)
			if err != nil {
				t.Fatalf("%s to %s: %v", from, to, err)
			}
			if !bytes.Equal(before, b) {
				t.Errorf("%s to %s: the batch that came was changed", from, to)
			}
			if got.Converted != (from != to) || got.Batch.Codec() != to || got.Batch.Size() != int64(len(got.Batch)) || got.Batch.CRC() != got.Batch.ComputeCRC() {
				t.Errorf("%s to %s: converted %v, codec %s, size %d of %d", from, to, got.Converted, got.Batch.Codec(), got.Batch.Size(), len(got.Batch))
			}
			if diff := cmp.Diff(header(before), header(got.Batch)); diff != "" {
				t.Errorf("%s to %s: %s", from, to, diff)
			}
			if diff := compareRecords(w, before, got.Batch); diff != "" {
				t.Errorf("%s to %s: %s", from, to, diff)
			}
			got.Release()
		}
	}
}

func TestWithoutACodecOfItsOwnATopicKeepsTheProducers(t *testing.T) {
	w := NewWalker()
	for codec := None; codec <= Zstd; codec++ {
		b := packed(t, sample(50), codec)
		got, err := w.Validate(b, rules())
		if err != nil || got.Converted || &got.Batch[0] != &b[0] {
			t.Errorf("%s: converted %v, %v", codec, got.Converted, err)
		}
	}
}

// TestConversionStampsTimes covers both timestamp types: the records keep their deltas, the header says what they mean.
func TestConversionStampsTimes(t *testing.T) {
	w := NewWalker()
	lied := sample(3)
	binary.BigEndian.PutUint64(lied[maxTimeAt:], 5)
	lied.sign()
	r := rules()
	r.Compression = fixed(Zstd)
	got, err := w.Validate(lied, r)
	if err != nil || got.Batch.MaxTimestamp() != now || got.Batch.LogAppendTime() {
		t.Errorf("CreateTime: largest timestamp %d, %v", got.Batch.MaxTimestamp(), err)
	}
	r.LogAppendTime, r.Now = true, now+77
	if got, err = w.Validate(sample(3), r); err != nil {
		t.Fatal(err)
	}
	if got.Batch.MaxTimestamp() != now+77 || !got.Batch.LogAppendTime() || got.Batch.CRC() != got.Batch.ComputeCRC() {
		t.Errorf("LogAppendTime: largest timestamp %d, %v", got.Batch.MaxTimestamp(), got.Batch.LogAppendTime())
	}
	err = w.Records(got.Batch, func(r Record) bool {
		if r.Timestamp != now+77 {
			t.Errorf("record %d has the time %d", r.Offset, r.Timestamp)
		}
		return true
	})
	if err != nil {
		t.Error(err)
	}
}

// TestConversionChecksTheRecords: they are decompressed anyway, so even validation of the header alone does not store nonsense.
func TestConversionChecksTheRecords(t *testing.T) {
	w := NewWalker()
	r := rules()
	r.HeaderOnly, r.Compression = true, fixed(LZ4)
	for codec := None; codec <= Zstd; codec++ {
		if codec == LZ4 {
			continue
		}
		after := repack(sample(3), codec, compress(t, codec, append(bytes.Clone(sample(3).Records()), 0)))
		if _, err := w.Validate(after, r); reasonOf(err) != Invalid {
			t.Errorf("%s, bytes after the records: %v", codec, err)
		}
		late := r
		late.Now -= 7_200_000
		var refused *Refusal
		if _, err := w.Validate(packed(t, sample(3), codec), late); !asRefusal(err, &refused) || refused.Reason != BadTimestamp || len(refused.Records) != 3 {
			t.Errorf("%s, records of the future: %v", codec, err)
		}
	}
	if _, err := w.Validate(repack(sample(3), Zstd, []byte("garbage")), r); reasonOf(err) != Invalid {
		t.Errorf("garbage: %v", err)
	}
}

// TestTheLimitHoldsAfterConversion: max.message.bytes is for what comes and for what is stored, as in Apache Kafka.
func TestTheLimitHoldsAfterConversion(t *testing.T) {
	w := NewWalker()
	plain := sample(2000)
	small := packed(t, plain, Zstd)
	r := rules()
	r.MaxBytes = len(plain) - 1
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4} {
		r.Compression = fixed(codec)
		got, err := w.Validate(small, r)
		if codec != None {
			if err != nil || len(got.Batch) > r.MaxBytes {
				t.Errorf("%s: %d bytes, %v", codec, len(got.Batch), err)
			}
			continue
		}
		if reasonOf(err) != TooLarge {
			t.Errorf("%d bytes become %d, %d are allowed: %v", len(small), len(plain), r.MaxBytes, err)
		}
	}
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		tight := rules()
		tight.Compression = fixed(codec)
		tight.MaxBytes = len(noise(t)) // which grows by the frame
		if _, err := w.Validate(noise(t), tight); reasonOf(err) != TooLarge {
			t.Errorf("noise as %s: %v", codec, err)
		}
		if _, err := w.Validate(noise(t), Rules{MaxBytes: 1 << 20, Now: now, BeforeMax: math.MaxInt64, AfterMax: math.MaxInt64, Compression: fixed(codec)}); err != nil {
			t.Errorf("the encoder of %s after a failure: %v", codec, err)
		}
	}
}

func noise(t *testing.T) Batch {
	t.Helper()
	var b Builder
	b.Add(now, []byte("k"), plains()["noise"])
	return b.Batch()
}

// TestConversionNeedsMemoryForItsResultAlone: a bomb that stays below the bounds is 32 MiB on its way.
func TestConversionNeedsMemoryForItsResultAlone(t *testing.T) {
	w := NewWalker()
	value := make([]byte, FreeUncompressed-1000)
	var b Builder
	b.Add(now, nil, value)
	bomb := packed(t, b.Batch(), Zstd)
	r := rules()
	r.Compression = fixed(Gzip)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	// The first conversion fills the pools, and so does one that the scheduler has moved to a processor with empty ones.
	least := uint64(math.MaxUint64)
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := w.Validate(bomb, r)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if got.Batch.Codec() != Gzip {
			t.Errorf("codec %s", got.Batch.Codec())
		}
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > mostConversionBytes {
		t.Errorf("%d bytes were allocated", least)
	}
	r.Compression = fixed(None)
	if _, err := w.Validate(bomb, r); reasonOf(err) != TooLarge {
		t.Errorf("a bomb that is to be stored as it is: %v", err)
	}
}

func TestOwnBatchesAreConvertedAndMarkersAreNot(t *testing.T) {
	w := NewWalker()
	marker := javaBatch(t, "commit")
	before := bytes.Clone(marker)
	got, err := w.Convert(marker, fixed(Zstd), 1<<20)
	if err != nil || got.Converted || !bytes.Equal(before, got.Batch) {
		t.Errorf("a marker was changed: %v", err)
	}
	own := sample(100)
	own.SetBaseOffset(9)
	if got, err = w.Convert(own, fixed(Zstd), 1<<20); err != nil || !got.Converted {
		t.Fatalf("converted %v, %v", got.Converted, err)
	}
	if diff := cmp.Diff(header(own), header(got.Batch)) + compareRecords(w, own, got.Batch); diff != "" {
		t.Error(diff)
	}
	got.Release()
	if _, err := w.Convert(own, fixed(Snappy), HeaderSize+10); reasonOf(err) != TooLarge {
		t.Errorf("an own batch beyond the limit: %v", err)
	}
}

func TestConversionAllocatesNothingPerRecord(t *testing.T) {
	w := NewWalker()
	r := rules()
	r.MaxBytes = math.MaxInt32
	for to := None; to <= Zstd; to++ {
		b := packed(t, sample(5000), (to+1)%5)
		r.Compression = fixed(to)
		allocs := testing.AllocsPerRun(20, func() {
			got, err := w.Validate(b, r)
			if err != nil {
				t.Fatal(err)
			}
			got.Release()
		})
		if allocs > 100 {
			t.Errorf("to %s: %.0f allocations for 5000 records", to, allocs)
		}
	}
}

func FuzzConvert(f *testing.F) {
	for codec := None; codec <= Zstd; codec++ {
		f.Add([]byte(packed(f, sample(3), codec)), uint8(codec)+1)
	}
	w := NewWalker()
	f.Fuzz(func(t *testing.T, data []byte, to uint8) {
		if len(data) >= HeaderSize {
			Batch(data).sign()
		}
		r := rules()
		r.Compression = fixed(Codec(to % 5))
		got, err := w.Validate(data, r)
		if err != nil {
			return
		}
		defer got.Release()
		if again, err := w.Validate(got.Batch, rules()); err != nil || again.Converted {
			t.Errorf("what was converted to %s is refused: %v", r.Compression.Codec, err)
		}
		if diff := compareRecords(w, data, got.Batch); diff != "" && !Batch(data).LogAppendTime() {
			t.Errorf("the records have changed: %s", diff)
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	w := NewWalker()
	plain := sample(1000)
	for to := Gzip; to <= Zstd; to++ {
		b.Run(to.String(), func(b *testing.B) {
			r := rules()
			r.Compression = fixed(to)
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				got, err := w.Validate(plain, r)
				if err != nil {
					b.Fatal(err)
				}
				got.Release()
			}
		})
	}
}
