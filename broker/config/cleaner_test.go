package config

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestCleaner(t *testing.T) {
	want := Cleaner{Threads: 1, Backoff: 15 * time.Second, DedupeBytes: 128 << 20, IOBytes: 512 << 10, LoadFactor: 0.9, BytesPerSecond: math.MaxFloat64}
	if got := mustLoad(t, loopback).Cleaner; got != want {
		t.Errorf("by default compaction is configured as %+v, not %+v", got, want)
	}
	if got := mustLoad(t, loopback+"log.cleaner.enable=false\nlog.cleaner.threads=3\n").Cleaner.Threads; got != 0 {
		t.Errorf("%d threads compact although log.cleaner.enable is false", got)
	}
	for _, bad := range []string{
		"log.cleaner.io.buffer.load.factor=1.5", "log.cleaner.io.buffer.load.factor=0", "log.cleaner.dedupe.buffer.size=1000",
		"log.cleaner.io.max.bytes.per.second=0",
	} {
		_, _, err := load(t, loopback+bad+"\n")
		if name, _, _ := strings.Cut(bad, "="); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", bad, err)
		}
	}
}
