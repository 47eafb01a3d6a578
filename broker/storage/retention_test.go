package storage

import (
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestWhatRetentionRemoves has a case for each term of Apache Kafka's UnifiedLog.deleteOldSegments, at its edge. The segments begin
// at 0, 2, 4 and 6 with their largest times a millisecond behind 0, 10, 20 and 30 seconds, the active one at 8, an hour on; the
// log ends at 10. All have one size.
func TestWhatRetentionRemoves(t *testing.T) {
	const hour = 3_600_000
	for name, c := range map[string]struct {
		times       []int64 // of the segments, in seconds
		now         int64   // milliseconds after testTime
		start       int64   // of the log
		ms          int64   // retention.ms
		segments    int64   // retention.bytes, in segments
		bytes       int64   // more
		compactOnly bool
		watermark   int64
		want        int
	}{
		"without bound":                 {now: 100 * hour, ms: -1, segments: -1, watermark: 10},
		"as old as allowed":             {now: 15_001, ms: 5000, segments: -1, watermark: 10, want: 1},
		"older":                         {now: 15_002, ms: 5000, segments: -1, watermark: 10, want: 2},
		"all are old":                   {now: 2 * hour, ms: 5000, segments: -1, watermark: 10, want: 5},
		"old behind newer":              {times: []int64{50, 0, 0, 0}, now: 15_002, ms: 5000, segments: -1, watermark: 10},
		"no age":                        {now: 30_002, segments: -1, watermark: 10, want: 4},
		"without a time: the file's":    {times: []int64{-1, -1, 0, 0}, now: 5000, ms: 5000, segments: -1, watermark: 10},
		"without a time: the file ages": {times: []int64{-1, -1, 50, 0}, now: 5001, ms: 5000, segments: -1, watermark: 10, want: 2},

		"a byte below a segment too much": {ms: -1, segments: 4, bytes: 1, watermark: 10},
		"a segment too much":              {ms: -1, segments: 4, watermark: 10, want: 1},
		"a byte beyond it":                {ms: -1, segments: 4, bytes: -1, watermark: 10, want: 1},
		"two too much":                    {ms: -1, segments: 3, watermark: 10, want: 2},
		"no size":                         {ms: -1, watermark: 10, want: 5},
		"by size, then by age":            {now: 15_002, ms: 5000, segments: 4, watermark: 10, want: 2},

		"by the log's start":               {start: 4, ms: -1, segments: -1, watermark: 10, want: 2},
		"a start within a segment":         {start: 5, ms: -1, segments: -1, watermark: 10, want: 2},
		"what the start removes counts":    {start: 4, ms: -1, segments: 3, watermark: 10, want: 2},
		"a start at the end":               {start: 10, ms: -1, segments: -1, watermark: 10, want: 4},
		"below the watermark alone":        {now: hour, ms: 1, segments: -1, watermark: 4, want: 2},
		"a watermark within a segment":     {now: hour, ms: 1, segments: -1, watermark: 5, want: 2},
		"compacted: by the start alone":    {start: 2, now: hour, ms: 1, segments: 1, compactOnly: true, watermark: 10, want: 1},
		"compacted: no age, and no size":   {now: hour, ms: 1, segments: 1, compactOnly: true, watermark: 10},
		"compacted and deleted: by an age": {now: hour, ms: 1, segments: -1, watermark: 10, want: 4},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDir(t, testConfig(vfs.NewMemory(func() time.Time { return testTime })))
			if c.times == nil {
				c.times = []int64{0, 10, 20, 30}
			}
			l := dirtyLog(t, d, 1, "topic", c.times...)
			size := (*l.segments.Load())[0].size.Load()
			l.start.Store(c.start)
			l.cfg.RetentionMs, l.cfg.RetentionBytes, l.cfg.CompactOnly = c.ms, c.segments*size+c.bytes, c.compactOnly
			if got := l.removable(testTime.Add(time.Duration(c.now)*time.Millisecond), c.watermark); got != c.want {
				t.Errorf("%d segments, want %d", got, c.want)
			}
			must(t, d.Close())
		})
	}
}
