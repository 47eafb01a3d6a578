package storage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// wrongTxns are ways in which a .txnindex of some entries may be wrong and still look like one.
var wrongTxns = map[string]func(b []byte) []byte{
	"no file":                 func([]byte) []byte { return nil },
	"without the last entry":  func(b []byte) []byte { return b[:len(b)-txnEntryBytes] },
	"without the first entry": func(b []byte) []byte { return b[txnEntryBytes:] },
	"another producer":        func(b []byte) []byte { b[9] ^= 2; return b },
	"an earlier begin":        func(b []byte) []byte { return addTo(b, len(b)-txnEntryBytes+10, -9) },
	"a later begin":           func(b []byte) []byte { return addTo(b, len(b)-txnEntryBytes+10, 1) },
	"a larger stable offset":  func(b []byte) []byte { return addTo(b, len(b)-txnEntryBytes+26, 1) },
}

func addTo(b []byte, at, n int) []byte {
	binary.BigEndian.PutUint64(b[at:], uint64(i64(b[at:])+int64(n))) //nolint:gosec // small
	return b
}

// changeFile writes what change makes of a file; nil removes it.
func changeFile(t *testing.T, fsys vfs.FS, name string, change func(b []byte) []byte) {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name, 1<<20)
	must(t, err)
	if b = change(b); b == nil {
		must(t, fsys.Remove(name))
		return
	}
	must(t, vfs.ReplaceFile(fsys, name, b))
}

// TestAWrongTransactionIndexWithoutASideCarIsFound by chronik log verify, and by the scrubber, which builds it anew before it makes a
// side-car.
func TestAWrongTransactionIndexWithoutASideCarIsFound(t *testing.T) {
	for name, change := range wrongTxns {
		t.Run(name, func(t *testing.T) {
			for at := range 4 {
				disk, segments, want := abortedLog(t, true)
				changeFile(t, disk, segments[at].txns.name, change)
				v, err := Verify(t.Context(), disk, testDir)
				must(t, err)
				if len(v.Findings) != 1 || v.Findings[0].File != segments[at].txns.name || v.Findings[0].Do != doBuildTxns {
					t.Errorf("segment %d: %+v", at, v.Findings)
				}
				d := openDir(t, testConfig(disk))
				l := d.Log("topic", 0)
				s := newScrubber(t, d)
				must(t, s.Scrub(t.Context()))
				until(t, "it is built anew", func() bool { return d.scrub.rebuilt.Load() == 1 })
				if got := abortedIn(t, l, 0, l.EndOffset()); !slices.Equal(got, want) {
					t.Errorf("segment %d: %d of %d transactions are aborted: %v", at, len(got), len(want), got)
				}
				must(t, s.Scrub(t.Context()))
				if made := d.scrub.made.Load(); made != int64(len(segments)-1) || d.scrub.damaged.Load() != 1 {
					t.Errorf("segment %d: %d side-cars, %d damaged", at, made, d.scrub.damaged.Load())
				}
				must(t, d.Close())
			}
		})
	}
}

// TestATransactionIndexThatIsNeedlessGoes: the entries of a segment without an abort are of nothing.
func TestATransactionIndexThatIsNeedlessGoes(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d, l := sealedLog(t, disk)
	first := (*l.segments.Load())[0]
	must(t, d.Close())
	removeSideCars(t, disk, testDir)
	entry := abortedTxn{producerID: 7, first: 1, last: 3, stable: 4}
	must(t, vfs.ReplaceFile(disk, first.txns.name, entry.encode()))
	d = openDir(t, testConfig(disk))
	must(t, newScrubber(t, d).Scrub(t.Context()))
	until(t, "it is gone", func() bool { return d.scrub.rebuilt.Load() == 1 })
	if _, err := vfs.Stat(disk, first.txns.name); !isNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
	l = d.Log("topic", 0)
	if got := abortedIn(t, l, 0, l.EndOffset()); len(got) > 0 {
		t.Errorf("%v are aborted", got)
	}
	must(t, d.Close())
}

// TestATimeIndexWithoutItsLastEntryIsFound: lookups and retention would take the segment for older than it is.
func TestATimeIndexWithoutItsLastEntryIsFound(t *testing.T) {
	for _, keep := range []int{0, 1, -1} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			disk := vfs.NewMemory(nil)
			want, segments := indexedLog(t, disk)
			removeSideCars(t, disk, testDir)
			changeFile(t, disk, segments[1].times.name, func(b []byte) []byte {
				if keep < 0 {
					return b[:len(b)-timeEntryBytes]
				}
				return append([]byte{}, b[:keep*timeEntryBytes]...)
			})
			v, err := Verify(t.Context(), disk, testDir)
			must(t, err)
			if len(v.Findings) != 1 || v.Findings[0].File != segments[1].times.name || !strings.Contains(v.Findings[0].What, "largest timestamp") {
				t.Errorf("%+v", v.Findings)
			}
			d := openDir(t, testConfig(disk))
			must(t, newScrubber(t, d).Scrub(t.Context()))
			until(t, "it is built anew", func() bool { return d.scrub.rebuilt.Load() == 1 })
			mended(t, d, d.Log("topic", 0), want)
			must(t, d.Close())
		})
	}
}
