package storage

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestAMovedLogBesideOneThatLeft: another partition of the topic, or the same one, has left the directory before, and its files wait
// to be removed. That does not make the log that came look deleted.
func TestAMovedLogBesideOneThatLeft(t *testing.T) {
	for name, leaving := range map[string]int32{"another partition": 1, "the same one": 0} {
		t.Run(name, func(t *testing.T) {
			disk := vfs.NewMemory(nil)
			from, to := twoDirectories(t, disk)
			before, err := to.Create(testTopic, "topic", leaving, to.cfg.DefaultLogConfig)
			must(t, err)
			appendTo(t, before, keyed("key", "value"))
			waitConfirmed(t, before)
			must(t, to.Checkpoint())
			must(t, to.Delete(testTopic, leaving)) // as the end of a move does
			must(t, to.Checkpoint())

			l := gapped(t, from)
			if !hasGaps(t, l) {
				t.Fatal("compaction has left no gap")
			}
			want := survivors(t, l)
			moved := moveTo(t, to, l)
			appendTo(t, moved, keyed("after", "the move"))
			waitConfirmed(t, moved)
			want = append(want, fmt.Sprintf("%d:after=the move", moved.EndOffset()-1))
			next := disk.Crash(1)
			_, _ = from.Close(), to.Close() // without power
			from, to = twoDirectories(t, next)
			if got := survivors(t, to.Log("topic", 0)); !slices.Equal(got, want) {
				t.Errorf("after the crash it has\n%v\nand not\n%v", got, want)
			}
			must(t, errors.Join(from.Close(), to.Close()))
		})
	}
}
