package journal

import (
	"bytes"
	"errors"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// tornFileBytes is a file with eight blocks for frames.
const tornFileBytes = 10 * blockBytes

// block is a block of a journal file.
type block struct {
	file string
	at   int
}

// placed is a frame of a commit that was not synced, and the blocks that it lies in.
type placed struct {
	what   string
	blocks []block
}

// writtenBlocks are the blocks that differ, in the order of the file; they are of one file.
func writtenBlocks(t *testing.T, before, after map[string][]byte) (written []block) {
	t.Helper()
	for name, data := range after {
		if len(before[name]) != len(data) {
			t.Fatalf("the file %s was made meanwhile", name)
		}
		for at := 0; at < len(data); at += blockBytes {
			if !bytes.Equal(data[at:at+blockBytes], before[name][at:at+blockBytes]) {
				written = append(written, block{name, at})
			}
		}
	}
	slices.SortFunc(written, func(a, b block) int { return a.at - b.at })
	if len(written) == 0 || slices.ContainsFunc(written, func(b block) bool { return b.file != written[0].file }) {
		t.Fatalf("not a commit to one file: %v", written)
	}
	return written
}

// place says which blocks the frames of commits lie in, which were written from a position of a file on.
func place(from block, commits [][]*Frame) (frames []placed) {
	at := from.at
	for _, commit := range commits {
		for _, f := range commit {
			p := placed{what: describe(f)}
			end := at + frameHeaderBytes + len(f.Payload)
			for b := at / blockBytes; b*blockBytes < end; b++ {
				p.blocks = append(p.blocks, block{from.file, b * blockBytes})
			}
			frames, at = append(frames, p), end
		}
		at = (at + blockBytes - 1) / blockBytes * blockBytes
	}
	return frames
}

// forEachSubset calls visit with the files as a power loss leaves them that has kept some of the blocks, for every choice of them.
func forEachSubset(before, after map[string][]byte, blocks []block, visit func(files map[string][]byte, kept []block)) {
	for choice := range 1 << len(blocks) {
		files := maps.Clone(before)
		var kept []block
		for i, b := range blocks {
			if choice>>i&1 == 0 {
				continue
			}
			if len(kept) == 0 {
				files[b.file] = slices.Clone(files[b.file])
			}
			kept = append(kept, b)
			copy(files[b.file][b.at:b.at+blockBytes], after[b.file][b.at:])
		}
		visit(files, kept)
	}
}

// wholePrefix are the frames before the first one that misses a block.
func wholePrefix(frames []placed, kept []block) (what []string) {
	for _, f := range frames {
		if slices.ContainsFunc(f.blocks, func(b block) bool { return !slices.Contains(kept, b) }) {
			break
		}
		what = append(what, f.what)
	}
	return what
}

// tornJournal starts a journal whose first file, where used, was full of frames in its earlier generation.
func tornJournal(t *testing.T, policy FlushPolicy, used bool) (*vfs.Memory, *Journal) {
	t.Helper()
	disk := newDisk(t)
	start := func() *Journal {
		_, tail, err := replayed(disk)
		must(t, err)
		j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: tornFileBytes, Policy: policy}, tail)
		must(t, err)
		for j.prepared() == nil {
			runtime.Gosched()
		}
		return j
	}
	if used {
		j := start()
		for i := range tornFileBytes/blockBytes - 2 {
			must(t, j.AppendWait(frame(i)))
		}
		must(t, j.Close())
	}
	return disk, start()
}

// oneCommit appends frames that go to the disk together.
func oneCommit(t *testing.T, j *Journal, frames []*Frame) {
	t.Helper()
	var order Order
	wait := &source{wait: make(chan struct{})}
	frames[0].Sources = []Source{wait}
	told := make(chan error, len(frames))
	for _, f := range frames {
		f.Order = &order
		_, err := j.Append(f, func(_ int64, err error) { told <- err }, 0)
		must(t, err)
	}
	close(wait.wait)
	for range frames {
		must(t, <-told)
	}
}

func framesOf(first int, sizes ...int) (frames []*Frame) {
	for i, size := range sizes {
		f := frame(first + i)
		f.Payload = bytes.Repeat([]byte{byte('a' + i)}, size)
		frames = append(frames, f)
	}
	return frames
}

// TestTornCommits: of what was not synced a power loss keeps any blocks. Whichever these are, and whatever stands in the others, a
// replay takes what was durable and the frames up to the first one that is not whole. What it has discarded does not come back.
func TestTornCommits(t *testing.T) {
	for name, c := range map[string]struct {
		policy  FlushPolicy
		used    bool
		commits [][]*Frame
	}{
		"one commit":                       {FlushAcks, false, [][]*Frame{framesOf(100, 100, 5000, 3000, 9000)}},
		"one commit in a used file":        {FlushAcks, true, [][]*Frame{framesOf(100, 100, 5000, 3000, 9000)}},
		"several commits":                  {FlushOS, false, [][]*Frame{framesOf(100, 100), framesOf(101, 200, 6000), framesOf(103, 4016), framesOf(104, 10)}},
		"several commits in a used file":   {FlushOS, true, [][]*Frame{framesOf(100, 100), framesOf(101, 200, 6000), framesOf(103, 4016), framesOf(104, 10)}},
		"a frame that ends with its block": {FlushAcks, true, [][]*Frame{framesOf(100, blockBytes-frameHeaderBytes, 20, 5000)}},
	} {
		t.Run(name, func(t *testing.T) {
			disk, j := tornJournal(t, c.policy, c.used)
			durable := frame(50)
			must(t, j.AppendWait(durable))
			before := filesOf(t, disk)
			for _, commit := range c.commits {
				oneCommit(t, j, commit)
			}
			after := filesOf(t, disk)
			must(t, j.Close())
			blocks := writtenBlocks(t, before, after)
			frames := place(blocks[0], c.commits)
			forEachSubset(before, after, blocks, func(files map[string][]byte, kept []block) {
				got, err := readFiles(t, files)
				if want := append([]string{describe(durable)}, wholePrefix(frames, kept)...); err != nil || !slices.Equal(got, want) {
					t.Fatalf("kept %v: %d frames, want %d, %v", kept, len(got), len(want), err)
				}
				goesOn(t, files)
			})
		})
	}
}

