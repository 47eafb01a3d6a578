package simulation

import (
	"path"
	"strings"
	"sync/atomic"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// gate is a file system on which the journal's writes and syncs wait until they are let through, one at a time: so the simulation, and no
// goroutine of the journal, says what is on disk when the power goes.
type gate struct {
	vfs.FS
	// lies has syncs of the journal do nothing once it is shut.
	lies  bool
	shut  atomic.Bool
	calls vfs.Turnstile
}

func (g *gate) pass(op, name string) {
	if g.shut.Load() && journals(name) {
		g.calls.Pass(name + op)
	}
}

// open lets all calls through from now on.
func (g *gate) open() {
	g.shut.Store(false)
	g.calls.Open()
}

// grant lets the first of the calls through, by what they are, and says whether there was any.
func (g *gate) grant() bool {
	return g.calls.Grant(func(string) bool { return true }, func(int) int { return 0 })
}

func (g *gate) lie(name string) bool { return g.lies && g.shut.Load() && journals(name) }

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
