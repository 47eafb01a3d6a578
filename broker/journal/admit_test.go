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
