package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"path"
	"runtime"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// sparse makes the file of a segment larger than it is on the disk, and puts the header of a batch of that size at its end.
func sparse(t *testing.T, name string, batch int64) {
	t.Helper()
	f, err := vfs.OS{}.Open(name, vfs.ReadWrite)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	b := batchOf(1, 1, testTime.UnixMilli())[:batchHeaderBytes]
	binary.BigEndian.PutUint64(b, 1)
	binary.BigEndian.PutUint32(b[8:], uint32(batch-batchOverhead))
	_, err = f.WriteAt(b, info.Size)
	must(t, err)
	must(t, f.Truncate(info.Size+batch))
	must(t, f.Close())
}

// allocated is how many bytes a call allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestABatchThatClaimsMuchCostsNoMemory: a file that takes no space can hold a header that claims hundreds of megabytes.
func TestABatchThatClaimsMuchCostsNoMemory(t *testing.T) {
	const claimed, most = 64 << 20, 16 << 20
	dir := path.Join(t.TempDir(), "data")
	cfg := testConfig(vfs.OS{})
	cfg.Dir, cfg.DefaultLogConfig.SegmentBytes = dir, 1<<30
	d := openDir(t, cfg)
	must(t, (&MetaProperties{ClusterID: "c", NodeID: 1}).Write(vfs.OS{}, dir))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 1, testTime.UnixMilli()))
	must(t, d.Close())
	sparse(t, l.active().name(logSuffix), claimed)

	survey, err := ReadSurvey(vfs.OS{}, dir)
	must(t, err)
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"import", func() {
			if _, err := survey.Partitions[0].Check(context.Background()); !errors.Is(err, ErrCorrupt) {
				t.Errorf("import: %v", err)
			}
		}},
		{"verification", func() {
			v, err := Verify(context.Background(), vfs.OS{}, dir)
			must(t, err)
			if len(v.Findings) == 0 {
				t.Error("verification finds nothing")
			}
		}},
		{"recovery", func() { // last: it cuts the file
			must(t, vfs.OS{}.Remove(path.Join(dir, cleanShutdownFile)))
			d := openDir(t, cfg)
			if end := d.Log("topic", 0).EndOffset(); end != 1 {
				t.Errorf("recovery ends at %d", end)
			}
			must(t, d.Close())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := allocated(c.do); got > most {
				t.Errorf("%d bytes are allocated", got)
			}
		})
	}
}

// TestABatchTooLargeToLoad: its checksum is verified piece by piece, and it is not taken over.
func TestABatchTooLargeToLoad(t *testing.T) {
	h := header{size: maxLoadedBatch + 1}
	f := &zeros{}
	crc, err := fileCRC(f, batchCRCFrom, h.size-batchCRCFrom)
	must(t, err)
	h.crc = crc
	b, err := intactBatch(newScanner(f, 0, math.MaxInt64), &h, 0)
	if err != nil || b != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	h.crc++
	if _, err := intactBatch(newScanner(f, 0, math.MaxInt64), &h, 0); !errors.Is(err, errBadBatch) {
		t.Errorf("a wrong checksum: %v", err)
	}
}

// zeros is a file of nothing else.
type zeros struct{ vfs.File }

func (*zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}