// goesOn starts a journal of such files, whose frames are in the logs by then: a replay finds what comes later, and nothing else.
func goesOn(t *testing.T, files map[string][]byte) {
	t.Helper()
	disk := diskOf(t, files)
	_, tail, err := replayed(disk)
	must(t, err)
	j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: tornFileBytes}, tail)
	must(t, err)
	next := frame(200)
	must(t, j.AppendWait(next))
	crashed := disk.Crash(1)
	_ = j.Close() // without power
	got, _, err := replayed(crashed)
	must(t, err)
	equal(t, got, []string{describe(next)})
}

// TestALostBlockOfADurableCommit: a later commit tells that one was durable. Whichever of its blocks are gone, the journal is corrupt.
func TestALostBlockOfADurableCommit(t *testing.T) {
	for _, used := range []bool{false, true} {
		disk, j := tornJournal(t, FlushAcks, used)
		before := filesOf(t, disk)
		commit := framesOf(100, 100, 5000, 3000)
		oneCommit(t, j, commit)
		between := filesOf(t, disk)
		must(t, j.AppendWait(frame(103)))
		after := filesOf(t, disk)
		must(t, j.Close())
		blocks := writtenBlocks(t, before, between)
		last := writtenBlocks(t, between, after)
		for _, b := range last {
			before[b.file] = slices.Clone(before[b.file])
			copy(before[b.file][b.at:b.at+blockBytes], after[b.file][b.at:])
		}
		forEachSubset(before, after, blocks, func(files map[string][]byte, kept []block) {
			got, err := readFiles(t, files)
			if len(kept) < len(blocks) {
				if !errors.Is(err, ErrCorrupt) {
					t.Fatalf("used %v, kept %v of %v: %d frames, %v", used, kept, blocks, len(got), err)
				}
				return
			}
			must(t, err)
			if len(got) != len(commit)+1 {
				t.Fatalf("%d frames", len(got))
			}
		})
	}
}

// TestFramesOfAnotherGeneration: a frame counts in the generation of its file alone, even where its LSN goes on and its checksum,
// salt included, is right.
func TestFramesOfAnotherGeneration(t *testing.T) {
	disk, j := tornJournal(t, FlushAcks, false)
	own := frame(1)
	must(t, j.AppendWait(own))
	must(t, j.Close())
	files := filesOf(t, disk)
	name := fileName("", 1)
	header, ok, err := newestHeader(files[name])
	must(t, err)
	if !ok {
		t.Fatal("the file has no header")
	}
	for _, generation := range []uint64{header.generation - 1, header.generation, header.generation + 1} {
		next := frame(2)
		next.LSN = own.LSN + 1
		forged := appendFrame(nil, next)
		h := header
		h.generation = generation
		seal(forged, &h, own.LSN)
		data := slices.Clone(files[name])
		copy(data[firstFrame+blockBytes:], forged)
		changed := maps.Clone(files)
		changed[name] = data
		got, err := readFiles(t, changed)
		must(t, err)
		want := []string{describe(own)}
		if generation == header.generation {
			want = append(want, describe(next)) // so the others are refused for their generation alone
		}
		equal(t, got, want)
	}
}

// TestAFileIsPreparedAnewInSteps: whatever a power loss keeps of the new headers, the frames are there or a checkpoint tells that they
// need not be, and none of them is found beside the new generation.
func TestAFileIsPreparedAnewInSteps(t *testing.T) {
	disk, j := tornJournal(t, FlushAcks, true)
	var want []string
	for i := range 3 {
		f := frame(50 + i)
		must(t, j.AppendWait(f))
		want = append(want, describe(f))
	}
	must(t, j.Close())
	files := filesOf(t, disk)
	for steps := range 10 {
		for seed := range uint64(16) {
			disk := diskOf(t, files)
			_, tail, err := replayed(disk)
			must(t, err)
			disk.CutPowerAfter(steps)
			j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: tornFileBytes}, tail)
			crashed := disk.Crash(seed)
			if err == nil {
				_ = j.Close() // without power
			}
			got, _, readErr := replayed(crashed)
			must(t, readErr)
			if len(got) > 0 && (err == nil || steps >= 2) {
				t.Fatalf("%d steps, seed %d: %d frames are back", steps, seed, len(got))
			}
			if len(got) > 0 {
				equal(t, got, want)
			}
		}
	}
}
