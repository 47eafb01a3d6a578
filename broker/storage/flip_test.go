package storage

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// What a damaged file may lead to is one of: the directory is not opened and says that it is corrupt; a read says
// KAFKA_STORAGE_ERROR; everything is as it was. TestEveryFlippedByte and TestEveryShorterFile try it on every file of a small
// directory, one that was stopped cleanly and one that was killed.

// Topic c is compacted.
var flipTopics = []string{"a", "b", "c"}

func flipConfig(fsys vfs.FS) Config {
	cfg := testConfig(fsys)
	cfg.JournalFileBytes = 16 << 10
	cfg.DefaultLogConfig.SegmentBytes = 1500
	cfg.DefaultLogConfig.IndexIntervalBytes = 200
	return cfg
}

// flipDirectory makes a directory with all kinds of files and returns what is in them, stopped cleanly or killed.
func flipDirectory(t *testing.T, clean bool) map[string]string {
	t.Helper()
	disk := vfs.NewMemory(nil)
	meta := MetaProperties{ClusterID: "MkU3OEVBNTcwNTJENDM2Qg", NodeID: 3, DirectoryID: [16]byte{1, 2}}
	must(t, meta.Write(disk, testDir))
	d := openDir(t, flipConfig(disk))
	a, err := d.Create(testTopic, "a", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	b, err := d.Create(TopicID{9}, "b", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	must(t, a.StartEpoch(1))
	fillForFlips(t, a, 0)
	c := fillCompacted(t, d)
	for i := range 20 { // without producers: nothing reads the older segments at the start
		appendTo(t, b, batchOf(3, 40, testTime.UnixMilli()+int64(i)))
	}
	must(t, a.DeleteRecordsBefore(4))
	_, err = a.Retain(testTime, a.EndOffset())
	must(t, err)
	must(t, d.Checkpoint())
	if !testCleaner(t, d, d.cfg.Clock).Clean(t.Context()) {
		t.Fatal("nothing is compacted")
	}
	appendTo(t, c, keyed("after", "compaction"))
	waitConfirmed(t, c)
	must(t, a.StartEpoch(2))
	fillForFlips(t, a, 1)
	must(t, a.DeleteRecordsBefore(6))
	appendTo(t, b, batchOf(2, 40, testTime.UnixMilli()+70))
	waitConfirmed(t, b)
	waitConfirmed(t, a)
	d.reap(testTime.Add(time.Hour)) // what compaction has replaced
	if clean {
		must(t, d.Close())
		return wholeDisk(t, disk)
	}
	next := disk.Kill()
	_ = d.Close() // without its disk
	return wholeDisk(t, next)
}

// fillCompacted makes a log that has something to compact, transactions among it.
func fillCompacted(t *testing.T, d *Directory) *Log {
	t.Helper()
	cfg := d.cfg.DefaultLogConfig
	cfg.Compact, cfg.CompactOnly, cfg.MinCleanableRatio = true, true, 0
	l, err := d.Create(TopicID{7}, "c", 0, cfg)
	must(t, err)
	for round := range 2 {
		fillForFlips(t, l, round)
	}
	return l
}

// fillForFlips appends plain batches, an idempotent producer's, an aborted and a committed transaction.
func fillForFlips(t *testing.T, l *Log, round int) {
	t.Helper()
	at := testTime.UnixMilli() + int64(round)*1000
	info := AppendInfo{LeaderEpoch: int32(round + 1), Origin: Client}
	for i := range 6 {
		sequence := int32(round*6+i) * 2
		coordinator := AppendInfo{LeaderEpoch: info.LeaderEpoch, Origin: Coordinator}
		for _, step := range []struct {
			batch []byte
			info  AppendInfo
		}{
			{batchOf(1+i%3, 20+10*i, at+int64(10*i)), info},
			{sign(batchOf(2, 5, at+int64(10*i)), 7, 0, sequence, 0), info},
			{sign(batchOf(1, 5, at+int64(10*i)), 8, 0, int32(round*6+i), attrTransactional), info},
			{sign(markerBatch(int16(i%2), 1), 8, 0, -1, attrTransactional|attrControl), coordinator},
		} {
			_, err := l.Append(step.batch, step.info)
			must(t, err)
		}
	}
}

// wholeDisk is what all files under testDir hold.
func wholeDisk(t *testing.T, fsys vfs.FS) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := fsys.List(dir)
		must(t, err)
		for _, e := range entries {
			name := path.Join(dir, e.Name)
			if e.Dir {
				walk(name)
				continue
			}
			data, err := vfs.ReadFile(fsys, name, 1<<30)
			must(t, err)
			all[name] = string(data)
		}
	}
	walk(testDir)
	return all
}

