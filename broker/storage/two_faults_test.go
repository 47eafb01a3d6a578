package storage

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestAWrongIndexAndAnotherFault flips each byte of an index where another fault takes away what would tell of it. The batches are as they
// were, so the start has to find all of them, and what their producers sent last; a read may say KAFKA_STORAGE_ERROR until the index is
// built anew.
func TestAWrongIndexAndAnotherFault(t *testing.T) {
	for state, clean := range map[string]bool{"stopped": true, "killed": false} {
		files, want := severalSegments(t, clean)
		for what, lost := range map[string][]string{
			"side-cars":               {sumsSuffix},
			"side-cars and snapshots": {sumsSuffix, snapshotSuffix},
			"side-cars and points":    {sumsSuffix, recoveryPointFile, indexPointFile, cleanShutdownFile},
			"all":                     {sumsSuffix, snapshotSuffix, recoveryPointFile, indexPointFile, cleanShutdownFile},
		} {
			t.Run(state+" without "+what, func(t *testing.T) {
				t.Parallel()
				left := maps.Clone(files)
				maps.DeleteFunc(left, func(name, _ string) bool {
					return slices.ContainsFunc(lost, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
				})
				flipIndexes(t, left, want)
			})
		}
	}
}

// severalSegments are the files of a log of several segments with the batches of two producers, the older ones without a checkpoint since.
func severalSegments(t *testing.T, clean bool) (files map[string]string, want view) {
	t.Helper()
	disk := vfs.NewMemory(nil)
	d := openDir(t, flipConfig(disk))
	l, err := d.Create(testTopic, "a", 0, d.cfg.DefaultLogConfig)
	must(t, err)
	for i := range int32(24) {
		at := testTime.UnixMilli() + int64(10*i)
		appendTo(t, l, sign(batchOf(1, 90+int(i), at), 7, 0, i, 0))
		appendTo(t, l, sign(batchOf(2, 40, at+3), 8, 0, 2*i, 0))
		if i == 12 {
			waitConfirmed(t, l)
			must(t, d.Checkpoint())
		}
	}
	waitConfirmed(t, l)
	want, err = look(l)
	must(t, err)
	if n := len(*l.segments.Load()); n < 4 {
		t.Fatalf("%d segments", n)
	}
	if clean {
		must(t, d.Close())
	}
	next := disk.Kill()
	_ = d.Close() // without its disk
	return wholeDisk(t, next), want
}

// flipIndexes tries it with every byte, and with bits that make an entry a little and far too large.
func flipIndexes(t *testing.T, files map[string]string, want view) {
	t.Helper()
	for _, name := range indexesOf(files) {
		data := files[name]
		for at := range data {
			for _, bit := range []byte{1 << (at % 8), 0x80} {
				b := []byte(data)
				b[at] ^= bit
				files[name] = string(b)
				synctest.Test(t, func(t *testing.T) {
					if err := startsWhole(t, files, want); err != nil {
						t.Errorf("%s, bit %#x of byte %d: %v", path.Base(name), bit, at, err)
					}
				})
			}
		}
		files[name] = data
	}
}

func startsWhole(t *testing.T, files map[string]string, want view) error {
	t.Helper()
	d, err := Open(flipConfig(diskOf(t, files)))
	if err != nil {
		return err
	}
	defer func() { must(t, d.Close()) }()
	l := d.Log("a", 0)
	got, err := look(l)
	for range indexesOf(files) { // each read may meet another one
		if wire.CodeOf(err) != wire.KafkaStorageError {
			break
		}
		synctest.Wait() // until it is built anew
		got, err = look(l)
	}
	if err == nil && got != want {
		err = errors.New(got.difference(want))
	}
	return err
}

// indexesOf are the names of the indexes among files.
func indexesOf(files map[string]string) (names []string) {
	for name := range files {
		if strings.HasSuffix(name, offsetSuffix) || strings.HasSuffix(name, timeSuffix) {
			names = append(names, name)
		}
	}
	return names
}
