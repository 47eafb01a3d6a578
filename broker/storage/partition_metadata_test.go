package storage

import (
	"encoding/base64"
	"errors"
	"path"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

func TestPartitionMetadataCountsMoves(t *testing.T) {
	const file = "version: 0\ntopic_id: AQIDBAUGBwgJCgsMDQ4PEA"
	id := TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	for i, c := range []struct {
		text    string
		moves   int64
		leaving bool
		err     error
	}{
		{file, 0, false, nil},
		{file + "\n", 0, false, nil},
		{file + "\nchronik.moves: 3", 3, false, nil},
		{file + "\nchronik.moves: 9223372036854775807\n", 1<<63 - 1, false, nil},
		{file + "\nchronik.moves: 9223372036854775808", 0, false, ErrPartitionMetadata},
		{file + "\nchronik.leaving: true", 0, true, nil},
		{file + "\nchronik.moves: 2\nchronik.leaving: true\n", 2, true, nil},
		{file + "\nchronik.leaving: 1", 0, false, ErrPartitionMetadata},
		{file + "\nchronik.moves: -1", 0, false, ErrPartitionMetadata},
		{file + "\nchronik.moves:", 0, false, ErrPartitionMetadata},
		{file + "\nchronik.moves: many", 0, false, ErrPartitionMetadata},
	} {
		disk := vfs.NewMemory(nil)
		must(t, makeDir(disk, testDir))
		must(t, vfs.ReplaceFile(disk, path.Join(testDir, metadataFile), []byte(c.text)))
		got, err := ignoreUncovered(disk).readIdentity(testDir)
		if !errors.Is(err, c.err) || err == nil && got != (identity{id, c.moves, c.leaving}) {
			t.Errorf("%d: %v, %v", i, got, err)
		}
	}
}

// TestEachMoveIsCounted, in the file that Apache Kafka reads two lines of.
func TestEachMoveIsCounted(t *testing.T) {
	disk := vfs.NewMemory(nil)
	from, to := twoDirectories(t, disk)
	l := newLogIn(t, from)
	appendTo(t, l, keyed("key", "value"))
	waitConfirmed(t, l)
	check := func(l *Log, want int64, text string) {
		t.Helper()
		b, err := vfs.ReadFile(disk, path.Join(l.path, metadataFile), 1000)
		must(t, err)
		if l.Moves() != want || string(b) != text {
			t.Errorf("%d moves, %q", l.Moves(), b)
		}
	}
	none := "version: 0\ntopic_id: " + base64.RawURLEncoding.EncodeToString(testTopic[:])
	check(l, 0, none)
	for range 2 {
		l = moveTo(t, to, l)
		must(t, from.Delete(l.id, l.partition))
		from, to = to, from
	}
	check(l, 2, none+"\nchronik.moves: 2")
	must(t, errors.Join(from.Close(), to.Close()))
	from, to = twoDirectories(t, disk)
	check(from.Log("topic", 0), 2, none+"\nchronik.moves: 2")
	must(t, errors.Join(from.Close(), to.Close()))
}
