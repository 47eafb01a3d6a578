package wire

import (
	"math/bits"
	"sync"
)

// Buffers are pooled by powers of two, from the smallest that is worth it.
const (
	smallestPooled = 12 // 4 KiB
	largestPooled  = 23 // 8 MiB: a few partitions of 1 MiB each, as Java's consumers fetch them
	largestKept    = 16 // 64 KiB: what a connection keeps between its answers
)

// buffers are pools of *[]byte with exactly the capacity of their class.
var buffers [largestPooled + 1]sync.Pool

// classOf is the class of the smallest buffer that holds n bytes.
func classOf(n int) int {
	if n <= 1<<smallestPooled {
		return smallestPooled
	}
	return bits.Len(uint(n - 1)) //nolint:gosec // n is positive
}

// pooled returns an empty buffer with room for n bytes, if one lies ready.
func pooled(n int) ([]byte, bool) {
	class := classOf(n)
	if class > largestPooled {
		return nil, false
	}
	b, found := buffers[class].Get().(*[]byte)
	if !found {
		return nil, false
	}
	return (*b)[:0], true
}

// grab returns an empty buffer with room for n bytes.
func grab(n int) []byte {
	if b, found := pooled(n); found {
		return b
	}
	if class := classOf(n); class <= largestPooled {
		return make([]byte, 0, 1<<class)
	}
	return make([]byte, 0, n)
}

// giveBack keeps a buffer for reuse, if it is of a pooled size.
func giveBack(b []byte) {
	c := cap(b)
	if c < 1<<smallestPooled || c > 1<<largestPooled || c&(c-1) != 0 {
		return
	}
	b = b[:0]
	buffers[bits.Len(uint(c))-1].Put(&b)
}
