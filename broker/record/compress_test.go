package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// levels has every level of a codec that makes a difference, and some beyond.
func levels(c Codec) []int {
	switch c {
	case Gzip:
		return []int{-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	case LZ4:
		return []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 17, 18}
	case Zstd:
		return []int{-131072, -1, 0, 1, 3, 5, 6, 9, 10, 15, 22, 23}
	case None, Snappy:
	}
	return []int{0}
}

// plains are inputs at the edges of the blocks of snappy and lz4, of text and of noise.
func plains() map[string][]byte {
	noise := make([]byte, 200_001)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise)
	text := bytes.Repeat([]byte("a line of a log that repeats itself; "), 8000)
	return map[string][]byte{
		"nothing": {}, "one byte": {7}, "noise": noise, "text": text,
		"a snappy block": text[:snappyBlock], "one more": text[:snappyBlock+1], "an lz4 block": text[:64<<10], "one more than it": text[:64<<10+1],
		"zeros": make([]byte, 1<<20), "both": append(bytes.Clone(noise), text...),
	}
}

func TestWhatIsCompressedReadsBack(t *testing.T) {
	w := NewWalker()
	for codec := None; codec <= Zstd; codec++ {
		for _, level := range levels(codec) {
			for name, plain := range plains() {
				prefix := []byte("before")
				packed, err := w.Encode(prefix, sample(1), codec, level, plain)
				if err != nil {
					t.Fatalf("%s level %d, %s: %v", codec, level, name, err)
				}
				b := Batch(packed[len(prefix):])
				if !bytes.HasPrefix(packed, prefix) || b.Codec() != codec || b.Size() != int64(len(b)) || b.CRC() != b.ComputeCRC() {
					t.Errorf("%s level %d, %s: not a batch behind the bytes that were there", codec, level, name)
				}
				got, err := w.Plain(prefix, b)
				if err != nil || !bytes.Equal(got, append([]byte("before"), plain...)) {
					t.Errorf("%s level %d, %s: %d bytes read back as %d, %v", codec, level, name, len(plain), len(got)-len(prefix), err)
				}
			}
		}
	}
}

// TestFramesAreThoseOfJava: what Java's client writes is what every client reads.
func TestFramesAreThoseOfJava(t *testing.T) {
	codecs := NewCodecs()
	heads := map[Codec]string{
		Gzip: "\x1f\x8b\x08", Snappy: "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01",
		LZ4: "\x04\x22\x4d\x18\x60\x40\x82", Zstd: "\x28\xb5\x2f\xfd",
	}
	for codec, want := range heads {
		levels := DefaultLevels()
		got, err := codecs.Compress(codec, levels.Of(codec), nil, sample(5).Records())
		if err != nil || !bytes.HasPrefix(got, []byte(want)) {
			t.Errorf("%s begins with %x, want %x (%v)", codec, got[:min(len(got), len(want))], want, err)
		}
	}
	if out, err := codecs.Compress(5, 0, []byte("x"), []byte("y")); err == nil || string(out) != "x" {
		t.Errorf("an unknown codec gives %q, %v", out, err)
	}
}

// TestHigherLevelsCompressNoWorse shows that the levels arrive at the encoders.
func TestHigherLevelsCompressNoWorse(t *testing.T) {
	codecs := NewCodecs()
	var plain []byte
	words := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // reproducible
	for range 20_000 {
		plain = fmt.Appendf(plain, "word%d ", int(words.ExpFloat64()*100))
	}
	for codec, pair := range map[Codec][2]int{Gzip: {1, 9}, LZ4: {9, 17}, Zstd: {1, 22}} {
		low, err := codecs.Compress(codec, pair[0], nil, plain)
		high, err2 := codecs.Compress(codec, pair[1], nil, plain)
		if err := errors.Join(err, err2); err != nil || bytes.Equal(low, high) || len(high) > len(low) {
			t.Errorf("%s: %d bytes at level %d, %d at level %d, %v", codec, len(low), pair[0], len(high), pair[1], err)
		}
	}
}

// TestEncodeKeepsTheHeader: of a batch that is compressed anew only codec, length and checksum change.
func TestEncodeKeepsTheHeader(t *testing.T) {
	w := NewWalker()
	from := javaBatch(t, "idempotent")
	from.SetBaseOffset(math.MaxInt64 - 10)
	from.SetLeaderEpoch(77)
	for codec := None; codec <= Zstd; codec++ {
		got, err := w.Encode(nil, from, codec, 3, from.Records())
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Clone(from[:HeaderSize])
		want[attributesAt+1] |= byte(codec)
		copy(want[crcAt:], got[crcAt:][:4])
		binary.BigEndian.PutUint32(want[lengthAt:], uint32(len(got)-prefixSize))
		if diff := cmp.Diff(want, got[:HeaderSize]); diff != "" {
			t.Errorf("%s: %s", codec, diff)
		}
		if err := compareRecords(w, from, got); err != "" {
			t.Errorf("%s: %s", codec, err)
		}
	}
}

func compareRecords(w *Walker, want, got Batch) string {
	var lists [2][]Record
	for i, b := range []Batch{want, got} {
		if err := w.Records(b, func(r Record) bool { lists[i] = append(lists[i], r); return true }); err != nil {
			return err.Error()
		}
	}
	return cmp.Diff(lists[0], lists[1])
}

func TestPlainEndsAtTheBound(t *testing.T) {
	w := NewWalker()
	w.bounds = bounds{free: 1 << 10, ratio: 10, most: 4 << 20}
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		bomb, err := w.Encode(nil, sample(1), codec, 1, make([]byte, 5<<20))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := w.Plain([]byte("x"), bomb); !errors.Is(err, ErrTooLarge) || string(out) != "x" {
			t.Errorf("%s: %d bytes, %v", codec, len(out), err)
		}
	}
}

func TestCompressAllocatesNothingPerRecord(t *testing.T) {
	const records = 1000
	codecs := NewCodecs()
	plain := sample(records).Records()
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		levels := DefaultLevels()
		dst := make([]byte, 0, 2*len(plain))
		allocs := testing.AllocsPerRun(20, func() {
			if _, err := codecs.Compress(codec, levels.Of(codec), dst, plain); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > mostAllocs {
			t.Errorf("%s: %.0f allocations for a batch of %d records", codec, allocs, records)
		}
	}
}

func FuzzCompress(f *testing.F) {
	for _, plain := range plains() {
		f.Add(plain[:min(len(plain), 1000)], uint8(3))
	}
	w := NewWalker()
	w.bounds = bounds{free: 1 << 30, most: 1 << 30}
	f.Fuzz(func(t *testing.T, plain []byte, c uint8) {
		codec, levels := Codec(c%5), DefaultLevels()
		level := levels.Of(codec)
		packed, err := w.Encode(nil, sample(1), codec, level, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Plain(nil, packed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s level %d: %d bytes read back as %d, %v", codec, level, len(plain), len(got), err)
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	codecs := NewCodecs()
	plain := sample(1000).Records()
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		b.Run(codec.String(), func(b *testing.B) {
			levels := DefaultLevels()
			dst := make([]byte, 0, 2*len(plain))
			b.ReportAllocs()
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				if _, err := codecs.Compress(codec, levels.Of(codec), dst, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
