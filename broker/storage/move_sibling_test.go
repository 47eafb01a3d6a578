package storage

import (
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

			gapsSurviveAMove(t, disk, from, to, 1)
		})
	}
}
