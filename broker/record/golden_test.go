package record

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The batches in testdata were made by the Java client 4.3.1 (MemoryRecords) from the records of javaRecords, in this order.
const javaTime = 1_700_000_000_000

func javaRecords(n int) []Record {
	big := make([]byte, 80_000)
	for i := range big {
		big[i] = byte('a' + i%26)
	}
	all := []Record{
		{Timestamp: javaTime, Key: []byte("k"), Value: []byte("v"), Headers: []Header{
			{Key: "h", Value: []byte("x")}, {Key: "null"}, {Key: "h", Value: []byte{}},
		}},
		{Timestamp: javaTime + 5, Value: []byte("no key")},
		{Timestamp: javaTime + 3, Key: []byte("tombstone")},
		{Timestamp: javaTime - 1000, Key: []byte{}, Value: []byte{}},
		{Timestamp: javaTime + 4, Key: []byte("big"), Value: big},
	}
	for i := range 200 {
		all = append(all, Record{Timestamp: javaTime, Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Appendf(nil, "value of record %d", i)})
	}
	for i := range all {
		all[i].Offset = int64(i)
	}
	return all[:n]
}

func javaBatch(t testing.TB, name string) Batch {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "java-"+name+".batch"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestJavaBatchesAreAcceptedUnchanged(t *testing.T) {
	w := NewWalker()
	for name, n := range map[string]int{"none": 4, "idempotent": 4, "gzip": 205, "snappy": 205, "lz4": 205, "zstd": 205} {
		b := javaBatch(t, name)
		before := bytes.Clone(b)
		r := Rules{MaxBytes: 1 << 20, Now: javaTime, BeforeMax: math.MaxInt64, AfterMax: 3_600_000, ZstdAllowed: true}
		if _, err := w.Validate(b, r); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(before, b) {
			t.Errorf("%s: an honest batch was changed", name)
		}
		var got []Record
		if err := w.Records(b, func(r Record) bool { got = append(got, r); return true }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(javaRecords(n), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTheHeaderReadsAsJavaWroteIt(t *testing.T) {
	b := javaBatch(t, "idempotent")
	got := []int64{
		b.BaseOffset(), b.Size(), int64(b.Magic()), int64(b.LastOffsetDelta()), b.BaseTimestamp(), b.MaxTimestamp(),
		b.ProducerID(), int64(b.ProducerEpoch()), int64(b.BaseSequence()), int64(b.LastSequence()), int64(b.Count()), int64(b.LeaderEpoch()),
	}
	want := []int64{0, int64(len(b)), 2, 3, javaTime, javaTime + 5, 4000, 3, 17, 20, 4, -1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b.CRC() != b.ComputeCRC() || b.Transactional() || b.Control() || b.LogAppendTime() || b.Codec() != None {
		t.Error("checksum or attributes")
	}
}

func TestTheBuilderWritesWhatJavaWrites(t *testing.T) {
	var b Builder
	for _, r := range javaRecords(4) {
		b.Add(r.Timestamp, r.Key, r.Value, r.Headers...)
	}
	if diff := cmp.Diff([]byte(javaBatch(t, "none")), []byte(b.Batch())); diff != "" {
		t.Error(diff)
	}
}

// A marker is what a coordinator writes; a client that sends one is refused.
func TestAMarkerFromAClientIsRefused(t *testing.T) {
	b := javaBatch(t, "commit")
	if !b.Control() || !b.Transactional() || b.CRC() != b.ComputeCRC() {
		t.Fatal("the marker does not read as one")
	}
	if _, err := NewWalker().Validate(b, rules()); reasonOf(err) != Invalid {
		t.Errorf("a marker from a client: %v", err)
	}
}

func TestTimesAreThoseOfTheRecords(t *testing.T) {
	w := NewWalker()
	for _, name := range []string{"none", "zstd"} {
		b := javaBatch(t, name)
		b.SetBaseOffset(1000)
		var got [][2]int64
		if err := w.Times(b, func(offset, timestamp int64) bool {
			got = append(got, [2]int64{offset, timestamp})
			return len(got) < 3
		}); err != nil {
			t.Fatal(err)
		}
		want := [][2]int64{{1000, javaTime}, {1001, javaTime + 5}, {1002, javaTime + 3}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestBlameIsPerRecordAndBounded(t *testing.T) {
	w := NewWalker()
	b := javaBatch(t, "none")
	r := rules()
	r.Now, r.KeysRequired = javaTime, true
	var refused *Refusal
	if _, err := w.Validate(b, r); !asRefusal(err, &refused) || len(refused.Records) != 1 || refused.Records[0].Index != 1 || refused.Reason != Invalid {
		t.Errorf("a record without a key: %+v", refused)
	}
	r.Now = javaTime - 3_600_001 + 3 // the third record's time is too late
	if _, err := w.Validate(b, r); !asRefusal(err, &refused) || len(refused.Records) != 2 || refused.Reason != BadTimestamp {
		t.Errorf("a record without a key and of a wrong time: %+v", refused)
	}
	many := sample(1000)
	r = rules()
	r.Now -= 7_200_000
	if _, err := w.Validate(many, r); !asRefusal(err, &refused) || len(refused.Records) != maxRecordErrors {
		t.Errorf("%d records are told of, want %d", len(refused.Records), maxRecordErrors)
	}
}
