package storage

import (
	"bytes"
	"path"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestPreallocatedSegments: with preallocate a segment takes the space of segment.bytes with its first batch and gives back what it
// has not used when it ends. A disk that has less takes batches all the same.
func TestPreallocatedSegments(t *testing.T) {
	const segmentBytes = 1 << 20
	for _, c := range []struct {
		preallocate bool
		capacity    int64
		whole       bool
	}{{false, 16 << 20, false}, {true, 16 << 20, true}, {true, segmentBytes + regainBytes, false}} {
		disk := vfs.NewMemory(nil)
		disk.SetCapacity(c.capacity)
		cfg := testConfig(disk)
		cfg.DefaultLogConfig.SegmentBytes, cfg.DefaultLogConfig.Preallocate = segmentBytes, c.preallocate
		d := openDir(t, cfg)
		usable := func() int64 {
			space, err := d.Space()
			must(t, err)
			return space.Usable
		}
		l := newLogIn(t, d)
		before, b := usable(), batchOf(1, 100, testTime.UnixMilli())
		appendTo(t, l, b)
		if took := before - usable(); (took >= segmentBytes) != c.whole {
			t.Errorf("%+v: the first batch takes %d bytes", c, took)
		}
		want := bytes.Clone(b)
		for range 3 {
			b := batchOf(1, 1000, testTime.UnixMilli())
			appendTo(t, l, b)
			want = append(want, b...)
		}
		waitConfirmed(t, l)
		must(t, d.Close())
		data, err := vfs.ReadFile(disk, path.Join(l.path, offsetName(0, logSuffix)), segmentBytes)
		if err != nil || !bytes.Equal(data, want) {
			t.Errorf("%+v: the file holds %d bytes, not the %d that were appended (%v)", c, len(data), len(want), err)
		}
		if left := before - usable(); left >= segmentBytes {
			t.Errorf("%+v: %d bytes are taken after a clean stop", c, left)
		}
	}
}
