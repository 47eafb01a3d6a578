package storage

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// gate is a file system that lets the calls of background goroutines through one at a time, when it is told to: those that
// change the journal's files, and all syncs. So the order of all changes is the driver's choice, and a seed repeats it.
type gate struct {
	vfs.FS
	// loose lets the syncs of segments' files through: the segment cache holds a file's lock over one, and who waits for a lock
	// does not come to rest.
	loose bool
	calls vfs.Turnstile
	mu    sync.Mutex
	// names has the stable names of what was retired under a random one, retired counts them over all lives.
	names   map[string]string
	retired int
}

func newGate(fsys vfs.FS, retired int) *gate {
	return &gate{FS: fsys, names: map[string]string{}, retired: retired}
}

func (g *gate) pass(op, name string) {
	if !ofJournal(name) && (op != "sync" || g.loose && strings.HasPrefix(path.Base(name), "0")) {
		return
	}
	g.calls.Pass(op + " " + name)
}

func ofJournal(name string) bool { return strings.HasPrefix(path.Base(name), "chronik.journal.") }

// open lets all calls through from here on: those of a process whose disk is gone, which are in no order and change nothing.
func (g *gate) open() { g.calls.Open() }

// grant lets one of the calls that wait go on, and says whether there was any. choose picks one of n.
func (g *gate) grant(journalOnly bool, choose func(n int) int) bool {
	return g.calls.Grant(func(what string) bool { return !journalOnly || ofJournal(what) }, choose)
}

// Rename gives what is retired under a random name a name that a seed repeats.
func (g *gate) Rename(from, to string) error {
	if strings.HasSuffix(to, deleteDirSuffix) || strings.HasSuffix(to, strayDirSuffix) {
		g.rename(to)
	}
	g.pass("rename", from)
	return g.FS.Rename(g.stable(from), g.stable(to))
}

// Mkdir gives a copy that is on its way in, under a random name, a name that a seed repeats.
func (g *gate) Mkdir(name string) error {
	if strings.HasSuffix(name, futureDirSuffix) {
		g.rename(name)
	}
	return g.FS.Mkdir(g.stable(name))
}

// rename chooses the stable name of a random one.
func (g *gate) rename(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retired++
	dot := strings.LastIndexByte(name, '.')
	g.names[name] = fmt.Sprintf("%s.%032x%s", name[:dot], g.retired, name[strings.LastIndexByte(name, '-'):])
}

// stable is the name under which a file is.
func (g *gate) stable(name string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for retired, stable := range g.names {
		if rest, ok := strings.CutPrefix(name, retired); ok {
			return stable + rest
		}
	}
	return name
}

func (g *gate) Open(name string, mode vfs.Mode) (vfs.File, error) {
	if mode != vfs.ReadOnly && mode != vfs.ReadWrite {
		g.pass("open", name)
	}
	f, err := g.FS.Open(g.stable(name), mode)
	if err != nil {
		return nil, err
	}
	return &gatedFile{f, g, name}, nil
}

func (g *gate) Remove(name string) error {
	g.pass("remove", name)
	return g.FS.Remove(g.stable(name))
}

func (g *gate) List(dir string) ([]vfs.Info, error) { return g.FS.List(g.stable(dir)) }

// OpenVolume passes the volume's syncs off as the directory's.
func (g *gate) OpenVolume(dir string) (vfs.Volume, error) {
	v, err := vfs.OpenVolume(g.FS, dir)
	if err != nil {
		return nil, err
	}
	return &gatedVolume{v, g, dir}, nil
}

type gatedVolume struct {
	vfs.Volume
	gate *gate
	dir  string
}

func (v *gatedVolume) Sync() error {
	v.gate.pass("sync", v.dir)
	return v.Volume.Sync()
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
	return f.File.Sync()
}
