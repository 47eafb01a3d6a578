package journal

import (
	"errors"
	"maps"
	"path"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// flipJournal is a journal of some files as a kill leaves it, and the frames in it. The last frame stands in a commit of its own:
// that everything before it was durable is known by it.
func flipJournal(t *testing.T) (files map[string][]byte, want []string) {
	t.Helper()
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	for i := range 20 {
		f := frame(i)
		must(t, j.AppendWait(f))
		if i == 5 {
			must(t, j.Checkpoint(f.LSN))
		} else if i > 5 {
			want = append(want, describe(f))
		}
	}
	next := disk.Kill()
	_ = j.Close() // without its disk
	return filesOf(t, next), want
}

// filesOf reads the journal files of a disk.
func filesOf(t *testing.T, fsys vfs.FS) map[string][]byte {
	t.Helper()
	entries, err := fsys.List("/j")
	must(t, err)
	files := map[string][]byte{}
	for _, e := range entries {
		if !IsFile(e.Name) {
			continue
		}
		files[e.Name], err = vfs.ReadFile(fsys, path.Join("/j", e.Name), maxFileBytes)
		must(t, err)
	}
	return files
}

// diskOf is a disk with such journal files, all of them durable.
func diskOf(t *testing.T, files map[string][]byte) *vfs.Memory {
	t.Helper()
	disk := newDisk(t)
	for name, data := range files {
		f, err := disk.Open(path.Join("/j", name), vfs.Create)
		must(t, err)
		if len(data) > 0 {
			_, err = f.WriteAt(data, 0)
			must(t, err)
		}
		must(t, errors.Join(f.Sync(), f.Close()))
	}
	must(t, vfs.SyncDir(disk, "/j"))
	return disk
}

// readFiles reads a journal of such files.
func readFiles(t *testing.T, files map[string][]byte) ([]string, error) {
	t.Helper()
	got, _, err := replayed(diskOf(t, files))
	return got, err
}

// checkDamaged fails unless damage is told of, or all frames are there. Of the last frame nothing says that it was durable: it may be missing,
// as after a power loss.
func checkDamaged(t *testing.T, got []string, err error, want []string, where string, at int) {
	t.Helper()
	if errors.Is(err, ErrCorrupt) {
		return
	}
	must(t, err)
	if !slices.Equal(got, want) && !slices.Equal(got, want[:len(want)-1]) {
		t.Fatalf("%s, byte %d: %d frames of %d, and no error", where, at, len(got), len(want))
	}
}

func TestEveryFlippedByte(t *testing.T) {
	files, want := flipJournal(t)
	got, err := readFiles(t, files)
	must(t, err)
	equal(t, got, want)
	for name, whole := range files {
		changed := maps.Clone(files)
		for i := range whole {
			if (testing.Short() || raceDetector) && i%7 > 0 {
				continue
			}
			for bit := range 8 {
				if bit != i%8 && i%blockBytes >= frameHeaderBytes {
					continue // all bits of headers, one of others
				}
				b := slices.Clone(whole)
				b[i] ^= 1 << bit
				changed[name] = b
				got, err := readFiles(t, changed)
				checkDamaged(t, got, err, want, name, i)
			}
		}
	}
}

func TestEveryShorterFile(t *testing.T) {
	files, want := flipJournal(t)
	for name, whole := range files {
		changed := maps.Clone(files)
		for i := 0; i < len(whole); i++ {
			if (testing.Short() || raceDetector) && i%31 > 0 {
				continue
			}
			changed[name] = whole[:i]
			if _, err := readFiles(t, changed); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s with %d of %d bytes, %d frames: %v", name, i, len(whole), len(want), err)
			}
		}
	}
}
