//go:build interop

package interop

import (
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// compactedReading compares the compacted topic with what was acknowledged: a record that is there is the one that was acknowledged
// at its offset, and each key has its newest acknowledged record or a later one.
type compactedReading struct {
	crcs   map[place]map[int64]uint32 // of acknowledged values, by offset
	newest map[int64]int64            // the newest acknowledged number of each key
	total  int                        // acknowledged records
}

func newCompactedReading() *compactedReading {
	return &compactedReading{map[place]map[int64]uint32{}, map[int64]int64{}, 0}
}

func (c *compactedReading) check(t *testing.T, b *harness.Broker, l *account) (records int) {
	t.Helper()
	for _, e := range l.take(true) {
		if c.crcs[e.place] == nil {
			c.crcs[e.place] = map[int64]uint32{}
		}
		c.crcs[e.place][e.offset] = e.crc
		c.newest[e.number%killKeys] = max(c.newest[e.number%killKeys], e.number)
		c.total++
	}
	next, last, found := map[place]int64{}, map[place]int64{}, map[int64]int64{}
	for _, at := range placesOf(killCompacted) {
		next[at], last[at] = 0, -1
	}
	readTo(t, b, next, func(r *kgo.Record) {
		at := place{r.Topic, r.Partition}
		if r.Offset <= last[at] {
			t.Errorf("offset %d of %v follows %d", r.Offset, at, last[at])
		}
		last[at] = r.Offset
		records++
		s, err := readStamp(r.Value)
		if err != nil || string(r.Key) != fmt.Sprintf("key-%d", s.number%killKeys) {
			t.Errorf("offset %d of %v holds %v under the key %q (%v)", r.Offset, at, s, r.Key, err)
			return
		}
		if crc, was := c.crcs[at][r.Offset]; was && crc != crc32.ChecksumIEEE(r.Value) {
			t.Errorf("offset %d of %v has changed: %v", r.Offset, at, s)
		}
		if was, seen := found[s.number%killKeys]; seen && was >= s.number {
			t.Errorf("offset %d of %v holds %v after record %d of this key", r.Offset, at, s, was)
		}
		found[s.number%killKeys] = s.number
	})
	for key, number := range c.newest {
		if found[key] < number {
			t.Errorf("the newest acknowledged record of key %d was %d, there is %d", key, number, found[key])
		}
	}
	return records
}

// waitUntilCompacted shows that the log was compacted at all.
func (c *compactedReading) waitUntilCompacted(t *testing.T, b *harness.Broker, l *account) {
	t.Helper()
	left := 0
	waitFor(t, "compaction", func() bool {
		left = c.check(t, b, l)
		return left < c.total
	})
	t.Logf("compaction left %d of %d acknowledged records", left, c.total)
}
