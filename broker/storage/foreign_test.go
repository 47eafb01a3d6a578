package storage

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

const otherDir = "/other"

// foreignDirectory writes a log with rolled segments, an idempotent producer, an aborted and an open transaction, two leader epochs and
// a raised log start, and closes it.
func foreignDirectory(t *testing.T, disk vfs.FS) (data []byte) {
	t.Helper()
	cfg := testConfig(disk)
	cfg.Dir = otherDir
	d := openDir(t, cfg)
	must(t, (&MetaProperties{ClusterID: "c", NodeID: 1}).Write(disk, otherDir))
	l := newLogIn(t, d)
	must(t, l.StartEpoch(3))
	for i := range int32(40) {
		_, err := l.Append(sign(batchOf(2, 500, testTime.UnixMilli()), 7, 0, 2*i, 0), AppendInfo{LeaderEpoch: 3, Origin: Client})
		must(t, err)
	}
	must(t, l.StartEpoch(5))
	inEpoch := AppendInfo{LeaderEpoch: 5, Origin: Client}
	for _, b := range [][]byte{
		sign(batchOf(3, 10, testTime.UnixMilli()), 8, 0, 0, attrTransactional),
		sign(markerBatch(markerAbort, 1), 8, 0, -1, attrTransactional|attrControl),
		sign(batchOf(1, 10, testTime.UnixMilli()), 9, 0, 0, attrTransactional),
	} {
		if b[22]&attrControl != 0 {
			inEpoch.Origin = Coordinator
		}
		_, err := l.Append(b, inEpoch)
		must(t, err)
		inEpoch.Origin = Client
	}
	waitConfirmed(t, l)
	must(t, l.DeleteRecordsBefore(5))
	data = readAll(t, l)
	must(t, d.Close())
	return data
}

func surveyed(t *testing.T, fsys vfs.FS) *Foreign {
	t.Helper()
	s, err := ReadSurvey(fsys, otherDir)
	must(t, err)
	if len(s.Partitions) != 1 {
		t.Fatalf("survey %+v", s)
	}
	return &s.Partitions[0]
}

func importInto(t *testing.T, d *Directory, f *Foreign) *ForeignLog {
	t.Helper()
	s, err := d.Stage(context.Background(), f)
	must(t, err)
	must(t, s.Publish())
	must(t, d.DropStaged())
	must(t, d.Checkpoint())
	return s.Found
}

func TestAForeignLogIsImportedAsItIs(t *testing.T) {
	for _, stop := range []string{"close", "kill", "crash"} {
		disk := vfs.NewMemory(nil)
		data := foreignDirectory(t, disk)
		f := surveyed(t, disk)
		if f.Topic != "topic" || f.ID != testTopic || f.Start != 5 || !f.Clean {
			t.Fatalf("surveyed %+v", f)
		}
		d := openDir(t, testConfig(disk))
		found := importInto(t, d, f)
		want := ForeignLog{
			Start: 5, End: 85, Segments: found.Segments, Bytes: found.Bytes, Batches: 43, Records: 84, LatestEpoch: 5, MaxProducerID: 9,
			Open: []OpenTransaction{{ProducerID: 9, FirstOffset: 84}},
		}
		if checked, err := f.Check(context.Background()); err != nil || !equalFound(checked, found) || !equalFound(&want, found) {
			t.Errorf("found %+v, a check finds %+v (%v), want %+v", found, checked, err, want)
		}
		switch stop {
		case "close":
			must(t, d.Close())
		case "kill":
			disk = disk.Kill()
			_ = d.Close()
		case "crash":
			disk = disk.Crash(1)
			_ = d.Close()
		}
		d = openDir(t, testConfig(disk))
		checkImported(t, d.Log("topic", 0), data)
		must(t, d.Close())
	}
}

func equalFound(a, b *ForeignLog) bool {
	x, y := *a, *b
	x.Open, y.Open = nil, nil
	return slices.Equal(a.Open, b.Open) && x.Start == y.Start && x.End == y.End && x.Segments == y.Segments && x.Bytes == y.Bytes &&
		x.Batches == y.Batches && x.Records == y.Records && x.Cut == y.Cut && x.LatestEpoch == y.LatestEpoch && x.MaxProducerID == y.MaxProducerID
}

