package replica

import (
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/record"
)

// TestEachGoesOnWhereRetentionHasPassedIt: records that are deleted while a coordinator reads what comes before them are left out.
func TestEachGoesOnWhereRetentionHasPassedIt(t *testing.T) {
	ways := map[string]func(r *Replica, yield func(record.Record) error) error{
		"records": func(r *Replica, yield func(record.Record) error) error {
			next, err := r.Each(t.Context(), 0, yield)
			if next != r.LogEnd() {
				t.Errorf("read up to %d of %d", next, r.LogEnd())
			}
			return err
		},
		"entries": func(r *Replica, yield func(record.Record) error) error {
			return r.EachEntry(t.Context(), 0, func(e Entry) error { return yield(e.Record) })
		},
	}
	for name, each := range ways {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.create("a", 1, []int32{1})
			r := w.replica("a", 0)
			for range 5 {
				var b record.Builder
				b.Add(testTime.UnixMilli(), []byte("key"), make([]byte, loadStep*2/3)) // one is read at a time
				mustAppend(t, r, b.Batch())
			}
			var got []int64
			err := each(r, func(rec record.Record) error {
				got = append(got, rec.Offset)
				if rec.Offset == 1 {
					return r.log().DeleteRecordsBefore(4)
				}
				return nil
			})
			if err != nil || !slices.Equal(got, []int64{0, 1, 4}) {
				t.Errorf("read %d: %v", got, err)
			}
		})
	}
}
