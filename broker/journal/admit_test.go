package journal

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestAdmissionOnAFullDisk fills the one file that there is: what was admitted is written, the rest is refused, and a
// checkpoint changes nothing until there is a second file.
func TestAdmissionOnAFullDisk(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	if err := disk.Mkdir("/j"); err != nil {
		t.Fatal(err)
	}
	disk.Add(vfs.Fault{Op: vfs.OpWrite, Path: "00000002", Err: syscall.ENOSPC})
	j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: 1 << 20}, Tail{})
	if err != nil {
		t.Fatal(err)
	}
	payload := bytes.Repeat([]byte{7}, 60<<10)
	outcomes := make(chan error, 100)
	taken := 0
	for ; taken < 100; taken++ {
		if err = j.Admit(int64(len(payload))); err != nil {
			break
		}
		if _, err := j.Append(&Frame{Type: Append, Admitted: true, Payload: payload}, func(_ int64, err error) { outcomes <- err }, 0); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(err, ErrNoSpace) || taken < 10 || taken > 16 {
		t.Fatalf("%d frames were taken: %v", taken, err)
	}
	for range taken {
		if err := <-outcomes; err != nil {
			t.Fatalf("a frame that was admitted: %v", err)
		}
	}
	if err := j.Checkpoint(j.LSN()); err != nil {
		t.Fatal(err)
	}
	if err := j.Admit(int64(len(payload))); !errors.Is(err, ErrNoSpace) {
		t.Errorf("with one file: %v", err)
	}
	if err := j.Admit(j.MaxPayload() + 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a frame that never fits: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// TestHeldFramesAreAdmittedToo fills the one file that there is with frames that wait for their source: when that is synced all of
// them find room, and so does a frame that was not admitted.
func TestHeldFramesAreAdmittedToo(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	must(t, disk.Mkdir("/j"))
	disk.Add(vfs.Fault{Op: vfs.OpWrite, Path: "00000002", Err: syscall.ENOSPC})
	j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: 1 << 20}, Tail{})
	must(t, err)
	slow := &source{wait: make(chan struct{})}
	var order Order
	const most = 1 << 20 / frameHeaderBytes
	outcomes := make(chan error, most)
	taken := 0
	for ; taken < most; taken++ {
		if err = j.Admit(1); err != nil {
			break
		}
		f := Frame{Type: Reference, Admitted: true, Payload: []byte{7}, Sources: []Source{slow}, Order: &order}
		_, err := j.Append(&f, func(_ int64, err error) { outcomes <- err }, 0)
		must(t, err)
	}
	if !errors.Is(err, ErrNoSpace) || taken < most/2 {
		t.Fatalf("%d frames were taken: %v", taken, err)
	}
	close(slow.wait)
	for range taken {
		if err := <-outcomes; err != nil {
			t.Fatalf("a frame that was admitted: %v", err)
		}
	}
	must(t, j.AppendWait(frame(1)))
	must(t, j.Close())
}

// TestALargeFrameIsAdmittedBehindHeldOnes: it is larger than what leaves the headroom, and has to wait for all others.
func TestALargeFrameIsAdmittedBehindHeldOnes(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	slow := &source{wait: make(chan struct{})}
	f := frame(1)
	f.Sources, f.Order = []Source{slow}, &Order{}
	must(t, j.Admit(int64(len(f.Payload))))
	f.Admitted = true
	_, err := j.Append(f, nil, 0)
	must(t, err)
	admitted := make(chan error, 1)
	go func() { admitted <- j.Admit(j.MaxPayload()) }()
	close(slow.wait)
	must(t, <-admitted)
	large := frame(2)
	large.Admitted, large.Payload = true, make([]byte, j.MaxPayload())
	must(t, j.AppendWait(large))
	must(t, j.Close())
}