// diskOf makes a disk with these files.
func diskOf(t *testing.T, files map[string]string) *vfs.Memory {
	t.Helper()
	disk := vfs.NewMemory(nil)
	for name, data := range files {
		must(t, disk.Mkdir(path.Dir(name)))
		f, err := disk.Open(name, vfs.Create)
		must(t, err)
		if len(data) > 0 {
			_, err = f.WriteAt([]byte(data), 0)
			must(t, err)
		}
		must(t, f.Close())
	}
	return disk
}

// view is all that can be learnt of a log.
type view struct {
	start, end                               int64
	epochs, aborted, producers, data, lookup string
}

func (v view) difference(want view) string {
	if v.start != want.start || v.end != want.end {
		return fmt.Sprintf("%d to %d instead of %d to %d", v.start, v.end, want.start, want.end)
	}
	for _, pair := range [][2]string{
		{v.epochs, want.epochs}, {v.aborted, want.aborted}, {v.producers, want.producers}, {v.lookup, want.lookup}, {v.data, want.data},
	} {
		if pair[0] != pair[1] {
			return fmt.Sprintf("%.600q instead of %.600q", pair[0], pair[1])
		}
	}
	return "no difference"
}

// look reads a log. The error is that of a read.
func look(l *Log) (v view, err error) {
	v.start, v.end = l.StartOffset(), l.EndOffset()
	for _, e := range l.epochs.entries {
		if l.Topic() == "c" {
			e.start = -1 // compaction may have taken the batch that tells it
		}
		v.epochs += fmt.Sprint(e)
	}
	v.producers = fmt.Sprintf("%x", l.producers.encode())
	var data []byte
	for offset := v.start; offset < v.end; {
		part, aborted, err := l.ReadWithAborted(offset, 300, v.end, true, nil)
		if err != nil {
			return v, err
		}
		var headers []header
		for _, b := range split(part) {
			h, _ := parseHeader(b)
			offset = h.last() + 1
			headers = append(headers, h)
		}
		if len(part) == 0 {
			return v, fmt.Errorf("nothing to read at %d", offset)
		}
		data = append(data, part...)
		v.aborted += abortedWithData(aborted, headers) + " "
	}
	v.data = string(data)
	for ts := testTime.UnixMilli() - 5; ts < testTime.UnixMilli()+1100; ts += 15 {
		found, ok, err := l.OffsetForTimestamp(ts, v.end)
		if err != nil {
			return v, err
		}
		v.lookup += fmt.Sprint(found, ok, " ")
	}
	found, ok, err := l.MaxTimestamp(v.end)
	v.lookup += fmt.Sprint(found, ok)
	return v, err
}

// abortedWithData are those of the aborted transactions that have some of the batches: compaction takes these, and a recovery does not
// find the others again.
func abortedWithData(aborted []AbortedTransaction, headers []header) (text string) {
	for _, a := range aborted {
		if slices.ContainsFunc(headers, func(h header) bool {
			return h.producerID == a.ProducerID && !h.control() && h.base >= a.FirstOffset && h.last() <= a.LastOffset
		}) {
			text += fmt.Sprint(a)
		}
	}
	return text
}

// outcome opens the files and says what came of them: "refused", "read error" or "same"; anything else is an error.
func outcome(files map[string]string, t *testing.T, want map[string]view, again bool) (string, error) {
	disk := diskOf(t, files)
	d, err := Open(flipConfig(disk))
	if errors.Is(err, ErrCorrupt) || errors.Is(err, journal.ErrCorrupt) {
		return "refused", nil
	}
	if err != nil {
		return "", err
	}
	result, err := compare(d, want)
	closed := d.Close()
	if err != nil || result != "same" {
		return result, err
	}
	if closed != nil {
		return "", fmt.Errorf("close: %w", closed)
	}
	if !again {
		return result, nil
	}
	if d, err = Open(flipConfig(disk)); err != nil {
		return "", fmt.Errorf("open again: %w", err)
	}
	result, err = compare(d, want)
	if err == nil && result != "same" {
		err = fmt.Errorf("opened again, a %s", result)
	}
	return result, errors.Join(err, d.Close())
}

func compare(d *Directory, want map[string]view) (string, error) {
	result := "same"
	for _, topic := range flipTopics {
		l := d.Log(topic, 0)
		if l == nil {
			return "", fmt.Errorf("log %s is gone", topic)
		}
		v, err := look(l)
		switch {
		case err != nil && wire.CodeOf(err) == wire.KafkaStorageError:
			result = "read error"
		case err != nil:
			return "", err
		case v != want[topic]:
			return "", fmt.Errorf("log %s is not what it was: %s", topic, v.difference(want[topic]))
		}
	}
	return result, nil
}

