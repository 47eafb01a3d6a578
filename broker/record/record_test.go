package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const now = 1_760_000_000_000

func rules() Rules {
	return Rules{MaxBytes: 1 << 20, Now: now, BeforeMax: math.MaxInt64, AfterMax: 3_600_000, ZstdAllowed: true}
}

func sample(n int) Batch {
	var b Builder
	for i := range n {
		b.Add(now-int64(i), fmt.Appendf(nil, "key-%d", i), bytes.Repeat([]byte("value "), 20), Header{Key: "h", Value: []byte("x")}, Header{Key: "null"})
	}
	return b.Batch()
}

// packed replaces the records of a batch by a compressed form.
func packed(t testing.TB, b Batch, codec Codec) Batch {
	t.Helper()
	return repack(b, codec, compress(t, codec, b.Records()))
}

func repack(b Batch, codec Codec, records []byte) Batch {
	out := append(bytes.Clone(b[:HeaderSize]), records...)
	binary.BigEndian.PutUint32(out[lengthAt:], uint32(len(out)-prefixSize))
	out[attributesAt+1] = out[attributesAt+1]&^codecMask | byte(codec)
	Batch(out).sign()
	return out
}

func compress(t testing.TB, codec Codec, p []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch codec {
	case Gzip:
		w := gzip.NewWriter(&out)
		_, err = w.Write(p)
		err = errors.Join(err, w.Close())
	case Snappy:
		out.WriteString(snappyMagic)
		_ = binary.Write(&out, binary.BigEndian, []int32{1, 1})
		for len(p) > 0 {
			n := min(len(p), 32<<10)
			block := snappy.Encode(nil, p[:n])
			_ = binary.Write(&out, binary.BigEndian, int32(len(block)))
			out.Write(block)
			p = p[n:]
		}
	case LZ4:
		w := lz4.NewWriter(&out)
		_, err = w.Write(p)
		err = errors.Join(err, w.Close())
	case Zstd:
		w, werr := zstd.NewWriter(&out)
		if werr != nil {
			t.Fatal(werr)
		}
		_, err = w.Write(p)
		err = errors.Join(err, w.Close())
	default:
		out.Write(p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEveryCodecIsAcceptedAndReadBack(t *testing.T) {
	w := NewWalker()
	var want []Record
	if err := w.Records(sample(500), func(r Record) bool { want = append(want, r); return true }); err != nil {
		t.Fatal(err)
	}
	if len(want) != 500 || string(want[7].Key) != "key-7" || want[7].Offset != 7 || want[7].Timestamp != now-7 || want[7].Headers[1].Value != nil {
		t.Fatalf("read back %+v", want[7])
	}
	for codec := None; codec <= Zstd; codec++ {
		b := packed(t, sample(500), codec)
		if _, err := w.Validate(b, rules()); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
		var got []Record
		if err := w.Records(b, func(r Record) bool { got = append(got, r); return true }); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", codec, diff)
		}
	}
	raw := sample(500)
	if _, err := w.Validate(repack(raw, Snappy, snappy.Encode(nil, raw.Records())), rules()); err != nil {
		t.Errorf("raw snappy: %v", err)
	}
}

func TestValidateRefuses(t *testing.T) {
	edit := func(at int, value byte) Batch {
		b := sample(3)
		b[at] = value
		b.sign()
		return b
	}
	unsigned := sample(3)
	unsigned[crcAt]++
	badDelta := sample(1)
	badDelta[HeaderSize+4] = 2 // the record's offset delta: 1
	badDelta.sign()
	cases := map[string]struct {
		batch  Batch
		rules  func(*Rules)
		reason Reason
	}{
		"short":          {batch: sample(1)[:60], reason: Invalid},
		"magic":          {batch: edit(magicAt, 1), reason: Invalid},
		"magic to come":  {batch: edit(magicAt, 3), reason: Corrupt},
		"magic negative": {batch: edit(magicAt, 0xff), reason: Corrupt},
		"count negative": {batch: edit(countAt, 0xff), reason: Invalid},
		"negative time":  {batch: timed(-7), reason: BadTimestamp},
		"high bit":       {batch: edit(attributesAt+1, 0x80), reason: Invalid},
		"no epoch":       {batch: edit(producerIDAt, 0), reason: Invalid},
		"producer below": {batch: edit(producerIDAt+7, 0xfe), reason: Invalid},
		"append time":    {batch: edit(attributesAt+1, logAppendTimeBit), rules: func(r *Rules) { r.LogAppendTime = true }, reason: BadTimestamp},
		"append time, header": {
			batch: edit(attributesAt+1, logAppendTimeBit), rules: func(r *Rules) { r.LogAppendTime, r.HeaderOnly = true, true }, reason: BadTimestamp,
		},
		"checksum":          {batch: unsigned, reason: Corrupt},
		"control":           {batch: edit(attributesAt+1, controlBit), reason: Invalid},
		"delete horizon":    {batch: edit(attributesAt+1, deleteHorizonBit), reason: Invalid},
		"high attribute":    {batch: edit(attributesAt, 1), reason: Invalid},
		"codec":             {batch: edit(attributesAt+1, 5), reason: BadCodec},
		"base offset":       {batch: edit(7, 1), reason: Invalid},
		"count":             {batch: edit(countAt+3, 9), reason: Invalid},
		"count zero":        {batch: edit(countAt+3, 0), reason: Invalid},
		"last delta":        {batch: edit(lastDeltaAt+3, 1), reason: Invalid},
		"two batches":       {batch: append(sample(1), sample(1)...), reason: Invalid},
		"truncated":         {batch: sample(3)[:200], reason: Invalid},
		"offset delta":      {batch: badDelta, reason: Invalid},
		"too large":         {batch: sample(3), rules: func(r *Rules) { r.MaxBytes = 100 }, reason: TooLarge},
		"too early":         {batch: sample(3), rules: func(r *Rules) { r.BeforeMax = 1 }, reason: BadTimestamp},
		"too late":          {batch: sample(3), rules: func(r *Rules) { r.Now -= 3_700_000 }, reason: BadTimestamp},
		"producer no seq":   {batch: edit(producerIDAt, 0), reason: Invalid},
		"transactional":     {batch: edit(attributesAt+1, transactionalBit), reason: Invalid},
		"garbage in zstd":   {batch: repack(sample(3), Zstd, []byte("garbage")), reason: Invalid},
		"garbage in gzip":   {batch: repack(sample(3), Gzip, []byte("garbage")), reason: Invalid},
		"garbage in lz4":    {batch: repack(sample(3), LZ4, []byte("garbage")), reason: Invalid},
		"garbage in snappy": {batch: repack(sample(3), Snappy, []byte("garbage")), reason: Invalid},
		"zstd too old":      {batch: packed(t, sample(3), Zstd), rules: func(r *Rules) { r.ZstdAllowed = false }, reason: BadCodec},
		"no key":            {batch: keyless(), rules: func(r *Rules) { r.KeysRequired = true }, reason: Invalid},
		"bytes after":       {batch: repack(sample(3), None, append(bytes.Clone(sample(3).Records()), 0)), reason: Invalid},
	}
	w := NewWalker()
	for name, c := range cases {
		r := rules()
		if c.rules != nil {
			c.rules(&r)
		}
		if _, err := w.Validate(c.batch, r); reasonOf(err) != c.reason {
			t.Errorf("%s: %v, want reason %d", name, err, c.reason)
		}
	}
}

// TestTimesAtTheirLimits: as far before and after the append as is allowed, and a millisecond more.
func TestTimesAtTheirLimits(t *testing.T) {
	w, r := NewWalker(), rules()
	r.BeforeMax, r.AfterMax = 3000, 2000
	for at, want := range map[int64]Reason{now - 3000: 0, now - 3001: BadTimestamp, now + 2000: 0, now + 2001: BadTimestamp, -1: 0} {
		if _, err := w.Validate(timed(at), r); reasonOf(err) != want || (err == nil) != (want == 0) {
			t.Errorf("%d ms after the append: %v", at-now, err)
		}
	}
}

// TestTheHeaderAloneIsValidated: with chronik.record.validation=header a batch is stored as it came, whatever its records are, and
// refused for what its header says.
func TestTheHeaderAloneIsValidated(t *testing.T) {
	w := NewWalker()
	full, header := rules(), rules()
	header.HeaderOnly = true
	for codec := None; codec <= Zstd; codec++ {
		b := repack(sample(3), codec, []byte("no records"))
		if _, err := w.Validate(bytes.Clone(b), full); reasonOf(err) != Invalid {
			t.Errorf("%s, with its records: %v", codec, err)
		}
		stored, err := w.Validate(bytes.Clone(b), header)
		if err != nil || !bytes.Equal(stored.Batch, b) {
			t.Errorf("%s: %v, stored as\n%x, not\n%x", codec, err, stored.Batch, b)
		}
	}
	for name, c := range map[string]struct {
		at     int
		value  byte
		reason Reason
	}{
		"count": {countAt + 3, 9, Invalid}, "last delta": {lastDeltaAt + 3, 1, Invalid}, "control": {attributesAt + 1, controlBit, Invalid},
		"codec": {attributesAt + 1, 5, BadCodec}, "base offset": {7, 1, Invalid}, "producer": {producerIDAt, 0, Invalid},
	} {
		b := sample(3)
		b[c.at] = c.value
		b.sign()
		if _, err := w.Validate(b, header); reasonOf(err) != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	unsigned := sample(3)
	unsigned[len(unsigned)-1]++
	if _, err := w.Validate(unsigned, header); reasonOf(err) != Corrupt {
		t.Errorf("checksum: %v", err)
	}
}

func reasonOf(err error) Reason {
	var r *Refusal
	if !errors.As(err, &r) {
		return 0
	}
	return r.Reason
}

func timed(at int64) Batch {
	var b Builder
	b.Add(at, []byte("k"), []byte("v"))
	return b.Batch()
}

func keyless() Batch {
	var b Builder
	b.Add(now, nil, []byte("v"))
	return b.Batch()
}

func TestBombsEndAtTheirBound(t *testing.T) {
	w := NewWalker()
	w.bounds = bounds{free: 1 << 20, ratio: 100, most: 4 << 20}
	one := func(size int) []byte { // one record whose value is all zeros
		body := binary.AppendVarint([]byte{0, 0, 0, 1}, int64(size))
		body = append(append(body, make([]byte, size)...), 0)
		return append(binary.AppendVarint(nil, int64(len(body))), body...)
	}
	r := rules()
	r.MaxBytes = math.MaxInt32
	for _, codec := range []Codec{Gzip, Snappy, LZ4, Zstd} {
		if _, err := w.Validate(repack(sample(1), codec, compress(t, codec, one(1<<20-100))), r); err != nil {
			t.Errorf("%s within the bound: %v", codec, err)
		}
		for _, size := range []int{2 << 20, 5 << 20} {
			bomb := repack(sample(1), codec, compress(t, codec, one(size)))
			_, err := w.Validate(bomb, r)
			if size == 2<<20 && len(bomb)*100 > size {
				continue // this codec does not reach the ratio
			}
			if !errors.Is(err, ErrTooLarge) || reasonOf(err) != Invalid {
				t.Errorf("%s bomb of %d bytes, expanding to %d: %v", codec, len(bomb), size, err)
			}
			if err := w.Records(bomb, func(Record) bool { return true }); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s bomb, decoded: %v", codec, err)
			}
		}
	}
}

func TestSnappyBlocksGetMemoryForWhatTheyHold(t *testing.T) {
	w := NewWalker()
	lies := map[string][]byte{
		"more than a block": binary.AppendUvarint(nil, maxSnappyBlock+1),
		"more than it can":  binary.AppendUvarint(nil, maxSnappyBlock-1),
	}
	for name, block := range lies {
		b := repack(sample(1), Snappy, append(block, make([]byte, 40)...))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := w.Validate(b, rules()); reasonOf(err) != Invalid {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allocated > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, allocated)
		}
	}
}

func TestTimesAreStamped(t *testing.T) {
	w := NewWalker()
	b, r := sample(3), rules()
	r.LogAppendTime = true
	if _, err := w.Validate(b, r); err != nil {
		t.Fatal(err)
	}
	if !b.LogAppendTime() || b.MaxTimestamp() != now || b.CRC() != b.ComputeCRC() {
		t.Errorf("log append time: %v %d", b.LogAppendTime(), b.MaxTimestamp())
	}
	lied := sample(3)
	binary.BigEndian.PutUint64(lied[maxTimeAt:], 5)
	lied.sign()
	if _, err := w.Validate(lied, rules()); err != nil {
		t.Fatal(err)
	}
	if lied.MaxTimestamp() != now || lied.CRC() != lied.ComputeCRC() {
		t.Errorf("a wrong largest timestamp stays: %d", lied.MaxTimestamp())
	}
}

func TestSequenceWraps(t *testing.T) {
	b := sample(3)
	binary.BigEndian.PutUint32(b[sequenceAt:], math.MaxInt32-1)
	if got := b.LastSequence(); got != 0 {
		t.Errorf("last sequence %d, want 0", got)
	}
}

func TestValidateAllocatesNothingPerRecord(t *testing.T) {
	w := NewWalker()
	for _, codec := range []Codec{None, LZ4, Zstd} {
		b := packed(t, sample(5000), codec)
		r := rules()
		r.MaxBytes = math.MaxInt32
		allocs := testing.AllocsPerRun(20, func() {
			if _, err := w.Validate(b, r); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 60 {
			t.Errorf("%s: %.0f allocations for 5000 records", codec, allocs)
		}
	}
}

func TestBatchesStopsAtWhatIsNotWhole(t *testing.T) {
	data := append(append([]byte{}, sample(1)...), sample(2)...)
	n := 0
	rest := Batches(append(data, 1, 2, 3), func(b Batch) bool { n += int(b.Count()); return true })
	if n != 3 || len(rest) != 3 {
		t.Errorf("%d records, %d bytes left", n, len(rest))
	}
}

func FuzzValidate(f *testing.F) {
	for codec := None; codec <= Zstd; codec++ {
		f.Add([]byte(packed(f, sample(3), codec)), true)
	}
	w := NewWalker()
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		if sign && len(data) >= HeaderSize {
			Batch(data).sign()
		}
		if _, err := w.Validate(data, rules()); err != nil {
			return
		}
		n := int32(0)
		if err := w.Records(data, func(Record) bool { n++; return true }); err != nil || n != Batch(data).Count() {
			t.Errorf("an accepted batch of %d records reads as %d: %v", Batch(data).Count(), n, err)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	w := NewWalker()
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		batch := packed(b, sample(1000), codec)
		b.Run(codec.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				if _, err := w.Validate(batch, rules()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func asRefusal(err error, to **Refusal) bool { return errors.As(err, to) }

// TestVarintsAreNoLongerThanJavaReads: what Java's reader refuses would stop every consumer at that batch.
func TestVarintsAreNoLongerThanJavaReads(t *testing.T) {
	w := NewWalker()
	long := func(value []byte) []byte { // key length 0 in six bytes
		body := append([]byte{0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, value...)
		return append(binary.AppendVarint(nil, int64(len(body))), body...)
	}
	small := long([]byte{1, 0})
	large := long(append(append(binary.AppendVarint(nil, readAhead), make([]byte, readAhead)...), 0))
	for name, records := range map[string][]byte{"small": small, "large": large} {
		for _, codec := range []Codec{None, LZ4} {
			if _, err := w.Validate(repack(sample(1), codec, compress(t, codec, records)), rules()); reasonOf(err) != Invalid {
				t.Errorf("%s %s: %v", name, codec, err)
			}
		}
	}
}

// TestLargeRecordsAreWalkedFieldByField covers records that the look-ahead does not hold, headers included.
func TestLargeRecordsAreWalkedFieldByField(t *testing.T) {
	var b Builder
	b.Add(now, bytes.Repeat([]byte("k"), readAhead), bytes.Repeat([]byte("v"), 3*readAhead), Header{Key: "h", Value: make([]byte, readAhead)}, Header{Key: "null"})
	b.Add(now+1, nil, nil)
	plain := b.Batch()
	w := NewWalker()
	for codec := None; codec <= Zstd; codec++ {
		if _, err := w.Validate(packed(t, plain, codec), rules()); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
	}
	for cut := 1; cut < len(plain.Records()); cut += 997 {
		short := repack(plain, LZ4, compress(t, LZ4, plain.Records()[:cut]))
		if _, err := w.Validate(short, rules()); reasonOf(err) != Invalid {
			t.Fatalf("records cut at %d: %v", cut, err)
		}
	}
}
