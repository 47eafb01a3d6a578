package storage

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// dirtyLog has a segment of two records at each of the times, in seconds after testTime or -1 for none, and an active one behind.
func dirtyLog(t *testing.T, d *Directory, id byte, topic string, seconds ...int64) *Log {
	t.Helper()
	cfg := d.cfg.DefaultLogConfig
	cfg.SegmentBytes = 400
	l, err := d.Create(TopicID{id}, topic, 0, cfg)
	must(t, err)
	for _, s := range append(seconds, 3600) {
		var b record.Builder
		for i := range int64(2) {
			at := int64(-1)
			if s >= 0 {
				at = testTime.UnixMilli() + 1000*s + i
			}
			b.Add(at, fmt.Appendf(nil, "key %d", i), make([]byte, 100))
		}
		appendTo(t, l, b.Batch())
	}
	if n := len(*l.segments.Load()); n != len(seconds)+1 {
		t.Fatalf("%d segments", n)
	}
	waitConfirmed(t, l)
	return l
}

// TestWhatIsToBeCompacted has a case for each term of Apache Kafka's LogCleanerManager.cleanableOffsets, maxCompactionDelay and
// grabFilthiestCompactedLog, at its edge. The segments begin at 0, 2, 4 and 6, the active one at 8; all have one size.
func TestWhatIsToBeCompacted(t *testing.T) {
	const never = math.MaxInt64
	for name, c := range map[string]struct {
		times       []int64 // of the segments, in seconds
		now         int64   // milliseconds after testTime
		start       int64   // of the log
		cleaned     int64   // noCleaned where nothing is
		stable      int64
		least, most int64 // min.compaction.lag.ms, max.compaction.lag.ms
		ratio       float64

		from, upTo   int64
		clean, dirty int64 // segments
		overdue, due bool
	}{
		"all but the active one":    {cleaned: noCleaned, stable: 10, most: never, ratio: 0.99, upTo: 8, dirty: 4, due: true},
		"a ratio of all":            {cleaned: noCleaned, stable: 10, most: never, ratio: 1, upTo: 8, dirty: 4},
		"up to what is stable":      {cleaned: noCleaned, stable: 4, most: never, upTo: 4, dirty: 2, due: true},
		"whole segments only":       {cleaned: noCleaned, stable: 5, most: never, upTo: 4, dirty: 2, due: true},
		"nothing is stable":         {cleaned: noCleaned, stable: 0, most: never},
		"from what was compacted":   {cleaned: 4, stable: 10, most: never, ratio: 0.49, from: 4, upTo: 8, clean: 2, dirty: 2, due: true},
		"as dirty as allowed":       {cleaned: 4, stable: 10, most: never, ratio: 0.5, from: 4, upTo: 8, clean: 2, dirty: 2},
		"all was compacted":         {cleaned: 8, stable: 10, most: never, from: 8, upTo: 8, clean: 4},
		"compacted below the start": {start: 4, cleaned: 2, stable: 10, most: never, from: 4, upTo: 8, clean: 2, dirty: 2, due: true},
		"a start within a segment":  {start: 3, cleaned: noCleaned, stable: 10, most: never, from: 3, upTo: 8, clean: 2, dirty: 3, due: true},
		"compacted beyond the end":  {cleaned: 11, stable: 10, most: never, upTo: 8, dirty: 4, due: true},

		"as old as the least lag":   {now: 25_001, cleaned: noCleaned, stable: 10, least: 5000, most: never, upTo: 6, dirty: 3, due: true},
		"younger":                   {now: 25_000, cleaned: noCleaned, stable: 10, least: 5000, most: never, upTo: 4, dirty: 2, due: true},
		"older behind younger":      {times: []int64{0, 90, 10, 20}, now: 50_000, cleaned: noCleaned, stable: 10, least: 5000, most: never, upTo: 2, dirty: 1, due: true},
		"young, but compacted":      {times: []int64{90, 0, 10, 20}, now: 50_000, cleaned: 2, stable: 10, least: 5000, most: never, from: 2, upTo: 8, clean: 1, dirty: 3, due: true},
		"the least lag keeps all":   {now: 1000, cleaned: noCleaned, stable: 10, least: 5000, most: never},
		"records without a time":    {times: []int64{-1, -1, -1, -1}, now: 25_000, cleaned: noCleaned, stable: 10, least: 5000, most: 5000, ratio: 1, upTo: 8, dirty: 4},
		"as old as the most lag":    {now: 5001, cleaned: noCleaned, stable: 10, most: 5000, ratio: 1, upTo: 8, dirty: 4},
		"older than the most lag":   {now: 5002, cleaned: noCleaned, stable: 10, most: 5000, ratio: 1, upTo: 8, dirty: 4, overdue: true, due: true},
		"older, but compacted":      {now: 5002, cleaned: 2, stable: 10, most: 5000, ratio: 1, from: 2, upTo: 8, clean: 1, dirty: 3},
		"the oldest is in a later":  {times: []int64{30, 20, 0, 10}, now: 5002, cleaned: noCleaned, stable: 10, most: 5000, ratio: 1, upTo: 8, dirty: 4, overdue: true, due: true},
		"overdue, and yet unstable": {now: 5002, cleaned: noCleaned, stable: 1, most: 5000, ratio: 1, overdue: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDir(t, compactConfig(vfs.NewMemory(nil)))
			if c.times == nil {
				c.times = []int64{0, 10, 20, 30}
			}
			l := dirtyLog(t, d, 1, "topic", c.times...)
			l.start.Store(c.start)
			l.compaction.cleaned = c.cleaned
			l.cfg.MinCompactionLagMs, l.cfg.MaxCompactionLagMs, l.cfg.MinCleanableRatio = c.least, c.most, c.ratio
			size := (*l.segments.Load())[0].size.Load()
			got := l.dirt(testTime.Add(time.Duration(c.now)*time.Millisecond), c.stable, false)
			if want := (dirt{from: c.from, upTo: c.upTo, clean: c.clean * size, dirty: c.dirty * size, overdue: c.overdue}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			if got.wanted(&l.cfg) != c.due {
				t.Errorf("a round is due: %t", !c.due)
			}
			must(t, d.Close())
		})
	}
}

