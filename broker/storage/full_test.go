package storage

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// until waits for a condition that another goroutine brings about.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("not within its time: %s", what)
		}
	}
}

// smallDisk is a directory on a disk of few MiB, with a reserve.
func smallDisk(t *testing.T) (*vfs.Memory, Config) {
	t.Helper()
	disk := vfs.NewMemory(nil)
	disk.SetCapacity(4 << 20)
	cfg := testConfig(disk)
	cfg.ReserveBytes = 512 << 10
	return disk, cfg
}

// fillUp appends until the disk is full, and returns what was taken.
func fillUp(t *testing.T, l *Log) (taken []byte) {
	t.Helper()
	for i := range 100_000 {
		b := batchOf(1, 3000, int64(i))
		_, err := l.Append(b, client())
		if err == nil {
			taken = append(taken, b...)
			continue
		}
		if wire.CodeOf(err) != wire.KafkaStorageError {
			t.Fatalf("batch %d: %v", i, err)
		}
		return taken
	}
	t.Fatal("the disk does not fill up")
	return nil
}

func TestAFullDiskTakesNothingAndLosesNothing(t *testing.T) {
	disk, cfg := smallDisk(t)
	d := openDir(t, cfg)
	l := newLogIn(t, d)
	taken := fillUp(t, l)
	must(t, d.Err())
	waitConfirmed(t, l)
	if d.Full() == nil {
		t.Error("the directory does not say that its disk is full")
	}
	if !bytes.Equal(readAll(t, l), taken) {
		t.Error("the log does not hold what was taken")
	}
	must(t, d.Checkpoint())
	own := AppendInfo{LeaderEpoch: 1, Origin: Coordinator}
	b := batchOf(1, 100, 1)
	until(t, "the broker's own records are taken", func() bool {
		_, err := l.Append(b, own)
		return err == nil
	})
	taken = append(taken, b...)
	waitConfirmed(t, l)

	disk = disk.Kill()
	_ = d.Close() // the process is gone
	cfg.FS = disk
	d = openDir(t, cfg)
	l = d.Log("topic", 0)
	if d.Full() == nil {
		t.Error("a start on a full disk does not say so")
	}
	if !bytes.Equal(readAll(t, l), taken) {
		t.Error("a start on a full disk loses records")
	}
	must(t, d.Close())
	d = openDir(t, cfg)
	l = d.Log("topic", 0)
	if !bytes.Equal(readAll(t, l), taken) {
		t.Error("a clean stop on a full disk loses records")
	}

	disk.SetCapacity(6 << 20)
	until(t, "records are taken again", func() bool { return d.Full() == nil })
	b = batchOf(1, 100, 1)
	appendTo(t, l, b)
	waitConfirmed(t, l)
	if !bytes.Equal(readAll(t, l), append(taken, b...)) {
		t.Error("the log does not go on where it was")
	}
	must(t, d.Close())
}

// TestNoSpaceAnywhere has each call that may need space fail once for the lack of it, while logs are made, written to, rolled and
// checkpointed. What was refused is tried again; nothing is lost, and the directory stays online.
func TestNoSpaceAnywhere(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]vfs.Op{
		"open": vfs.OpOpen, "write": vfs.OpWrite, "allocate": vfs.OpAllocate, "rename": vfs.OpRename, "mkdir": vfs.OpMkdir,
	} {
		for _, file := range []string{"topic-0", "-checkpoint"} {
			for skip := range 40 {
				fault := vfs.Fault{Op: op, Path: file, Skip: skip, Count: 2, Err: syscall.ENOSPC}
				t.Run(fmt.Sprintf("%s %s %d", name, file, skip), func(t *testing.T) { noSpaceAt(t, fault, uint64(skip)) })
			}
		}
	}
}

func noSpaceAt(t *testing.T, fault vfs.Fault, seed uint64) {
	t.Helper()
	memory := vfs.NewMemory(nil)
	disk := vfs.NewFaults(memory)
	d := openDir(t, testConfig(disk))
	disk.Add(fault)
	again := func(what string, do func() error) {
		t.Helper()
		until(t, what, func() bool {
			err := do()
			if err != nil && !errors.Is(err, fault.Err) {
				t.Fatalf("%s: %v", what, err)
			}
			return err == nil
		})
	}
	var l *Log
	again("create", func() (err error) {
		l, err = d.Create(testTopic, "topic", 0, d.cfg.DefaultLogConfig)
		return err
	})
	var want []byte
	for i := range 24 {
		b := batchOf(1, 100+i*150, int64(i))
		again("append", func() error {
			_, err := l.Append(b, client())
			return err
		})
		want = append(want, b...)
		if i%8 == 7 {
			again("checkpoint", d.Checkpoint)
		}
	}
	waitConfirmed(t, l)
	must(t, d.Err())
	disk.Clear()
	if !bytes.Equal(readAll(t, l), want) {
		t.Error("the log does not hold what was taken")
	}
	memory = memory.Crash(seed)
	_ = d.Close() // without power
	d = openDir(t, testConfig(memory))
	if l = d.Log("topic", 0); !bytes.Equal(readAll(t, l), want) {
		t.Error("a crash loses what was acknowledged")
	}
	must(t, d.Close())
}

func TestASyncThatFailsForSpaceIsNotTriedAgain(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	appendTo(t, l, batchOf(1, 1, 1))
	waitConfirmed(t, l)
	disk.Add(vfs.Fault{Op: vfs.OpSync, Path: logSuffix, Count: 1, Err: syscall.ENOSPC})
	if err := d.Checkpoint(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if !errors.Is(d.Err(), syscall.ENOSPC) {
		t.Error("the directory is online, and the kernel may have dropped what it could not write")
	}
	_ = d.Close()
}

func TestAReadThatFailsIsTold(t *testing.T) {
	disk := vfs.NewFaults(vfs.NewMemory(nil))
	d := openDir(t, testConfig(disk))
	l := newLogIn(t, d)
	b := batchOf(3, 10, 1)
	appendTo(t, l, b)
	waitConfirmed(t, l)
	disk.Add(vfs.Fault{Op: vfs.OpRead, Path: logSuffix, Count: 1, Err: syscall.EIO})
	if data, err := l.Read(0, 1000, 3, true, nil); wire.CodeOf(err) != wire.KafkaStorageError || !errors.Is(err, syscall.EIO) || len(data) != 0 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	must(t, d.Err())
	if !bytes.Equal(readAll(t, l), b) {
		t.Error("the next read does not go on")
	}
	must(t, d.Close())
}
