package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func frameOf(body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

const frameStep = 64 << 10

func always([]byte, int) error { return nil }

func TestReadSizeRefusesBeforeAllocation(t *testing.T) {
	for name, c := range map[string]struct {
		prefix []byte
		want   error
	}{
		"2 GiB":         {[]byte{0x7f, 0xff, 0xff, 0xff}, ErrFrameSize},
		"negative":      {[]byte{0x80, 0, 0, 0}, ErrFrameSize},
		"minus one":     {[]byte{0xff, 0xff, 0xff, 0xff}, ErrFrameSize},
		"above the cap": {[]byte{0, 0, 4, 1}, ErrFrameSize},
		"at the cap":    {[]byte{0, 0, 4, 0}, nil},
		"half":          {[]byte{0, 0}, io.ErrUnexpectedEOF},
		"nothing":       {nil, io.EOF},
	} {
		var prefix [4]byte
		if _, err := ReadSize(bytes.NewReader(c.prefix), &prefix, 1024); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestReadBodyReturnsWhatWasSent(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 65535, 65536, 65537, 200_000, 3 << 20} {
		sent := bytes.Repeat([]byte("chronik!"), size/8+1)[:size]
		for name, r := range map[string]io.Reader{"whole": bytes.NewReader(sent), "halves": iotest.HalfReader(bytes.NewReader(sent))} {
			f, err := ReadBody(r, size, frameStep, always)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.Bytes(), sent) {
				t.Errorf("%d bytes, %s: something else came", size, name)
			}
			f.Release()
		}
	}
}

func TestReadBodyAllocatesByArrivalNotByClaim(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := ReadBody(strings.NewReader("only this"), 100<<20, frameStep, always)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame that ends early: %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 2*frameStep {
		t.Errorf("a claim of 100 MiB allocated %d bytes", got)
	}
}

func TestReadBodyAsksBeforeEachStep(t *testing.T) {
	stop := errors.New("stop")
	var asked []int
	_, err := ReadBody(bytes.NewReader(make([]byte, 1<<20)), 1<<20, frameStep, func(have []byte, more int) error {
		asked = append(asked, len(have), more)
		if len(have) >= 128<<10 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Fatalf("went on after a refused step: %v", err)
	}
	want := []int{0, 64 << 10, 64 << 10, 64 << 10, 128 << 10, 128 << 10}
	if len(asked) != len(want) {
		t.Fatalf("asked %v, want %v", asked, want)
	}
	for i := range want {
		if asked[i] != want[i] {
			t.Fatalf("asked %v, want %v", asked, want)
		}
	}
}

func TestBuffersArePooledBySize(t *testing.T) {
	for _, n := range []int{1, 4096, 4097, 2 << 20, 2<<20 + 1} {
		b := grab(n)
		if len(b) != 0 || cap(b) < n {
			t.Errorf("asked for %d, got length %d capacity %d", n, len(b), cap(b))
		}
		giveBack(b)
	}
	giveBack(make([]byte, 0, 5000))
	if b := grab(5000); cap(b) != 8192 {
		t.Errorf("a buffer of an odd size came back: %d", cap(b))
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frameOf([]byte("hello")))
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 1, 2, 3})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		var prefix [4]byte
		size, err := ReadSize(r, &prefix, 1<<20)
		if err != nil {
			return
		}
		frame, err := ReadBody(r, size, frameStep, always)
		if err != nil {
			if len(stream)-4 >= size {
				t.Fatalf("refused a whole frame: %v", err)
			}
			return
		}
		if !bytes.Equal(frame.Bytes(), stream[4:4+size]) {
			t.Fatal("the frame is not what was sent")
		}
		frame.Release()
	})
}
