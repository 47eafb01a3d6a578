package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/chronik-stream/chronik/broker/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testFileBytes = 16 * blockBytes

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newDisk(t testing.TB) *vfs.Memory {
	t.Helper()
	m := vfs.NewMemory(nil)
	must(t, m.Mkdir("/j"))
	must(t, vfs.SyncDir(m, "/"))
	return m
}

// replayed collects what a reader hands out.
func replayed(fsys vfs.FS) ([]string, Tail, error) {
	r, err := Read(fsys, "/j")
	if err != nil {
		return nil, Tail{}, err
	}
	var got []string
	err = r.Each(func(f *Frame) error {
		got = append(got, describe(f))
		return nil
	})
	return got, r.Tail(), err
}

func describe(f *Frame) string {
	return fmt.Sprintf("%d %x %d %d %d %d %s", f.Type, f.TopicID[0], f.Partition, f.LeaderEpoch, f.BaseOffset, f.PreviousEnd, f.Payload)
}

// open replays and starts.
func open(t testing.TB, fsys vfs.FS, policy FlushPolicy) (*Journal, []string) {
	t.Helper()
	got, tail, err := replayed(fsys)
	must(t, err)
	j, err := Start(Config{FS: fsys, Dir: "/j", FileBytes: testFileBytes, Policy: policy}, tail)
	must(t, err)
	return j, got
}

func frame(i int) *Frame {
	return &Frame{Type: Append, TopicID: [16]byte{7}, Partition: int32(i % 5), LeaderEpoch: 3, BaseOffset: int64(i), PreviousEnd: int64(i), Payload: fmt.Appendf(nil, "payload %d", i)}
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("frame %d is %q, want %q", i, got[i], want[i])
		}
	}
}

func TestConfirmedFramesAreReplayed(t *testing.T) {
	for _, policy := range []FlushPolicy{FlushAcks, FlushInterval, FlushOS} {
		t.Run(policy.String(), func(t *testing.T) {
			disk := newDisk(t)
			j, got := open(t, disk, policy)
			equal(t, got, nil)
			var want []string
			var mu sync.Mutex
			var tokens []int64
			for i := range 1000 {
				f := frame(i)
				_, err := j.Append(f, func(token int64, err error) {
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						tokens = append(tokens, token)
					}
				}, int64(i))
				must(t, err)
				want = append(want, describe(f))
			}
			must(t, j.Close())
			for i, token := range tokens {
				if token != int64(i) {
					t.Fatalf("confirmation %d is of frame %d", i, token)
				}
			}
			if len(tokens) != 1000 {
				t.Fatalf("%d confirmations", len(tokens))
			}
			got, tail, err := replayed(disk)
			must(t, err)
			equal(t, got, want)
			again, _, err := replayed(disk.Crash(1))
			must(t, err)
			equal(t, again, want)
			if tail.LSN != 1000 {
				t.Fatalf("tail %+v", tail)
			}
		})
	}
}

func TestAppendWaitSyncsUnderEveryPolicy(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushOS)
	var want []string
	for i := range 300 {
		f := frame(i)
		_, err := j.Append(f, nil, 0)
		must(t, err)
		want = append(want, describe(f))
	}
	last := frame(300)
	must(t, j.AppendWait(last))
	for j.prepared() == nil { // the power goes while nothing is being made
		runtime.Gosched()
	}
	got, _, err := replayed(disk.Crash(3))
	must(t, err)
	equal(t, got, append(want, describe(last)))
	must(t, j.Close())
}

// TestCrash cuts the power at many points of many lives of one journal, with checkpoints between.
func TestCrash(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		disk := newDisk(t)
		h := &history{}
		for life := range 4 {
			got, tail, err := replayed(disk)
			if err == nil {
				err = h.check(got)
			}
			if err != nil {
				t.Fatalf("seed %d, life %d: %v", seed, life, err)
			}
			disk.CutPowerAfter(r.IntN(80))
			j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: testFileBytes}, tail)
			if err == nil {
				h.live(j, r)
			}
			disk = disk.Crash(r.Uint64())
		}
	}
}

