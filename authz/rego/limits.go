package rego

import (
	"runtime"
	"time"
)

const (
	// MaxPolicyBytes bounds the modules together.
	MaxPolicyBytes = 1 << 20
	// MaxDataBytes bounds the data files together. They take about ten times their bytes when they are decoded.
	MaxDataBytes = 16 << 20
	// MaxFiles bounds how many files there are.
	MaxFiles = 1024
	// MaxBundleBytes bounds a bundle's file; what is in it is bounded like files in a directory.
	MaxBundleBytes = MaxPolicyBytes + MaxDataBytes
	// MaxReasonBytes bounds the reason that a policy gives, which goes into the audit log.
	MaxReasonBytes = 256
	// MaxSteps bounds the steps of an evaluation, of which a usual one takes less than a hundred. Each may hold half a KiB of the stack.
	MaxSteps = 200_000
	// MaxPrintedNodes bounds the values that a policy turns into text at once: values may share parts, and so be exponentially longer
	// as a text than in memory.
	MaxPrintedNodes = 10_000
	// MaxPrintedBytes bounds the texts within them.
	MaxPrintedBytes = 256 << 10
	// maxWidth bounds the width of a number in a format of sprintf, of which each is as many bytes.
	maxWidth = 1000
)

// Limits bound what evaluations may take. Zero fields mean the default.
type Limits struct {
	// Timeout is the longest evaluation, the wait for its turn included: 50 ms by default, a thousand times what a usual one takes.
	// It bounds the memory as well, by what can be allocated in that time.
	Timeout time.Duration
	// Compilation is the longest compilation: 10 s by default, a hundred times what a thousand rules take. One that takes longer is not
	// waited for, and can not be stopped.
	Compilation time.Duration
	// AtOnce is how many evaluations there are at once; by default as many as there are processors.
	AtOnce int
	// CacheEntries is how many decisions are cached, rounded up to a power of two: 65,536 by default, some 8 to 28 MiB.
	CacheEntries int
}

func (l Limits) orDefault() Limits {
	if l.Timeout <= 0 {
		l.Timeout = 50 * time.Millisecond
	}
	if l.Compilation <= 0 {
		l.Compilation = 10 * time.Second
	}
	if l.AtOnce <= 0 {
		l.AtOnce = runtime.GOMAXPROCS(0)
	}
	if l.CacheEntries <= 0 {
		l.CacheEntries = 1 << 16
	}
	return l
}
