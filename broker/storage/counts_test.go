package storage

import (
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

func TestWhatIsRefusedAndWhatFailsIsCounted(t *testing.T) {
	memory, cfg := smallDisk(t)
	disk := vfs.NewFaults(memory)
	cfg.FS = disk
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	counted := func(what string, want Counts) {
		t.Helper()
		if got := d.Counts(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	refused := func() {
		t.Helper()
		if _, err := l.Append(batchOf(1, 3000, 1), client()); wire.CodeOf(err) != wire.KafkaStorageError {
			t.Fatal(err)
		}
	}
	disk.Add(vfs.Fault{Op: vfs.OpOpen, Path: snapshotSuffix, Count: 1, Err: syscall.EMFILE})
	for d.Counts() == (Counts{}) { // until a segment is full
		if _, err := l.Append(batchOf(1, 3000, 1), client()); err != nil && wire.CodeOf(err) != wire.KafkaStorageError {
			t.Fatal(err)
		}
	}
	counted("a roll without a file", Counts{RefusedFiles: 1})
	if _, err := l.Append(batchOf(1, 10, 1)[:70], client()); wire.CodeOf(err) != wire.CorruptMessage {
		t.Fatal(err)
	}
	counted("a batch that is not whole", Counts{RefusedFiles: 1})

	waitConfirmed(t, l)
	disk.Add(vfs.Fault{Op: vfs.OpRead, Path: logSuffix, Count: 2, Err: syscall.EIO})
	if _, err := l.Read(0, 1000, 3, true, nil); wire.CodeOf(err) != wire.KafkaStorageError {
		t.Fatal(err)
	}
	if _, _, err := l.OffsetForTimestamp(1, 3); wire.CodeOf(err) != wire.KafkaStorageError {
		t.Fatal(err)
	}
	counted("two reads", Counts{RefusedFiles: 1, FailedReads: 2})

	fillUp(t, l)
	full := d.Counts().RefusedFull
	if full == 0 {
		t.Error("nothing is counted on a full disk")
	}
	refused()
	counted("on a full disk", Counts{RefusedFiles: 1, FailedReads: 2, RefusedFull: full + 1})
	d.fail(syscall.EIO)
	refused()
	counted("offline", Counts{RefusedFiles: 1, FailedReads: 2, RefusedFull: full + 1, RefusedOffline: 1})
	_ = d.Close()
}