// history is what one journal was given.
type history struct {
	mu     sync.Mutex
	frames []string
	// Counts of frames: those before base are durable in the logs since the start of this life; a checkpoint may have said so
	// up to checkpointed; all before confirmed are confirmed.
	base, checkpointed, confirmed int
}

// check looks where in the history the replayed frames stand, and makes them the durable end of it. What was replayed before
// may be replayed again until a start has succeeded.
func (h *history) check(got []string) error {
	for start := h.base; start <= h.checkpointed; start++ {
		end := start + len(got)
		if end < h.confirmed || end > len(h.frames) || !slices.Equal(got, h.frames[start:end]) {
			continue
		}
		h.frames = h.frames[:end]
		h.checkpointed, h.confirmed = end, end
		return nil
	}
	return fmt.Errorf("%d frames do not fit: durable %d, checkpoint %d, confirmed %d of %d", len(got), h.base, h.checkpointed, h.confirmed, len(h.frames))
}

// live appends until the power goes.
func (h *history) live(j *Journal, r *rand.Rand) {
	h.base = len(h.frames)
	lsns := []uint64{}
	for range 400 {
		f := frame(len(h.frames))
		f.Payload = bytes.Repeat([]byte{byte('a' + len(h.frames)%26)}, r.IntN(6000))
		h.frames = append(h.frames, describe(f))
		lsn, err := j.Append(f, h.confirm, int64(len(h.frames)))
		if err != nil {
			break
		}
		lsns = append(lsns, lsn)
		if r.IntN(20) > 0 {
			continue
		}
		h.mu.Lock()
		upTo := h.confirmed
		h.mu.Unlock()
		if upTo > h.base {
			h.checkpointed = upTo
			_ = j.Checkpoint(lsns[upTo-h.base-1]) // fails when the power is gone, as the next append does
		}
	}
	_ = j.Close() // fails when the power is gone
}

func (h *history) confirm(token int64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.confirmed = int(token)
	}
}

func TestFilesAreUsedAgain(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	for i := range 200 {
		f := frame(i)
		f.Payload = make([]byte, 8000)
		must(t, j.AppendWait(f))
		must(t, j.Checkpoint(j.LSN()))
	}
	entries, err := disk.List("/j")
	must(t, err)
	if len(entries) > minSpareFiles+3 {
		t.Fatalf("%d journal files", len(entries))
	}
	must(t, j.Close())
	got, _, err := replayed(disk)
	must(t, err)
	equal(t, got, nil)
}

func TestCheckpointDue(t *testing.T) {
	j, _ := open(t, newDisk(t), FlushAcks)
	f := frame(0)
	f.Payload = make([]byte, testFileBytes/2)
	for range 4 {
		must(t, j.AppendWait(f))
	}
	<-j.CheckpointDue()
	must(t, j.Close())
	if _, err := j.Append(f, nil, 0); !errors.Is(err, ErrClosed) {
		t.Fatalf("append to a closed journal: %v", err)
	}
}

func TestFrameTooLarge(t *testing.T) {
	j, _ := open(t, newDisk(t), FlushAcks)
	f := frame(0)
	f.Payload = make([]byte, j.MaxPayload()+1)
	if _, err := j.Append(f, nil, 0); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a frame larger than a file: %v", err)
	}
	f.Payload = f.Payload[:j.MaxPayload()]
	must(t, j.AppendWait(f))
	must(t, j.Close())
}

func TestFailureIsForGood(t *testing.T) {
	for name, fault := range map[string]vfs.Fault{
		"write":   {Op: vfs.OpWrite, Path: filePrefix, Count: 1, Err: syscall.EIO},
		"sync":    {Op: vfs.OpSync, Path: filePrefix, Count: 1, Err: syscall.EIO},
		"nospace": {Op: vfs.OpWrite, Path: filePrefix + "00000001", Count: 1, Err: syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewFaults(newDisk(t))
			j, _ := open(t, disk, FlushAcks)
			for j.prepared() == nil {
				runtime.Gosched()
			}
			disk.Add(fault)
			if err := j.AppendWait(frame(1)); !errors.Is(err, fault.Err) {
				t.Fatalf("append: %v", err)
			}
			<-j.Failed()
			if err := j.AppendWait(frame(2)); !errors.Is(err, fault.Err) {
				t.Fatalf("append after the failure: %v", err)
			}
			if err := j.Close(); !errors.Is(err, fault.Err) {
				t.Fatalf("Close: %v", err)
			}
		})
	}
}

