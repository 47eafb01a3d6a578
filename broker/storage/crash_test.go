package storage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestCrashes cuts the power, kills the process or stops cleanly at random points of random work, starts included. Nothing
// confirmed is lost, nothing appears that was not appended, and what is there is there byte for byte, with the indexes, epochs,
// producers and transactions that belong to it.
//
// A seed repeats the order of nearly all calls. It does not fix which of a commit, a tick and a failure the journal's goroutines see first
// where several are due: a few seeds differ from run to run, and a failure may take some runs to come again.
func TestCrashes(t *testing.T) {
	forEachSeed(t, 150, func(t *testing.T, seed uint64) {
		m := newModel(t, seed)
		defer m.giveUp()
		m.lives(5)
	})
}

// model drives log directories through lives that end in crashes, and knows what each of their logs may hold.
type model struct {
	t    testing.TB
	r    *rand.Rand
	draw draw
	disk *vfs.Memory
	// wrap puts a layer around the disk, which may note what is done or do it wrongly.
	wrap   func(vfs.FS) vfs.FS
	faults *vfs.Faults // of this life
	fault  *modelFault // nil if there is none in this life
	gate   *gate
	clock  testClock
	dirs   []*modelDir
	logs   map[string]*modelLog // by topic; partition 0
	ids    byte
	life   string
	// flipped says that an index is damaged, and not yet built anew.
	flipped bool
	// flush is the checkpoint, move the move that runs beside the steps; nil if there is none.
	flush *flushBeside
	move  *moveBeside
}

var modelTopics = []string{"a", "b", "c-1"}

func newModel(t testing.TB, seed uint64) *model {
	m := &model{
		t: t, r: rand.New(rand.NewPCG(seed, 2)), disk: vfs.NewMemory(nil), wrap: func(fsys vfs.FS) vfs.FS { return fsys },
		logs: map[string]*modelLog{},
	}
	m.draw = newDraw(m.r)
	for _, name := range []string{testDir, movedDir}[:m.draw.directories] {
		must(t, makeDir(m.disk, name))
		m.dirs = append(m.dirs, &modelDir{path: name, deleted: map[TopicID]bool{}})
	}
	return m
}

// lives are so many lives.
func (m *model) lives(n int) {
	for life := range n {
		m.life = fmt.Sprintf("life %d", life)
		m.live()
	}
}

// giveUp ends the goroutines when a test ends early.
func (m *model) giveUp() {
	if m.t.Failed() && m.gate != nil {
		m.crash()
	}
}

func (m *model) fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s, %s: %s", m.life, m.draw, fmt.Sprintf(format, args...))
}
