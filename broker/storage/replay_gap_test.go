package storage

import (
	"bytes"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestReplayATruncationToAGap: the log was cut where a segment began behind a gap, as replicas of compacted logs have them. A replay
// that begins its segments elsewhere ends the log at the same offset.
func TestReplayATruncationToAGap(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, l *Log){
		"a segment before the gap": func(*testing.T, *Log) {},
		"the gap at the start": func(t *testing.T, l *Log) {
			must(t, l.DeleteRecordsBefore(16))
			_, err := l.Retain(testTime, l.EndOffset())
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMemory(nil)
			d := openDir(t, testConfig(disk))
			l := newLogIn(t, d)
			for range 15 {
				appendTo(t, l, batchOf(1, 10, testTime.UnixMilli()))
			}
			cfg := l.Config()
			cfg.SegmentBytes = 200 // the next batch begins a segment, and in a replay it does not
			l.SetConfig(cfg)
			appendAt(t, l, 16, "cut")
			before(t, l)
			must(t, l.Truncate(16))
			appendAt(t, l, 16, "kept")
			want, start := readAll(t, l), l.StartOffset()
			waitConfirmed(t, l)
			next := disk.Kill()
			_ = d.Close() // without its disk
			files := wholeDisk(t, next)
			maps.DeleteFunc(files, func(name, _ string) bool { // the power was lost, and the journal alone was durable
				return strings.HasPrefix(path.Base(name), "00")
			})
			next = diskOf(t, files)
			for range 2 {
				d = openDir(t, testConfig(next))
				l = d.Log("topic", 0)
				if l.StartOffset() != start || l.EndOffset() != 17 || !bytes.Equal(readAll(t, l), want) {
					t.Errorf("the log is %d to %d, it was %d to 17", l.StartOffset(), l.EndOffset(), start)
				}
				must(t, checkFiles(next, l))
				must(t, d.Close())
			}
		})
	}
}

// appendAt appends a batch of one record as from a leader.
func appendAt(t *testing.T, l *Log, offset int64, value string) {
	t.Helper()
	b := keyed("key", value)
	patch(b, offset, 1)
	_, err := l.Append(b, AppendInfo{Origin: Replication})
	must(t, err)
}
