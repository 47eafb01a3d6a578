package storage

import (
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestWhenASegmentIsFull has a case for each term of Apache Kafka's LogSegment.shouldRoll, at its edge.
func TestWhenASegmentIsFull(t *testing.T) {
	created := testTime
	cfg := LogConfig{SegmentBytes: 1000, SegmentMs: 500, IndexBytes: 24 * 5}
	const most = maxRelativeOffset
	d := openDir(t, testConfig(vfs.NewMemory(nil)))
	l := newLogIn(t, d)
	for name, c := range map[string]struct {
		size, first    int64 // of what is there
		offsets, times int   // index entries
		last, at, add  int64 // of the batch: its last offset, its timestamp, its size
		jitter         int64
		now            time.Duration // since the segment was made
		want           bool
	}{
		"it fits":                              {size: 900, first: 10, last: 9, at: 20, add: 100},
		"a byte too many":                      {size: 901, first: 10, last: 9, at: 20, add: 100, want: true},
		"an empty one takes all":               {size: 0, first: -1, last: 9, at: 20, add: 2000},
		"the farthest offset":                  {size: 100, first: 10, last: 5 + most, at: 20, add: 100},
		"an offset too far":                    {size: 100, first: 10, last: 6 + most, at: 20, add: 100, want: true},
		"an offset too far from an empty":      {size: 0, first: -1, last: 6 + most, at: 20, add: 100, want: true},
		"as old as allowed":                    {size: 100, first: 10, last: 9, at: 510, add: 100, now: time.Hour},
		"older":                                {size: 100, first: 10, last: 9, at: 511, add: 100, want: true},
		"time goes back":                       {size: 100, first: 10_000, last: 9, at: 1, add: 100, now: time.Hour},
		"the jitter comes off":                 {size: 100, first: 10, last: 9, at: 411, add: 100, jitter: 100, want: true},
		"the jitter comes off, at the edge":    {size: 100, first: 10, last: 9, at: 410, add: 100, jitter: 100},
		"no time: the clock":                   {size: 100, first: -1, last: 9, at: -1, add: 100, now: 501 * time.Millisecond, want: true},
		"no time: the clock, at the edge":      {size: 100, first: -1, last: 9, at: 10_000, add: 100, now: 500 * time.Millisecond},
		"the first at time 0":                  {size: 100, first: 0, last: 9, at: 501, add: 100, want: true},
		"empty and old":                        {size: 0, first: -1, last: 9, at: 10_000, add: 100, now: time.Hour},
		"the offset index has room":            {size: 100, first: 10, offsets: 14, last: 9, at: 20, add: 100},
		"the offset index is full":             {size: 100, first: 10, offsets: 15, last: 9, at: 20, add: 100, want: true},
		"the time index has room":              {size: 100, first: 10, times: 8, last: 9, at: 20, add: 100},
		"the time index keeps one for sealing": {size: 100, first: 10, times: 9, last: 9, at: 20, add: 100, want: true},
	} {
		s, err := createSegment(d.files, l.path, 5, created)
		must(t, err)
		s.size.Store(c.size)
		s.firstTime = c.first
		for i := range c.offsets {
			e := offsetEntry(int64(i+1), int64(i+1))
			s.offsets.add(e[:])
		}
		for i := range c.times {
			e := timeEntry(int64(i+1), int64(i+1))
			s.times.add(e[:])
		}
		h := header{base: c.last, size: c.add, maxTimestamp: c.at}
		if got := s.full(&h, &cfg, c.jitter, created.Add(c.now)); got != c.want {
			t.Errorf("%s: full %v, want %v", name, got, c.want)
		}
		must(t, s.close())
	}
	must(t, d.Close())
}

// TestIdleSegmentsStay: age rolls with an append alone, by the times of the batches, whatever the clock says.
func TestIdleSegmentsStay(t *testing.T) {
	disk := vfs.NewMemory(nil)
	cfg := testConfig(disk)
	var clock movingClock
	cfg.Clock = clock.now
	cfg.DefaultLogConfig.SegmentMs = 1000
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	segments := func() int { return len(*l.segments.Load()) }
	at := testTime.UnixMilli()
	appendTo(t, l, batchOf(1, 10, at))
	clock.pass(time.Hour)
	if _, err := l.Retain(clock.now(), l.EndOffset()); err != nil || segments() != 1 {
		t.Errorf("%d segments of an idle log, %v", segments(), err)
	}
	appendTo(t, l, batchOf(1, 10, at+1000))
	appendTo(t, l, batchOf(1, 10, at-5000))
	if segments() != 1 {
		t.Errorf("%d segments within segment.ms", segments())
	}
	appendTo(t, l, batchOf(1, 10, at+1001))
	if segments() != 2 {
		t.Errorf("%d segments beyond segment.ms", segments())
	}
	// A batch without a time does not age a segment that has one; one that begins without a time ages by the clock.
	appendTo(t, l, batchOf(1, 10, -1))
	appendTo(t, l, batchOf(1, 10, at+2002))
	appendTo(t, l, timeless())
	if segments() != 3 {
		t.Errorf("%d segments, want 3", segments())
	}
	must(t, d.Close())
}

func timeless() []byte {
	var b record.Builder
	b.Add(-1, nil, []byte("v"))
	return b.Batch()
}

// TestTheJitterIsBelowTheAge: a jitter as large as segment.ms or larger would roll at each append.
func TestTheJitterIsBelowTheAge(t *testing.T) {
	cfg := testConfig(vfs.NewMemory(nil))
	cfg.DefaultLogConfig.SegmentMs, cfg.DefaultLogConfig.SegmentJitterMs = 10, 1<<40
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	drawn := map[int64]bool{}
	for range 500 {
		l.rollJitter()
		if l.jitter < 0 || l.jitter >= 10 {
			t.Fatalf("jitter %d of a segment.ms of 10", l.jitter)
		}
		drawn[l.jitter] = true
	}
	if len(drawn) < 5 {
		t.Errorf("the jitter takes %d values", len(drawn))
	}
	at := testTime.UnixMilli()
	for range 20 {
		appendTo(t, l, batchOf(1, 10, at))
	}
	if n := len(*l.segments.Load()); n != 1 {
		t.Errorf("%d segments of batches of one time", n)
	}
	must(t, d.Close())
}

// TestAnEmptySegmentMakesRoomForAFarOffset: a replica that starts far behind compaction's gaps gets such a batch first. What is read
// and what is recovered is one log.
func TestAnEmptySegmentMakesRoomForAFarOffset(t *testing.T) {
	const far = maxRelativeOffset + 10
	check := func(l *Log) {
		t.Helper()
		if base := l.active().base; base != far || l.EndOffset() != far+2 {
			t.Errorf("the active segment begins at %d, the log ends at %d", base, l.EndOffset())
		}
		data, err := l.Read(0, 1<<20, l.EndOffset(), true, nil)
		if err != nil || len(split(data)) != 1 || record.Batch(data).BaseOffset() != far {
			t.Errorf("%d bytes read, %v", len(data), err)
		}
	}
	for _, clean := range []bool{true, false} {
		disk := vfs.NewMemory(nil)
		d := openDir(t, testConfig(disk))
		l := newLogIn(t, d)
		b := record.Batch(batchOf(2, 10, testTime.UnixMilli()))
		b.SetBaseOffset(far)
		b.SetLeaderEpoch(1)
		if _, err := l.Append(b, AppendInfo{Origin: Replication}); err != nil {
			t.Fatal(err)
		}
		check(l)
		waitConfirmed(t, l)
		if clean {
			must(t, d.Close())
		} else {
			disk = disk.Kill()
			_ = d.Close() // without its disk
		}
		d = openDir(t, testConfig(disk))
		check(d.Log("topic", 0))
		must(t, d.Close())
	}
}