func checkImported(t *testing.T, l *Log, data []byte) {
	t.Helper()
	if l == nil {
		t.Fatal("the log is not there")
	}
	if got := readAll(t, l); !bytes.Equal(got, data) || l.StartOffset() != 5 {
		t.Errorf("%d bytes from %d on, want %d from 5", len(got), l.StartOffset(), len(data))
	}
	if e, ok := l.EpochAt(70); !ok || e != 3 {
		t.Errorf("epoch %d of offset 70", e)
	}
	if e, ok := l.EpochAt(83); !ok || e != 5 {
		t.Errorf("epoch %d of offset 83", e)
	}
	if got := abortedIn(t, l, 0, 100); !slices.Equal(got, []AbortedTransaction{{ProducerID: 8, FirstOffset: 80, LastOffset: 83}}) {
		t.Errorf("aborted %+v", got)
	}
	if first, open := l.FirstUnstable(l.EndOffset()); !open || first != 84 {
		t.Errorf("first unstable offset %d", first)
	}
	again, err := l.Append(sign(batchOf(2, 500, testTime.UnixMilli()), 7, 0, 78, 0), AppendInfo{LeaderEpoch: 6, Origin: Client})
	if err != nil || !again.Duplicate || again.BaseOffset != 78 {
		t.Errorf("the last batch again: %+v, %v", again, err)
	}
	if _, err := l.Append(sign(batchOf(1, 5, testTime.UnixMilli()), 7, 0, 82, 0), AppendInfo{LeaderEpoch: 6, Origin: Client}); wire.CodeOf(err) != wire.OutOfOrderSequenceNumber {
		t.Errorf("a gap: %v", err)
	}
}

// rewrite changes a file.
func rewrite(t *testing.T, fsys vfs.FS, name string, change func([]byte) []byte) {
	t.Helper()
	data, err := vfs.ReadFile(fsys, name, 1<<30)
	must(t, err)
	must(t, vfs.ReplaceFile(fsys, name, change(data)))
}

// segmentsOf lists the .log files of the imported directory's partition.
func segmentsOf(t *testing.T, fsys vfs.FS) []string {
	t.Helper()
	entries, err := fsys.List(otherDir + "/topic-0")
	must(t, err)
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name, logSuffix) {
			names = append(names, path.Join(otherDir, "topic-0", e.Name))
		}
	}
	return names
}

func TestDamageOfAForeignLogIsFoundOrCut(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[len(b)+at] ^= 1; return b }
	}
	cases := map[string]struct {
		segment int // from the end
		change  func([]byte) []byte
		unclean bool
		flushed int64
		want    error
		end     int64
	}{
		"a damaged batch":                        {1, flip(-5), false, 0, ErrCorrupt, 0},
		"a torn end after a clean stop":          {1, func(b []byte) []byte { return b[:len(b)-1] }, false, 0, ErrCorrupt, 0},
		"a torn end after a kill":                {1, func(b []byte) []byte { return b[:len(b)-1] }, true, 80, nil, 84},
		"a zero end after a kill":                {1, func(b []byte) []byte { return append(b, make([]byte, 1000)...) }, true, 80, nil, 85},
		"a torn end of what was durable":         {1, func(b []byte) []byte { return b[:len(b)-1] }, true, 85, ErrCorrupt, 0},
		"damage before a durable segment":        {2, flip(-5), true, 80, ErrCorrupt, 0},
		"damage before a segment that is cut":    {2, flip(-5), true, 10, nil, 58},
		"an old batch":                           {1, func(b []byte) []byte { b[16] = 1; return b }, false, 0, ErrOldFormat, 0},
		"an old batch is not cut after a kill":   {1, func(b []byte) []byte { b[16] = 0; return b }, true, 0, ErrOldFormat, 0},
		"a segment that repeats earlier offsets": {1, func(b []byte) []byte { b[7] = 1; return b }, false, 0, ErrCorrupt, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMemory(nil)
			foreignDirectory(t, disk)
			files := segmentsOf(t, disk)
			rewrite(t, disk, files[len(files)-c.segment], c.change)
			f := surveyed(t, disk)
			if c.unclean {
				f.Clean, f.Flushed = false, c.flushed
			}
			d := openDir(t, testConfig(disk))
			s, err := d.Stage(context.Background(), f)
			if !errors.Is(err, c.want) || err != nil && c.want == nil {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err == nil {
				must(t, s.Publish())
				if l := d.Log("topic", 0); l.EndOffset() != c.end || s.Found.Cut == 0 {
					t.Errorf("it ends at %d, %d bytes are cut, want %d", l.EndOffset(), s.Found.Cut, c.end)
				}
			}
			must(t, d.DropStaged())
			must(t, d.Close())
			if err != nil && d.Log("topic", 0) != nil {
				t.Error("a damaged log is part of the directory")
			}
		})
	}
}