// flipBase is a directory and what is in it.
type flipBase struct {
	files map[string]string
	want  map[string]view
}

func flipBases(t *testing.T) map[string]flipBase {
	t.Helper()
	bases := map[string]flipBase{}
	for name, clean := range map[string]bool{"stopped": true, "killed": false} {
		files := flipDirectory(t, clean)
		d := openDir(t, flipConfig(diskOf(t, files)))
		want := map[string]view{}
		for _, topic := range flipTopics {
			v, err := look(d.Log(topic, 0))
			must(t, err)
			want[topic] = v
		}
		must(t, d.Close())
		bases[name] = flipBase{files, want}
	}
	return bases
}

// forEachFile calls try with each file of each directory.
func forEachFile(t *testing.T, try func(t *testing.T, base flipBase, name string)) {
	t.Helper()
	for state, base := range flipBases(t) {
		for _, name := range slices.Sorted(maps.Keys(base.files)) {
			short := strings.TrimPrefix(name, testDir+"/")
			if len(base.files[name]) == 0 || short == metaPropertiesFile || strings.HasPrefix(short, metaPropertiesFile) {
				continue
			}
			t.Run(state+"/"+short, func(t *testing.T) {
				t.Parallel()
				try(t, base, name)
			})
		}
	}
}

// flipStep is how far apart the places are that are tried: all of them in a run of its own (make test-whole). Of journal files that is
// for the journal's own tests to do.
func flipStep(name string, n int) int {
	switch {
	case testing.Short() || raceDetector:
		return 1 + n/20
	case strings.Contains(name, "chronik.journal."):
		return 1 + n/200
	default:
		return 1
	}
}

// reported says whether Verify has to find damage to a file: after a clean stop nothing is needed of the journal, nor of the marker's
// contents.
func reported(base flipBase, name string) bool {
	_, clean := base.files[path.Join(testDir, cleanShutdownFile)]
	return clean && !strings.Contains(name, "chronik.journal.") && !strings.HasSuffix(name, cleanShutdownFile)
}

// checkReported fails unless Verify finds damage, or says that a side-car is not valid.
func checkReported(t *testing.T, files map[string]string, at int) {
	t.Helper()
	v, err := Verify(t.Context(), diskOf(t, files), testDir)
	must(t, err)
	if len(v.Findings)+len(v.Uncovered) == 0 {
		t.Fatalf("byte %d: nothing is found", at)
	}
}

func TestVerifyFindsNothingInAGoodDirectory(t *testing.T) {
	for state, base := range flipBases(t) {
		v, err := Verify(t.Context(), diskOf(t, base.files), testDir)
		must(t, err)
		if len(v.Findings)+len(v.Uncovered) > 0 || v.Partitions != len(flipTopics) || v.Segments < 6 || v.Batches < 50 || v.Records < v.Batches {
			t.Errorf("%s: %+v", state, v)
		}
	}
}

func TestEveryFlippedByte(t *testing.T) {
	forEachFile(t, func(t *testing.T, base flipBase, name string) {
		whole := strings.TrimRight(base.files[name], "\x00") // of a journal file, what is written
		counts := map[string]int{}
		files := maps.Clone(base.files)
		for i := 0; i < len(whole); i += flipStep(name, len(whole)) {
			b := []byte(base.files[name])
			b[i] ^= 1 << (i % 8)
			files[name] = string(b)
			result, err := outcome(files, t, base.want, i%16 == 0)
			if err != nil {
				t.Fatalf("byte %d of %d: %v", i, len(whole), err)
			}
			counts[result]++
			if i%16 == 0 && reported(base, name) {
				checkReported(t, files, i)
			}
		}
		t.Log(counts)
	})
}

func TestEveryShorterFile(t *testing.T) {
	forEachFile(t, func(t *testing.T, base flipBase, name string) {
		whole := base.files[name]
		counts := map[string]int{}
		files := maps.Clone(base.files)
		for i := 0; i < len(whole); i += flipStep(name, len(whole)) {
			files[name] = whole[:i]
			result, err := outcome(files, t, base.want, i%16 == 0)
			if err != nil {
				t.Fatalf("%d of %d bytes: %v", i, len(whole), err)
			}
			counts[result]++
			if i%16 == 0 && reported(base, name) {
				checkReported(t, files, i)
			}
		}
		t.Log(counts)
	})
}
