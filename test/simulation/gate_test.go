package simulation

import (
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// gate is a file system on which the journal's writes and syncs wait until they are let through, one at a time: so the simulation, and no
// goroutine of the journal, says what is on disk when the power goes.
type gate struct {
	vfs.FS
	// lies has syncs of the journal do nothing once it is shut.
	lies    bool
	mu      sync.Mutex
	closed  bool
	waiting []held
}

// held is a call that waits.
type held struct {
	what string
	let  chan struct{}
}

func (g *gate) pass(op, name string) {
	if !journals(name) {
		return
	}
	g.mu.Lock()
	if !g.closed {
		g.mu.Unlock()
		return
	}
	h := held{what: name + op, let: make(chan struct{})}
	g.waiting = append(g.waiting, h)
	g.mu.Unlock()
	<-h.let
}

// shut has calls wait from now on.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// open lets all calls through from now on.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	for _, h := range g.waiting {
		close(h.let)
	}
	g.waiting = nil
}

// grant lets the first of the calls through, by what they are, and says whether there was any.
func (g *gate) grant() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return false
	}
	slices.SortFunc(g.waiting, func(a, b held) int { return strings.Compare(a.what, b.what) })
	close(g.waiting[0].let)
	g.waiting = g.waiting[1:]
	return true
}

func (g *gate) lie(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lies && g.closed && journals(name)
}

func journals(name string) bool { return strings.HasPrefix(path.Base(name), "chronik.journal.") }

func (g *gate) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := g.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	return &gatedFile{f, g, name}, nil
}

type gatedFile struct {
	vfs.File
	gate *gate
	name string
}

func (f *gatedFile) WriteAt(p []byte, off int64) (int, error) {
	f.gate.pass("write", f.name)
	return f.File.WriteAt(p, off)
}

func (f *gatedFile) Sync() error {
	f.gate.pass("sync", f.name)
	if f.gate.lie(f.name) {
		return nil
	}
	return f.File.Sync()
}