func (j *Journal) prepared() *file {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

// TestEveryByte damages one byte after the other: no frame is read wrong, and none of the durable ones is silently missing,
// except those of the last commit, which nothing behind it vouches for.
func TestEveryByte(t *testing.T) {
	disk := newDisk(t)
	j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: 8 * blockBytes}, Tail{})
	must(t, err)
	var want []string
	for i := range 4 {
		f := frame(i)
		must(t, j.AppendWait(f))
		want = append(want, describe(f))
	}
	for j.prepared() == nil {
		runtime.Gosched()
	}
	must(t, j.Close())
	name := fileName("/j", 1)
	data, err := vfs.ReadFile(disk, name, 1<<20)
	must(t, err)
	f, err := disk.Open(name, vfs.ReadWrite)
	must(t, err)
	for i := range data {
		_, err := f.WriteAt([]byte{data[i] ^ 0x40}, int64(i))
		must(t, err)
		got, _, err := replayed(disk)
		switch {
		case errors.Is(err, ErrCorrupt), errors.Is(err, ErrNewer):
		case err != nil:
			t.Fatalf("byte %d: %v", i, err)
		case len(got) < len(want)-1:
			t.Fatalf("byte %d: %d of %d frames", i, len(got), len(want))
		default:
			equal(t, got, want[:len(got)])
		}
		_, err = f.WriteAt(data[i:i+1], int64(i))
		must(t, err)
	}
	for size := int64(0); size < int64(len(data)); size += 512 {
		must(t, f.Truncate(size))
		if got, _, err := replayed(disk); err == nil && (size >= firstFrame || len(got) != 0) {
			t.Fatalf("cut to %d bytes: %d frames and no error", size, len(got))
		}
		must(t, f.Truncate(int64(len(data))))
		_, err = f.WriteAt(data, 0)
		must(t, err)
	}
}

func TestForgedFrameIsNoFrame(t *testing.T) {
	disk := newDisk(t)
	j, _ := open(t, disk, FlushAcks)
	forged := appendFrame(nil, &Frame{Type: Append, LSN: 99, Payload: []byte("forged")})
	seal(forged, &fileHeader{generation: 1}, 98)
	payload := make([]byte, blockBytes-frameHeaderBytes, 3*blockBytes)
	f := frame(0)
	f.Payload = append(payload, forged...)
	must(t, j.AppendWait(f))
	last := frame(1)
	must(t, j.AppendWait(last))
	must(t, j.Close())
	// Damage the last frame, so that the reader looks for others from block to block.
	file, err := disk.Open(fileName("/j", 1), vfs.ReadWrite)
	must(t, err)
	_, err = file.WriteAt([]byte{0xff}, firstFrame+2*blockBytes+85)
	must(t, err)
	got, _, err := replayed(disk)
	must(t, err)
	equal(t, got, []string{describe(f)})
}

func TestNewerVersionIsRefused(t *testing.T) {
	h := fileHeader{generation: 1, size: testFileBytes}
	b := h.encode()
	b[4] = 2
	binary.BigEndian.PutUint32(b[12:], checksum(0, b[:fileHeaderBytes]))
	if _, _, err := parseHeader(b); !errors.Is(err, ErrNewer) {
		t.Fatalf("a newer file header: %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			dir := b.TempDir()
			j, err := Start(Config{FS: vfs.OS{}, Dir: dir}, Tail{})
			must(b, err)
			f := frame(0)
			f.Payload = make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if _, err := j.Append(f, nil, 0); err != nil {
					b.Fatal(err)
				}
				if n++; n%1000 == 0 {
					must(b, j.Checkpoint(j.synced.Load()))
				}
			}
			must(b, j.Close())
		})
	}
}