func TestTheSourceOfAnImportStaysAsItIs(t *testing.T) {
	disk := vfs.NewMemory(nil)
	foreignDirectory(t, disk)
	before := contents(t, disk, otherDir)
	d := openDir(t, testConfig(disk))
	importInto(t, d, surveyed(t, disk))
	must(t, d.Close())
	after := contents(t, disk, otherDir)
	if len(before) == 0 || len(before) != len(after) {
		t.Fatalf("%d files before, %d after", len(before), len(after))
	}
	for name, data := range before {
		if after[name] != data {
			t.Errorf("%s has changed", name)
		}
	}
}

func TestWhatWasStagedAndNotPublishedIsNoPartOfADirectory(t *testing.T) {
	disk := vfs.NewMemory(nil)
	foreignDirectory(t, disk)
	d := openDir(t, testConfig(disk))
	_, err := d.Stage(context.Background(), surveyed(t, disk))
	must(t, err)
	disk = disk.Kill()
	_ = d.Close()
	d = openDir(t, testConfig(disk))
	if d.Log("topic", 0) != nil {
		t.Error("a staged log is served")
	}
	must(t, d.DropStaged())
	entries, err := disk.List(testDir)
	must(t, err)
	if slices.ContainsFunc(entries, func(e vfs.Info) bool { return strings.HasPrefix(e.Name, stagedPrefix) }) {
		t.Errorf("what was staged is there: %+v", entries)
	}
	must(t, d.Close())
}

func TestCompactionLeftovers(t *testing.T) {
	disk := vfs.NewMemory(nil)
	foreignDirectory(t, disk)
	name := otherDir + "/topic-0/00000000000000000000.log"
	must(t, vfs.ReplaceFile(disk, name+cleanedSuffix, []byte("unfinished")))
	must(t, vfs.ReplaceFile(disk, name+deletedSuffix, []byte("gone")))
	f := surveyed(t, disk)
	if _, err := f.Check(context.Background()); err != nil {
		t.Errorf("with files that Apache Kafka ignores: %v", err)
	}
	must(t, vfs.ReplaceFile(disk, name+swapSuffix, []byte("replacing")))
	if _, err := f.Check(context.Background()); err == nil || !strings.Contains(err.Error(), swapSuffix) {
		t.Errorf("with a replacement under way: %v", err)
	}
}

func TestABatchWithOffsetsBeyondAllThatThereAreIsNone(t *testing.T) {
	disk := vfs.NewMemory(nil)
	foreignDirectory(t, disk)
	rewrite(t, disk, segmentsOf(t, disk)[0], func(b []byte) []byte {
		copy(b, []byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) // and it has two records
		return b
	})
	d := openDir(t, testConfig(disk))
	if _, err := d.Stage(t.Context(), surveyed(t, disk)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "position 0") {
		t.Errorf("error %v", err)
	}
	must(t, d.DropStaged())
	must(t, d.Close())
	v, err := Verify(t.Context(), disk, otherDir)
	must(t, err)
	if len(v.Findings) == 0 || v.Findings[0].Position != 0 {
		t.Errorf("findings %+v", v.Findings)
	}
}