// TestTheDirtiestLogGoesFirst: logs that wait longer than max.compaction.lag.ms are among those that are due, in the same order.
func TestTheDirtiestLogGoesFirst(t *testing.T) {
	cfg := compactConfig(vfs.NewMemory(nil))
	cfg.DefaultLogConfig.MinCleanableRatio = 0.4
	d := openDir(t, cfg)
	for i, c := range []struct {
		topic   string
		cleaned int64
		lag     int64
		compact bool
	}{
		{"half", 4, math.MaxInt64, true},
		{"overdue", 6, 1000, true},
		{"quarter", 6, math.MaxInt64, true},
		{"three quarters", 2, math.MaxInt64, true},
		{"not compacted", noCleaned, math.MaxInt64, false},
	} {
		l := dirtyLog(t, d, byte(i+1), c.topic, 0, 10, 20, 30)
		l.compaction.cleaned, l.cfg.MaxCompactionLagMs, l.cfg.Compact = c.cleaned, c.lag, c.compact
	}
	cleaner := testCleaner(t, d, func() time.Time { return testTime.Add(time.Minute) })
	for _, want := range []string{"three quarters", "half", "overdue"} {
		l, stable := cleaner.choose(nil)
		if l == nil || l.topic != want || stable != 10 {
			t.Fatalf("chosen is %+v up to %d, want %s", l, stable, want)
		}
	}
	if l, _ := cleaner.choose(nil); l != nil {
		t.Errorf("chosen is %s, which is not due", l.topic)
	}
	must(t, d.Close())
}
